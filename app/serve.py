"""The process: listens, waits for a signal, drains, ends."""

from __future__ import annotations

import asyncio
import errno
import gc
import signal
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web

from app.application import build
from app.config import Config
from app.observe import logs
from app.observe.logs import LOGGER, fields
from app.server.drain import Drain
from app.server.keys import DRAIN
from app.server.scrape import Scrape

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class _NotListening(Exception):
    """A port could not be opened; the log says why."""


def runner() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """How the loop is run: on uvloop where it is installed (the extra `speed`), else on asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run
    return uvloop.run


def main(config: Config) -> int:
    """Serve until a signal; the exit code."""
    logs.configure(config.log_level, config.log_format)
    return int(runner()(run(config)))


async def run(config: Config, remedy: str = "set {name}={value}") -> int:
    """Serve on the running loop until a signal; the exit code.

    `remedy`: how whoever started this gives a setting, told when a port can't be opened.
    """
    app = build(config)
    server = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1.0)
    extra = _metrics_server() if config.metrics_port is not None else None
    signals = [asyncio.Event(), asyncio.Event()]  # the first asks to stop, the second to hurry
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, _on_signal, signals)
    try:
        await server.setup()
        port = await _opened(server, config.host, config.port, "GPT2GIGA_PORT", remedy)
        metrics_port = None
        if extra is not None:
            await extra.setup()
            metrics_port = await _opened(extra, config.host, config.metrics_port or 0, "GPT2GIGA_METRICS_PORT", remedy)
        _announce(config, port, metrics_port)
        # What is alive now stays: collections need not walk through it again.
        gc.collect()
        gc.freeze()
        await signals[0].wait()
        LOGGER.info("stopping", extra=fields(under_way=app[DRAIN].under_way, seconds=config.shutdown_seconds))
        await _drain(app[DRAIN], config.shutdown_seconds, signals[1])
    except _NotListening:
        return 1
    finally:
        await server.cleanup()
        if extra is not None:
            await extra.cleanup()
    LOGGER.info("stopped")
    return 0


async def listen(server: web.AppRunner, host: str, port: int) -> int:
    """Open the port; its number, which the system chooses when 0 was asked for. Raises OSError."""
    site = web.TCPSite(server, host, port)
    try:
        await site.start()
    except UnicodeError as fault:  # a name with an empty or an endless part is not even looked up
        raise socket.gaierror(socket.EAI_NONAME, f"{host!r} is no host's name") from fault
    return int(server.addresses[0][1])


def host_at_fault(fault: OSError) -> bool:
    """Whether a port could not be opened since its host has no address, or none of this machine's."""
    # asyncio tells no number when it has tried several addresses and none was this machine's.
    return isinstance(fault, socket.gaierror) or fault.errno in {errno.EADDRNOTAVAIL, None}


async def _opened(server: web.AppRunner, host: str, port: int, name: str, remedy: str) -> int:
    try:
        return await listen(server, host, port)
    except OSError as fault:
        if host_at_fault(fault):
            told = remedy.format(name="GPT2GIGA_HOST", value="127.0.0.1")
        else:
            # Not every user may open the first 1023.
            told = remedy.format(name=name, value=port + 1 if 1023 < port < 65_535 else 8091)
        why = fault.strerror or str(fault)
        LOGGER.critical("cannot listen", extra=fields(host=host, port=port, why=why, remedy=told))
        raise _NotListening from fault


def _metrics_server() -> web.AppRunner:
    app = web.Application()
    app.router.add_get("/metrics", Scrape().get)
    return web.AppRunner(app, access_log=None)


def _announce(config: Config, port: int, metrics_port: int | None) -> None:
    for warning in config.warnings:
        LOGGER.warning(warning)
    if not (config.credentials or config.access_token or config.access_token_file or config.user or config.cert_file):
        LOGGER.error("no credentials are set: set GIGACHAT_CREDENTIALS, or try `make sandbox`")
    host = f"[{config.host}]" if ":" in config.host else config.host
    metrics = f"http://{host}:{port if metrics_port is None else metrics_port}/metrics"
    LOGGER.info("listening", extra=fields(url=f"http://{host}:{port}/v1", metrics=metrics, settings=config.effective()))


def _on_signal(signals: list[asyncio.Event]) -> None:
    for event in signals:
        if not event.is_set():
            event.set()
            return


async def _drain(drain: Drain, seconds: float, hurry: asyncio.Event) -> None:
    """Let requests finish in the time they have; a second signal ends it."""
    patient = asyncio.create_task(drain.finish(seconds), name="drain")
    second = asyncio.create_task(hurry.wait(), name="second-signal")
    await asyncio.wait({patient, second}, return_when=asyncio.FIRST_COMPLETED)
    if not patient.done():
        patient.cancel()
        await drain.finish(0)
    second.cancel()
    await asyncio.gather(patient, second, return_exceptions=True)
