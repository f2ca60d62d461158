"""The command line: `python -m app [command]`. Each command loads only what it needs."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from app.config import Config
from app.errors import ConfigError, GatewayError

_ABOUT = """\
OpenAI's API in front of Sber's GigaChat.

Without a command it serves: POST /v1/chat/completions, POST /v1/embeddings, GET /v1/models, and for operators
/health, /livez, /readyz, /metrics. Settings come from the environment, then from .env: see .env.example.
"""
_EXAMPLES = """\
examples:
  GIGACHAT_CREDENTIALS=<Authorization Key> python -m app    serve on 127.0.0.1:8090
  python -m app sandbox --with-gateway                      try it without credentials
  python -m app check                                       do settings, certificate and credentials work?
  python -m app translate < body.json                       what would be sent to GigaChat?
  python -m app certs --fetch                               add the Ministry's intermediate certificates
"""


def main(argv: list[str] | None = None) -> int:
    """Run a command; the exit code: 0 done, 1 failed, 2 wrong usage or settings."""
    arguments = _parser().parse_args(argv)
    try:
        code = int(arguments.run(arguments))
        if sys.stdout is not None:  # closed by who started it
            sys.stdout.flush()
        return code
    except ConfigError as fault:
        for sentence in fault.faults:
            print(f"gpt2giga-proxy: {sentence}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `| head` has seen enough; the interpreter's own flush at the end would meet it again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m app", description=_ABOUT, epilog=_EXAMPLES, formatter_class=raw)
    parser.add_argument("--version", action="version", version=f"gpt2giga-proxy {_version()}")
    parser.set_defaults(run=_serve)
    commands = parser.add_subparsers(title="commands", metavar="command")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")

    check = command("check", "tell whether settings, certificate and credentials work")
    check.set_defaults(run=_check)

    alive = command("alive", "exit 0 when the gateway of these settings runs: for health checks")
    alive.set_defaults(run=_alive)

    translate = command("translate", "print what a chat request would become, without sending it")
    translate.add_argument("file", nargs="?", help="a JSON body for /v1/chat/completions; standard input by default")
    translate.set_defaults(run=_translate)

    certs = command("certs", "show which certificates are trusted for GigaChat")
    certs.add_argument("--fetch", action="store_true", help="download the missing ones and check their fingerprints")
    certs.set_defaults(run=_certs)

    _add_sandbox(command("sandbox", "a GigaChat that runs locally: no credentials, no network"))
    return parser


def _add_sandbox(sandbox: argparse.ArgumentParser) -> None:
    sandbox.add_argument("--host", default="127.0.0.1", help="of the sandbox (default: %(default)s)")
    sandbox.add_argument("--port", type=int, default=9555, help="of the sandbox (default: %(default)s)")
    sandbox.add_argument("--token-ttl", type=float, default=1800.0, help="life of a token, seconds (default: 1800)")
    sandbox.add_argument("--max-concurrency", type=int, default=0, help="429 above so many chats (default: no limit)")
    sandbox.add_argument("--chunk-seconds", type=float, default=0.0, help="pause between a stream's chunks")
    sandbox.add_argument("--clock-offset", type=float, default=0.0, help="seconds by which its clock is off")
    sandbox.add_argument("--with-gateway", action="store_true", help="run the gateway in front of it as well")
    sandbox.set_defaults(run=_sandbox)


def _serve(_arguments: argparse.Namespace) -> int:
    from app import serve

    return serve.main(Config.load())


def _check(_arguments: argparse.Namespace) -> int:
    from app.checkup import run

    return asyncio.run(run(Config.load()))


def _alive(_arguments: argparse.Namespace) -> int:
    from http.client import HTTPConnection, HTTPException

    config = Config.load()
    # A gateway that listens on all addresses listens on this one too.
    host = "127.0.0.1" if config.host in {"0.0.0.0", "::"} else config.host  # noqa: S104 - compared, not bound
    connection = HTTPConnection(host, config.port, timeout=2)
    try:
        connection.request("GET", "/livez")
        return 0 if connection.getresponse().status == 200 else 1
    except OSError as fault:
        print(f"nobody answers on {host}:{config.port}: {fault}", file=sys.stderr)
        return 1
    except HTTPException as fault:
        told = repr(fault)[:200]  # what came may be long, and binary
        print(f"what answers on {host}:{config.port} is no gateway, nor HTTP: {told}", file=sys.stderr)
        return 1
    finally:
        connection.close()


def _certs(arguments: argparse.Namespace) -> int:
    from app.certificates import run

    return asyncio.run(run(Config.load(), fetch=arguments.fetch))


def _translate(arguments: argparse.Namespace) -> int:
    import json

    from app.server.bodies import json_object
    from app.translate import preview

    config = Config.load()
    try:
        data = Path(arguments.file).read_bytes() if arguments.file else sys.stdin.buffer.read()
        shown = preview.chat(json_object(data), config.model, config.embeddings_model, config.model_aliases)
    except OSError as fault:
        print(f"cannot read {arguments.file}: {fault.strerror}", file=sys.stderr)
        return 2
    except GatewayError as error:
        print(f"{error.row.status} {error.row.code}: {error.message}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(json.dumps(shown, ensure_ascii=False, indent=2).encode() + b"\n")
    return 0


def _sandbox(arguments: argparse.Namespace) -> int:
    from app import playground
    from app.sandbox.state import SandboxSettings

    settings = SandboxSettings(
        token_ttl=arguments.token_ttl,
        max_concurrency=arguments.max_concurrency,
        chunk_seconds=arguments.chunk_seconds,
        clock_offset=arguments.clock_offset,
    )
    return playground.main(settings, arguments.host, arguments.port, os.environ if arguments.with_gateway else None)


def _version() -> str:
    from app.version import program_version

    return program_version()
