"""Connections that are reused, and those that are not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from app.upstream.connector import FRESH, Connector, fresh_connection_name
from app.upstream.trust import make_context


def test_the_name_of_a_fresh_connection() -> None:
    """The name that marks a connection as not to be reused is the host's own, so that TLS checks the same name."""
    assert fresh_connection_name("https://api.giga.chat:443/v1/chat/completions") == "api.giga.chat"


@pytest.fixture
async def server() -> AsyncIterator[str]:
    """A server that keeps its connections open, and answers every request with the number of its connection."""
    connections: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        number = len(connections)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    await asyncio.gather(*(task for task in connections if task))


@pytest.mark.parametrize("reuse", [True, False])
async def test_reuse(server: str, reuse: bool) -> None:
    """With it a second request finds the first one's connection; without it each has one of its own, which is told."""
    found = []
    async with aiohttp.ClientSession(connector=Connector(make_context([]), 2.0, reuse=reuse)) as session:
        for _ in range(3):
            FRESH.set(False)
            async with session.get(server) as response:
                found.append((await response.text(), FRESH.get()))
    assert found == ([("1", True), ("1", False), ("1", False)] if reuse else [("1", True), ("2", True), ("3", True)])
