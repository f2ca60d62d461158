"""Connections of the gateway as a client: what a server may say before and after its answer, in any slicing."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from app.response_limits import (
    MAX_HEAD_BYTES,
    MAX_INTERIM,
    BoundedHandler,
    SlicedHandler,
    find_encoding,
    limit_responses,
)
from tests.running import eventually

HANDLERS = [BoundedHandler, SlicedHandler]
HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Own: 1\r\n\r\nfile"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nf\r\n3;a=b\r\nile\r\n0\r\nA: b\r\n\r\n"
LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"f" * 100_000


class Server:
    """Says its pieces to every request, and what is `early` before the first."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.early = b""
        self.connections = 0
        self.open = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        self.open += 1
        try:
            writer.write(self.early)
            while True:
                await reader.readuntil(b"\r\n\r\n")
                for piece in self.pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.transport.abort()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server on this machine."""
    found = Server()
    listening = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    yield found
    listening.close()
    await eventually(lambda: found.open == 0)


@asynccontextmanager
async def session(handler: type[BoundedHandler]) -> AsyncIterator[aiohttp.ClientSession]:
    """A session of bounded connections."""
    connector = aiohttp.TCPConnector()
    limit_responses(connector, handler)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as made:
        yield made


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("answer", [ANSWER, CHUNKS, HINT + ANSWER, HINT * MAX_INTERIM + CHUNKS, LARGE])
async def test_answers_pass_in_any_slicing(server: Server, handler: type[BoundedHandler], answer: bytes) -> None:
    """Whole, cut anywhere, and again on the same connection: what is read is what was sent."""
    body = b"f" * 100_000 if answer is LARGE else b"file"
    drawn = random.Random(1)
    cuts = [[], [1], [20], *(sorted(drawn.choices(range(len(answer)), k=5)) for _ in range(8))]
    async with session(handler) as asked:
        for cut in cuts:
            server.pieces = [answer[start:end] for start, end in itertools.pairwise([0, *cut, len(answer)])]
            async with asked.get(server.url) as response:
                assert (response.status, await response.read()) == (200, body)
    assert server.connections == 1


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize(
    "said",
    [
        HINT * (MAX_INTERIM + 1) + ANSWER,
        b"HTTP/1.1 100\r\n\r\n" * 10_000,
        HINT * MAX_INTERIM + b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200,
        (b"HTTP/1.1 103 Early Hints\r\n" + b"Link: " + b"a" * 8000 + b"\r\n")
        + (b"Link: " + b"a" * 8000 + b"\r\n") * 40,
    ],
    ids=["one hint too many", "many", "many headers", "large hints"],
)
async def test_what_comes_before_an_answer_is_bounded(
    server: Server, handler: type[BoundedHandler], said: bytes
) -> None:
    """In number and in bytes; the connection is closed."""
    assert MAX_HEAD_BYTES < 40 * 8000
    server.pieces = [said]
    async with session(handler) as asked:
        with pytest.raises(aiohttp.ClientResponseError):
            await asked.get(server.url)
        await eventually(lambda: server.open == 0)


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("more", [ANSWER, b"HTTP/1.1 204\r\n\r\n" * 5000, HINT * 5000])
async def test_what_comes_after_an_answer_ends_the_connection(
    server: Server, handler: type[BoundedHandler], more: bytes
) -> None:
    """The answer is read, and the next request has a connection and an answer of its own."""
    async with session(handler) as asked:
        for pieces in ([ANSWER + more], [ANSWER, more], [CHUNKS, more[:7], more[7:]]):
            before = server.connections
            server.pieces = pieces
            async with asked.get(server.url) as response:
                assert await response.read() == b"file"
            await eventually(lambda: server.open == 0)
            assert server.connections == before + 1


async def test_a_server_that_speaks_first(server: Server) -> None:
    """What it says is an answer, and what more it says is none."""
    server.early = ANSWER + b"HTTP/1.1 204\r\n\r\n" * 20_000
    async with session(BoundedHandler) as asked:
        try:
            async with asked.get(server.url) as response:
                assert await response.read() == b"file"
        except aiohttp.ClientError:
            pass
        await eventually(lambda: server.open == 0)


async def test_another_protocol_is_an_answer(server: Server) -> None:
    """101 ends what is HTTP: it is the status, not a hint."""
    server.pieces = [b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nanything"]
    async with session(SlicedHandler) as asked:
        response = await asked.get(server.url)
        assert response.status == 101
        response.close()
        await eventually(lambda: server.open == 0)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([], None),
        ([("Content-Encoding", "identity")], None),
        ([("Content-Encoding", "")], None),
        ([("Transfer-Encoding", "Chunked")], None),
        ([("Transfer-Encoding", "identity, chunked")], None),
        ([("content-encoding", "gzip")], "Content-Encoding: gzip"),
        ([("Content-Encoding", " identity"), ("Content-Encoding", "BR")], "Content-Encoding: BR"),
        ([("Transfer-Encoding", "gzip, chunked")], "Transfer-Encoding: gzip"),
        ([("Content-Encoding", "x" * 1000)], "Content-Encoding: " + "x" * 32),
        ([("Content-Encoding", "\udcff\n")], "Content-Encoding: \\udcff"),
    ],
)
def test_encodings(headers: list[tuple[str, str]], found: str | None) -> None:
    """The first coding that there is, short and printable."""
    assert find_encoding(CIMultiDictProxy(CIMultiDict(headers))) == found
