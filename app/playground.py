"""`python -m app sandbox`: the local GigaChat alone, or with the gateway in front of it in one process."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping

from app import serve
from app.config import Config
from app.observe import logs
from app.sandbox import server
from app.sandbox.state import SandboxSettings

# What a developer's environment says about the real GigaChat has no say here.
_REAL = (
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
    """Run until a signal. With an environment the gateway runs too, by these settings but for GigaChat's."""
    return asyncio.run(_alone(settings, host, port) if environ is None else _both(settings, host, port, environ))


async def _alone(settings: SandboxSettings, host: str, port: int) -> int:
    running = await _start(settings, host, port)
    if running is None:
        return 1
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _say(running, settings)
    await stop.wait()
    await running.stop()
    return 0


async def _both(settings: SandboxSettings, host: str, port: int, environ: Mapping[str, str]) -> int:
    running = await _start(settings, host, port)
    if running is None:
        return 1
    try:
        config = gateway_config(running, settings, environ)
        logs.configure(config.log_level, config.log_format)
        _say(running, settings)
        where = f"http://localhost:{config.port}/v1" if config.port else "the gateway's URL below"
        _line(f"Point an OpenAI SDK at {where} with {'your' if config.api_key else 'any'} key. Ctrl-C stops both.")
        return await serve.run(config, "{name}={value} make sandbox (.env is not read here)")
    finally:
        await running.stop()


def gateway_config(running: server.Running, settings: SandboxSettings, environ: Mapping[str, str]) -> Config:
    """The gateway's settings: the environment's, asking the sandbox."""
    given = {name: value for name, value in environ.items() if name not in _REAL}
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
        _line(f"The sandbox cannot listen on {host}:{port}: {fault.strerror or fault}.")
        what, option = ("host", "--host 127.0.0.1") if serve.host_at_fault(fault) else ("port", "--port 9556")
        _line(f"Give another {what} with {option}, or: make sandbox SANDBOX='{option}'")
        return None


def _say(running: server.Running, settings: SandboxSettings) -> None:
    _line(f"The sandbox GigaChat listens on {running.url}: its answers are invented. Faults and directives: /sandbox")
    _line(
        f"GIGACHAT_CREDENTIALS={settings.key} GIGACHAT_BASE_URL={running.api_url} GIGACHAT_AUTH_URL={running.oauth_url}"
    )


def _line(text: str) -> None:
    sys.stderr.write(text + "\n")
