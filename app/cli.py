"""The command line: `python -m app [command]`. Each command loads only what it needs."""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import sys
from pathlib import Path

from app import standard_streams
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
  python -m app health                                      is the gateway that runs well, and if not, what helps?
  python -m app translate < body.json                       what would be sent to GigaChat?
  python -m app certs --fetch                               add the Ministry's intermediate certificates
"""


def main(argv: list[str] | None = None) -> int:
    """Run a command. Returns the exit code: 0 success, 1 failure, 2 wrong usage or settings."""
    standard_streams.prepare()
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except ConfigError as fault:
        for sentence in fault.faults:
            print(f"gpt2giga-proxy: {sentence}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m app", description=_ABOUT, epilog=_EXAMPLES, formatter_class=raw)
    parser.add_argument("--version", action="version", version=f"gpt2giga-proxy {_version()}")
    parser.set_defaults(run=_serve)
    commands = parser.add_subparsers(title="commands", metavar="command")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")

    check = command("check", "tell whether settings, certificate and credentials work")
    check.add_argument("--chat", action="store_true", help="ask GIGACHAT_MODEL for one word too: it costs some tokens")
    check.set_defaults(run=_check)

    alive = command("alive", "exit 0 when the gateway of these settings runs: for health checks")
    alive.set_defaults(run=_alive)

    health = command("health", "print the health of the gateway of these settings, with causes and remedies")
    health.set_defaults(run=_health)

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
    sandbox.add_argument("--port", type=_port, default=9555, help="of the sandbox (default: %(default)s)")
    sandbox.add_argument("--token-ttl", type=_seconds, default=1800.0, help="life of a token, seconds (default: 1800)")
    sandbox.add_argument("--max-concurrency", type=_count, default=0, help="429 above so many chats (default: all)")
    sandbox.add_argument("--chunk-seconds", type=_seconds, default=0.0, help="pause between a stream's chunks")
    sandbox.add_argument("--clock-offset", type=_offset, default=0.0, help="seconds by which its clock is off")
    sandbox.add_argument("--with-gateway", action="store_true", help="run the gateway in front of it as well")
    sandbox.set_defaults(run=_sandbox)


def _number(least: float, most: float, given: str) -> float:
    """A number of the command line. Raises what argparse turns into a line and exit code 2."""
    try:
        number = float(given)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{given[:40]!a} is no number from {least:.0f} to {most:.0f}")
    return number


def _count(given: str, most: int = 1_000_000) -> int:
    number = _number(0, most, given)
    if not number.is_integer():
        raise argparse.ArgumentTypeError(f"{given[:40]!a} is no whole number")
    return int(number)


def _port(given: str) -> int:
    return _count(given, 65_535)


def _seconds(given: str) -> float:
    return _number(0, 1e9, given)


def _offset(given: str) -> float:
    return _number(-1e9, 1e9, given)


def _serve(_arguments: argparse.Namespace) -> int:
    from app import serve

    return serve.main(Config.load())


def _check(arguments: argparse.Namespace) -> int:
    from app.checkup import run

    return asyncio.run(run(Config.load(), chat=arguments.chat))


def _alive(_arguments: argparse.Namespace) -> int:
    from app.probes import check_alive

    return check_alive(Config.load())


def _health(_arguments: argparse.Namespace) -> int:
    from app.probes import print_health

    return print_health(Config.load())


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
        body, repairs = json_object(data)
        shown = preview.chat(body, config.model, config.embeddings_model, config.model_aliases, repairs)
    except OSError as fault:
        print(f"cannot read {arguments.file}: {fault.strerror}", file=sys.stderr)
        return 2
    except GatewayError as error:
        print(f"{error.kind.status} {error.kind.name}: {error.message}", file=sys.stderr)
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
