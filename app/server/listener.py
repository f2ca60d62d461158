"""How a port is opened: one place for the gateway's main port, its metrics port, and the tests."""

from __future__ import annotations

import asyncio
import errno
import functools
import os
import socket
from collections.abc import Callable
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage

from app.observe import metrics
from app.observe.connections import ConnectionObserver
from app.server.app_keys import BODIES, DRAIN, REQUESTS
from app.server.connection_table import Connections, default_limit
from app.server.drain import Drain
from app.server.heads import HeadBudget
from app.server.http_connection import HttpConnection
from app.server.port import Port
from app.server.refusals import SHORT_PATH, has_endless_path, without_path

# So many connections are taken in one turn of the loop: a flood must not use up the open files between two looks.
_AT_ONCE = 4
# So many wait in the system until they are taken.
_WAITING = 4096
# Prometheus, a probe, a person.
_MOST_AT_METRICS = 32
_MOST_UNREAD = 64 * 1024


class Listener(web.BaseSite):
    """An open port of an application. The runner's cleanup closes it."""

    def __init__(self, runner: web.AppRunner, host: str, port: int, *, limit: int | None, idle_seconds: float) -> None:
        super().__init__(runner)
        self._app_runner = runner
        self._address = (host, port)
        app, loop = runner.app, asyncio.get_running_loop()
        name = "main" if REQUESTS in app else "metrics"
        if limit is None:
            limit = default_limit() if name == "main" else _MOST_AT_METRICS
        observer = ConnectionObserver(metrics.shared(), name, limit)
        self._port = Port(
            loop,
            Connections(limit, observer),
            HeadBudget(),
            app[DRAIN] if DRAIN in app else Drain(),
            app.get(REQUESTS),
            idle_seconds,
            app[BODIES].each if BODIES in app else _MOST_UNREAD,
        )
        self._listening: asyncio.Server | None = None

    @property
    def name(self) -> str:
        """The address, as aiohttp's own sites have it."""
        return f"http://{self._address[0]}:{self.port}"

    @property
    def port(self) -> int:
        """The port's number, which the system chose where 0 was asked for."""
        if self._listening is None:
            return self._address[1]
        return int(self._listening.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen. Raises OSError."""
        await super().start()
        server = self._app_runner.server
        assert server is not None  # noqa: S101 - the runner was set up
        self._listening = await self._port.loop.create_server(
            connection_factory(server, self._port), *self._address, backlog=_AT_ONCE
        )
        for listening in self._listening.sockets:
            with socket.socket(fileno=os.dup(listening.fileno())) as same:
                same.listen(_WAITING)

    async def stop(self) -> None:
        """Take no new connections."""
        self._port.table.stop()
        if self._listening is not None:
            self._listening.close()
        await super().stop()


def handle_fault(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The loop's exception handler. Where asyncio finds no descriptor for a new client it tries again by itself."""
    fault = context.get("exception")
    if not (isinstance(fault, OSError) and fault.errno in {errno.EMFILE, errno.ENFILE} and "socket" in context):
        loop.default_exception_handler(context)


def connection_factory(server: web.Server, port: Port) -> Callable[[], HttpConnection]:
    """What makes the protocol of each new connection, for the server of a runner that was set up."""
    server.request_factory = _marking(server.request_factory)
    return functools.partial(HttpConnection, server, port)


def _marking(make: Callable[..., web.BaseRequest]) -> Callable[..., web.BaseRequest]:
    """The server's own factory of requests; a request's connection hears that it begins."""

    def make_request(
        message: RawRequestMessage,
        payload: StreamReader,
        connection: HttpConnection,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        connection.begin(message, payload)
        if len(message.path) > SHORT_PATH and has_endless_path(message):
            message = without_path(message)  # the router looks it up before anybody can refuse it
        return make(message, payload, connection, writer, task)

    return make_request
