"""Clients that do not come to their end: bodies that are not sent whole, answers that are not read."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from yarl import URL

from tests.watching import CHAT


class Arrivals(asyncio.StreamReader):
    """A reader that knows how much has come, read or not."""

    came = 0

    def feed_data(self, data: bytes) -> None:  # type: ignore[override] # typeshed has any iterable
        """Take what comes."""
        self.came += len(data)
        super().feed_data(data)


@dataclass
class Client:
    """A connection on a bare socket."""

    reader: Arrivals
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send, and wait until the connection has taken it."""
        self.writer.write(data)
        await self.writer.drain()

    def widen(self, buffer: int) -> None:
        """Let the system take more of what comes before it is read."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)

    async def answer(self, seconds: float = 10.0) -> bytes:
        """All that comes until the gateway closes. Raises ConnectionError where it is reset."""
        async with asyncio.timeout(seconds):
            return await self.reader.read()

    async def status(self, seconds: float = 10.0) -> int:
        """The status of the next answer."""
        async with asyncio.timeout(seconds):
            return int((await self.reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1])


@asynccontextmanager
async def connected(url: str, buffer: int | None = None) -> AsyncIterator[Client]:
    """A client of the gateway; `buffer`: how much of an answer its system takes before it reads."""
    target, sock, loop = URL(url), socket.socket(), asyncio.get_running_loop()
    reader = Arrivals(4096 if buffer is not None else 2**20, loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    if buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.setblocking(False)
    try:
        await loop.sock_connect(sock, (target.host, target.port))
        transport, _ = await loop.create_connection(lambda: protocol, sock=sock)
    except BaseException:
        sock.close()
        raise
    client = Client(reader, asyncio.StreamWriter(transport, protocol, reader, loop))
    try:
        yield client
    finally:
        client.writer.transport.abort()


def head(length: int | None, *more: str, path: str = CHAT, method: str = "POST", version: str = "1.1") -> bytes:
    """The head of a request, whose body has this length or comes in chunks."""
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: localhost", framing, *more, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    """A piece of a body that comes in chunks."""
    return b"%x\r\n%s\r\n" % (len(data), data)
