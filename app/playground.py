"""`python -m app sandbox`: the local GigaChat alone, or with the gateway in front of it in one process."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping

from app import serve
from app.config import Config
from app.observe import exception_hooks, logs
from app.sandbox import server
from app.sandbox.state import SandboxSettings

# Variables about the real GigaChat. They are ignored here: the gateway must use the sandbox.
_GIGACHAT_VARIABLES = (
    "GIGACHAT_CREDENTIALS",
    "GIGACHAT_CREDENTIALS_FILE",
    "GIGACHAT_ACCESS_TOKEN",
    "GIGACHAT_ACCESS_TOKEN_FILE",
    "GIGACHAT_SCOPE",
    "GIGACHAT_USER",
    "GIGACHAT_PASSWORD",
    "GIGACHAT_PASSWORD_FILE",
    "GIGACHAT_VERIFY_SSL_CERTS",
    "GIGACHAT_CA_BUNDLE_FILE",
    "GIGACHAT_CERT_FILE",
    "GIGACHAT_KEY_FILE",
    "GIGACHAT_KEY_FILE_PASSWORD",
    "GIGACHAT_KEY_FILE_PASSWORD_FILE",
    "GPT2GIGA_UPSTREAM_PROXY",
    "GPT2GIGA_UPSTREAM_PROXY_FILE",
    "HTTPS_PROXY",
    "https_proxy",
)


def main(settings: SandboxSettings, host: str, port: int, environ: Mapping[str, str] | None) -> int:
    """Run until a signal. If `environ` is given, the gateway runs too, with these settings except GigaChat's."""
    logs.configure("info", "auto")
    exception_hooks.install()
    if environ is None:
        code = asyncio.run(_run_sandbox(settings, host, port))
    else:
        code = asyncio.run(_run_with_gateway(settings, host, port, environ))
    serve.ignore_signals()
    return code


async def _run_sandbox(settings: SandboxSettings, host: str, port: int) -> int:
    running = await _start(settings, host, port)
    if running is None:
        return 1
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _print_settings(running, settings)
    await stop.wait()
    await running.stop()
    return 0


async def _run_with_gateway(settings: SandboxSettings, host: str, port: int, environ: Mapping[str, str]) -> int:
    running = await _start(settings, host, port)
    if running is None:
        return 1
    try:
        config = build_gateway_config(running, settings, environ)
        logs.configure(config.log_level, config.log_format)
        _print_settings(running, settings)
        where = f"http://localhost:{config.port}/v1" if config.port else "the gateway's URL below"
        _print_line(
            f"Point an OpenAI SDK at {where} with {'your' if config.api_key else 'any'} key. Ctrl-C stops both."
        )
        return await serve.run(config, "{name}={value} make sandbox (.env is not read here)")
    finally:
        await running.stop()


def build_gateway_config(running: server.Running, settings: SandboxSettings, environ: Mapping[str, str]) -> Config:
    """The gateway's settings: those of the environment, with the sandbox in GigaChat's place."""
    given = {name: value for name, value in environ.items() if name not in _GIGACHAT_VARIABLES}
    given |= {
        "GIGACHAT_CREDENTIALS": settings.key,
        "GIGACHAT_SCOPE": settings.scope,
        "GIGACHAT_BASE_URL": running.api_url,
        "GIGACHAT_AUTH_URL": running.oauth_url,
    }
    return Config.load(given, dotenv=None)


async def _start(settings: SandboxSettings, host: str, port: int) -> server.Running | None:
    try:
        return await server.start(settings, host, port)
    except OSError as fault:
        _print_line(f"The sandbox cannot listen on {host}:{port}: {serve.describe_port_fault(fault)}.")
        what, option = "port", f"--port {serve.choose_other_port(port)}"
        if serve.is_host_fault(fault):
            what, option = "host", "--host 127.0.0.1"
        _print_line(f"Give another {what} with {option}, or: make sandbox SANDBOX='{option}'")
        return None


def _print_settings(running: server.Running, settings: SandboxSettings) -> None:
    _print_line(
        f"The sandbox GigaChat listens on {running.url}: its answers are invented. Faults and directives: /sandbox"
    )
    _print_line(
        f"GIGACHAT_CREDENTIALS={settings.key} GIGACHAT_BASE_URL={running.api_url} GIGACHAT_AUTH_URL={running.oauth_url}"
    )


def _print_line(text: str) -> None:
    sys.stderr.write(text + "\n")
