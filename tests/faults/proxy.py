"""A TCP proxy before GigaChat that does what networks do: delay, throttle, cut, reset, swallow, refuse.

It knows no HTTP. What it does to connections is its `fault`, which may change at any time and holds for connections
that are open already.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to connections. `seconds`: how long each answer's first byte is held back.

    `cut_after`: so many bytes of an answer pass, then the connection ends, by a TCP reset where `rst` is set.
    `pace`: bytes of answers in a second, for each connection. `reset`: a connection is reset as soon as the client
    sends something. `swallow`: what the client sends goes nowhere, and nothing comes back.
    """

    seconds: float = 0.0
    cut_after: int | None = None
    rst: bool = False
    pace: float = 0.0
    reset: bool = False
    swallow: bool = False

    @property
    def piece(self) -> int:
        """Bytes of an answer that are read at once."""
        return max(1, int(self.pace / 20)) if self.pace else 64 * 1024


CLEAR = Fault()


class _Link:
    """One connection of a client's, and the one to the server that belongs to it."""

    def __init__(self, proxy: FaultProxy, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader = reader
        self._client = client
        self._server: asyncio.StreamWriter | None = None
        self._passed = 0  # bytes of the running answer
        self._dead = False  # what a fault has swallowed makes no sense to the server any more

    async def serve(self, server_port: int) -> None:
        """Carry bytes both ways until one side ends."""
        ways = []
        try:
            if not self._proxy.fault.swallow:
                answers, self._server = await asyncio.open_connection("127.0.0.1", server_port)
                ways.append(asyncio.ensure_future(self._carry_answers(answers)))
            ways.append(asyncio.ensure_future(self._carry_questions()))
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except OSError:  # no server
            self.end(rst=True)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self.end(rst=False)

    def end(self, *, rst: bool) -> None:
        """Close both connections: the client's by a reset, or after what was written to it."""
        if self._server is not None:
            self._server.transport.abort()
        if not rst:
            self._client.close()
            return
        peer = self._client.get_extra_info("socket")
        if peer is not None and peer.fileno() >= 0:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._client.transport.abort()

    async def _carry_questions(self) -> None:
        while data := await self._reader.read(64 * 1024):
            fault = self._proxy.fault
            self._passed = 0
            self._dead = self._dead or fault.swallow
            if fault.reset:
                self.end(rst=True)
                return
            if self._server is not None and not self._dead:
                self._server.write(data)
                await self._server.drain()

    async def _carry_answers(self, answers: asyncio.StreamReader) -> None:
        while data := await answers.read(self._proxy.fault.piece):
            self._dead = self._dead or self._proxy.fault.swallow
            if not self._dead and not await self._pass_on(data, self._proxy.fault):
                return

    async def _pass_on(self, data: bytes, fault: Fault) -> bool:
        """Write a piece of an answer; False when that was the last."""
        if fault.seconds and not self._passed:
            await asyncio.sleep(fault.seconds)
        left = len(data) + 1 if fault.cut_after is None else fault.cut_after - self._passed
        self._passed += len(data)
        self._client.write(data[: max(0, left)])
        await self._client.drain()
        if left <= len(data):
            if fault.rst:
                await asyncio.sleep(0.01)  # the peer reads what came before
                self.end(rst=True)
            return False
        if fault.pace:
            await asyncio.sleep(len(data) / fault.pace)
        return True


class FaultProxy:
    """Listens on `port`, and passes on to a port of this machine. `context`: it speaks TLS with its clients."""

    def __init__(self, server_port: int, context: ssl.SSLContext | None = None) -> None:
        self.fault = CLEAR
        self.port = 0
        self.accepted = 0  # connections so far
        self._server_port = server_port
        self._context = context
        self._listener: asyncio.Server | None = None
        self._links: dict[asyncio.Task[None], _Link] = {}

    @property
    def open(self) -> int:
        """Connections of clients that are open now."""
        return len(self._links)

    async def listen(self) -> None:
        """Take connections, on the port of the last time if there was one."""
        if self._listener is None:
            self._listener = await asyncio.start_server(
                self._connected, "127.0.0.1", self.port, ssl=self._context, backlog=1024
            )
            self.port = self._listener.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Take no connections, and reset those that there are."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        await self.drop()

    async def drop(self, *, rst: bool = True) -> None:
        """End all connections."""
        links = dict(self._links)
        for task, link in links.items():
            link.end(rst=rst)
            task.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        link = _Link(self, reader, writer)
        task = asyncio.ensure_future(link.serve(self._server_port))
        self._links[task] = link
        task.add_done_callback(self._links.pop)


@asynccontextmanager
async def fault_proxy(server_port: int, context: ssl.SSLContext | None = None) -> AsyncIterator[FaultProxy]:
    """A proxy that listens until the context ends."""
    proxy = FaultProxy(server_port, context)
    await proxy.listen()
    try:
        yield proxy
    finally:
        await proxy.refuse()
