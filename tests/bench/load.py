"""The load: kept-alive connections that ask, take the bytes, and ask again. Nothing is parsed while it runs."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import cast

import uvloop

TIMEOUT_SECONDS = 60
_END_OF_CHUNKS = b"\r\n0\r\n\r\n"


class LoadFailed(Exception):
    """The load could not be run to its end."""


@dataclass(slots=True, frozen=True)
class Plan:
    """How much to ask, and how many at a time; starts are `stagger` seconds apart."""

    request: bytes
    count: int
    concurrency: int
    stagger: float = 0.0


@dataclass(slots=True, frozen=True)
class Exchange:
    """One answer: its raw bytes, and seconds to the first byte of content and to the end."""

    raw: bytes
    first: float
    total: float


class Load:
    """The state that the connections of one run share."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.exchanges: list[Exchange] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left = plan.count

    def take(self) -> bool:
        """May one more be asked?"""
        if not self._left:
            return False
        self._left -= 1
        return True

    def add(self, exchange: Exchange) -> None:
        """One answer is complete."""
        self.exchanges.append(exchange)
        if len(self.exchanges) == self.plan.count and not self.done.done():
            self.done.set_result(None)

    def fail(self, why: str) -> None:
        """Something that must not happen has happened."""
        if not self.done.done():
            self.done.set_exception(LoadFailed(why))


class Connection(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._content = 0
        self._end: int | None = None
        self._busy = False
        self._started = self._first = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for `ask`, so that all connections stand before the load begins."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Only an idle connection may close."""
        if self._busy:
            self._load.fail(f"connection closed in the middle of an answer: {exc!r}, {bytes(self._buffer[-300:])!r}")

    def close(self) -> None:
        """Leave."""
        self._busy = False
        if self._transport is not None:
            self._transport.abort()

    def ask(self) -> None:
        """Send the next request, if one is left."""
        if self._transport is None or not self._load.take():
            return
        self._buffer, self._content, self._end, self._busy = bytearray(), 0, None, True
        self._started = time.perf_counter()
        self._transport.write(self._load.plan.request)

    def data_received(self, data: bytes) -> None:
        """Collect; ask again when the answer is complete."""
        self._buffer += data
        if not self._content and not self._read_head():
            return
        if not self._first and len(self._buffer) > self._content:
            self._first = time.perf_counter()
        if self._end is None:
            if not self._buffer.endswith(_END_OF_CHUNKS):
                return
        elif len(self._buffer) < self._end:
            return
        self._busy = False
        ended = time.perf_counter()
        self._load.add(Exchange(bytes(self._buffer), self._first - self._started, ended - self._started))
        self._first = 0.0
        self.ask()

    def _read_head(self) -> bool:
        """Find where the content begins, and where it ends if its length is told."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        self._content = end + 4
        _, told, rest = bytes(self._buffer[:end]).lower().partition(b"\r\ncontent-length:")
        if told:
            self._end = self._content + int(rest.split(b"\r\n", 1)[0])
        return True


async def _drive(plan: Plan, port: int) -> list[Exchange]:
    loop = asyncio.get_running_loop()
    load = Load(plan)
    connections: list[Connection] = []
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            for _ in range(plan.concurrency):
                _, connection = await loop.create_connection(lambda: Connection(load), "127.0.0.1", port)
                connections.append(connection)
            start = loop.time()
            for index, connection in enumerate(connections):
                loop.call_at(start + index * plan.stagger, connection.ask)
            await load.done
    except TimeoutError as error:
        done = len(load.exchanges)
        raise LoadFailed(f"{done} of {plan.count} answers after {TIMEOUT_SECONDS} s") from error
    except OSError as error:
        raise LoadFailed(f"port {port}: {error}") from error
    finally:
        for connection in connections:
            connection.close()
    return load.exchanges


def run(plan: Plan, port: int) -> list[Exchange]:
    """Put the load on a port, give the answers."""
    return uvloop.run(_drive(plan, port))
