"""Runs the gateway as a process: opens the ports, waits for a signal, lets requests finish, and stops."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web

from app.admission import heap
from app.application import build
from app.config import Config
from app.observe import exception_hooks, logs
from app.observe.logs import LOGGER, fields
from app.redaction import mask_host
from app.server import health
from app.server.app_keys import DRAIN
from app.server.drain import Drain
from app.server.listener import Listener, handle_fault
from app.server.middlewares import refusals_first, tell_client
from app.server.scrape import Scrape
from app.version import program_version

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# How many more objects there are before the youngest are looked at, and how many such looks before the next older
# ones are. With Python's own (700, 10, 10) 2,000 streams stand still for a quarter of a second: docs/performance.md.
_GC_THRESHOLDS = (10_000, 2, 1_000)


class _PortNotOpened(Exception):
    """A port could not be opened. The reason is already in the log."""


def choose_runner() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """The function that runs the event loop: uvloop's if it is installed (the extra `speed`), else asyncio's."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run
    return uvloop.run


def main(config: Config) -> int:
    """Serve until a signal. Returns the exit code."""
    logs.configure(config.log_level, config.log_format)
    exception_hooks.install()
    code = int(choose_runner()(run(config)))
    ignore_signals()
    return code


async def run(config: Config, remedy: str = "set {name}={value}") -> int:
    """Serve on the running loop until a signal. Returns the exit code.

    `remedy` is logged if a port cannot be opened: it tells how this caller's user changes a setting.
    """
    heap.keep_a_little()
    app = build(config)
    server = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1.0)
    extra = _build_metrics_server(app) if config.metrics_port is not None else None
    signals = [asyncio.Event(), asyncio.Event()]  # the first asks to stop, the second to hurry
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(handle_fault)
    for number in _SIGNALS:
        loop.add_signal_handler(number, _set_next_event, signals)
    ignore_hangup()
    try:
        await server.setup()
        port = await _open_port(server, config, config.port, "GPT2GIGA_PORT", remedy)
        metrics_port = None
        if extra is not None:
            await extra.setup()
            metrics_port = await _open_port(extra, config, config.metrics_port or 0, "GPT2GIGA_METRICS_PORT", remedy)
        _log_start(config, port, metrics_port)
        calm_garbage_collector()
        await signals[0].wait()
        LOGGER.info("stopping", extra=fields(under_way=app[DRAIN].under_way, seconds=config.shutdown_seconds))
        await _wait_for_requests(app[DRAIN], config.shutdown_seconds, signals[1])
    except _PortNotOpened:
        return 1
    finally:
        await server.cleanup()
        if extra is not None:
            await extra.cleanup()
    LOGGER.info("stopped")
    return 0


def calm_garbage_collector() -> None:
    """Make the collector look at little and seldom: it stops every stream while it looks.

    What exists now stays until the end, and need not be visited again. What requests leave is freed without the
    collector, but for cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


async def listen(
    server: web.AppRunner, host: str, port: int, *, limit: int | None = None, idle_seconds: float = 75.0
) -> int:
    """Open the port and return its number, which the system chooses if `port` is 0. Raises OSError."""
    listener = Listener(server, host, port, limit=limit, idle_seconds=idle_seconds)
    try:
        await listener.start()
    except UnicodeError as fault:  # a name with an empty or too long label cannot be encoded for a DNS query
        raise socket.gaierror(socket.EAI_NONAME, "that is no host's name") from fault
    return listener.port


def is_host_fault(fault: OSError) -> bool:
    """Whether a port could not be opened because the host has no address, or no address of this machine."""
    # asyncio raises OSError without a number after it has tried several addresses.
    return isinstance(fault, socket.gaierror) or fault.errno in {errno.EADDRNOTAVAIL, None}


def describe_port_fault(fault: OSError) -> str:
    """Why a port could not be opened, in the system's words: asyncio's own show the address as a Python tuple."""
    if isinstance(fault, socket.gaierror):
        return fault.strerror or str(fault)
    return os.strerror(fault.errno or errno.EADDRNOTAVAIL)


def choose_other_port(port: int) -> int:
    """A port to propose in place of one that cannot be opened. Those up to 1023 need a privilege."""
    return port + 1 if 1023 < port < 65_535 else 8091


async def _open_port(server: web.AppRunner, config: Config, port: int, name: str, remedy: str) -> int:
    host = config.host
    limit = config.max_connections if name == "GPT2GIGA_PORT" else None
    try:
        return await listen(server, host, port, limit=limit, idle_seconds=config.idle_seconds)
    except OSError as fault:
        if is_host_fault(fault):
            advice = remedy.format(name="GPT2GIGA_HOST", value="127.0.0.1")
        else:
            advice = remedy.format(name=name, value=choose_other_port(port))
            if fault.errno == errno.EADDRINUSE:
                advice += "; or end what listens there: `ss -ltnp` names it"
        why = describe_port_fault(fault)
        LOGGER.critical("cannot listen", extra=fields(host=mask_host(host), port=port, why=why, remedy=advice))
        raise _PortNotOpened from fault


def _build_metrics_server(gateway: web.Application) -> web.AppRunner:
    app = web.Application(middlewares=[refusals_first])
    app.on_response_prepare.append(tell_client)
    app.router.add_get("/metrics", Scrape().get)
    app.router.add_get("/health", health.health_on_metrics_port(gateway))
    return web.AppRunner(app, handler_cancellation=True, access_log=None)


def _log_start(config: Config, port: int, metrics_port: int | None) -> None:
    for warning in config.warnings:
        LOGGER.warning(warning)
    if not (config.credentials or config.access_token or config.access_token_file or config.user or config.cert_file):
        LOGGER.error("no credentials are set: set GIGACHAT_CREDENTIALS, or try `make sandbox`")
    host = f"[{config.host}]" if ":" in config.host else config.host
    metrics = f"http://{host}:{port if metrics_port is None else metrics_port}/metrics"
    LOGGER.info(
        "listening",
        extra=fields(
            version=program_version(),
            url=f"http://{host}:{port}/v1",
            metrics=metrics,
            settings=config.changed_settings(),
        ),
    )


def ignore_signals() -> None:
    """Ignore signals after the gateway has stopped: one that came now would change the exit code."""
    for number in (*_SIGNALS, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def ignore_hangup() -> None:
    """Keep running when the terminal closes, and log that once. Under `nohup` SIGHUP is ignored already."""
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _on_hangup)


def _on_hangup(_number: int, _frame: object) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    LOGGER.info("SIGHUP is ignored: settings are read at the start, SIGTERM ends the gateway")


def _set_next_event(signals: list[asyncio.Event]) -> None:
    for event in signals:
        if not event.is_set():
            event.set()
            return


async def _wait_for_requests(drain: Drain, seconds: float, hurry: asyncio.Event) -> None:
    """Let requests finish within this time. A second signal ends them at once."""
    finishing = asyncio.create_task(drain.finish(seconds), name="drain")
    second_signal = asyncio.create_task(hurry.wait(), name="second-signal")
    await asyncio.wait({finishing, second_signal}, return_when=asyncio.FIRST_COMPLETED)
    if not finishing.done():
        finishing.cancel()
        await drain.finish(0)
    second_signal.cancel()
    await asyncio.gather(finishing, second_signal, return_exceptions=True)
