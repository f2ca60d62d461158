"""The fault proxy itself: what a client sees of each fault, and that nothing of it stays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.faults.proxy import CLEAR, Fault, FaultProxy, fault_proxy
from tests.running import eventually

ANSWER = b"x" * 10_000
Asker = Callable[..., Awaitable[bytes]]


@pytest.fixture
async def server_port() -> AsyncIterator[int]:
    """A server that answers each line with 10,000 bytes, the first of which is the line's."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line[:1] + ANSWER[1:])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def proxy(server_port: int) -> AsyncIterator[FaultProxy]:
    """The proxy before it."""
    async with fault_proxy(server_port) as proxy:
        yield proxy


async def ask(port: int, seconds: float = 2.0, word: bytes = b"a") -> bytes:
    """All that comes for a line; raises where the connection is refused or reset, or nothing ends it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(word + b"\n")
        async with asyncio.timeout(seconds):
            return await reader.readexactly(len(ANSWER))
    except asyncio.IncompleteReadError as short:
        return short.partial
    finally:
        writer.transport.abort()


async def test_it_carries_both_ways(proxy: FaultProxy) -> None:
    """What is asked comes to the server, and its answer comes back; afterwards no connection is left."""
    answers = await asyncio.gather(*(ask(proxy.port, word=word) for word in (b"a", b"b", b"c")))
    assert [answer[:1] for answer in answers] == [b"a", b"b", b"c"]
    await eventually(lambda: proxy.open == 0)
    assert proxy.accepted == 3


@pytest.mark.parametrize("rst", [False, True])
@pytest.mark.parametrize("after", [0, 1, 3_333, 9_999])
async def test_an_answer_is_cut(proxy: FaultProxy, after: int, rst: bool) -> None:
    """So many bytes come, then the end, or a reset, which may take the last of them along."""
    proxy.fault = Fault(cut_after=after, rst=rst)
    if rst:
        with pytest.raises(ConnectionResetError):
            await ask(proxy.port)
    else:
        assert len(await ask(proxy.port)) == after
    proxy.fault = CLEAR
    assert len(await ask(proxy.port)) == len(ANSWER)


async def test_an_answer_is_late(proxy: FaultProxy) -> None:
    """The first byte waits, also on a connection that was open before."""
    proxy.fault = Fault(seconds=0.1)
    begun = time.monotonic()
    assert len(await ask(proxy.port)) == len(ANSWER)
    assert 0.1 <= time.monotonic() - begun < 0.5


async def test_an_answer_is_throttled(proxy: FaultProxy) -> None:
    """10,000 bytes at 50,000 a second take a fifth of one."""
    proxy.fault = Fault(pace=50_000)
    begun = time.monotonic()
    assert len(await ask(proxy.port)) == len(ANSWER)
    assert 0.15 <= time.monotonic() - begun < 0.6


async def test_a_connection_is_reset(proxy: FaultProxy) -> None:
    """As soon as something is asked."""
    proxy.fault = Fault(reset=True)
    with pytest.raises(ConnectionResetError):
        await ask(proxy.port)


async def test_a_question_is_swallowed(proxy: FaultProxy) -> None:
    """The connection stands, and nothing comes; one that met this fault stays dead after it."""
    proxy.fault = Fault(swallow=True)
    with pytest.raises(TimeoutError):
        await ask(proxy.port, 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"a\n")
    await asyncio.sleep(0.02)
    proxy.fault = CLEAR
    writer.write(b"a\n")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.05)
    writer.transport.abort()
    assert len(await ask(proxy.port)) == len(ANSWER)
    await eventually(lambda: proxy.open == 0)


async def test_an_open_connection_is_swallowed(proxy: FaultProxy) -> None:
    """The fault holds for connections that were there before it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"a\n")
    await reader.readexactly(len(ANSWER))
    proxy.fault = Fault(swallow=True)
    writer.write(b"a\n")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.05)
    writer.transport.abort()


async def test_connections_are_refused(proxy: FaultProxy) -> None:
    """Those that stand are reset, new ones are refused, and later the same port takes them again."""
    port = proxy.port
    reader, _ = await asyncio.open_connection("127.0.0.1", port)
    await proxy.refuse()
    with pytest.raises(ConnectionResetError):
        await reader.read(1)
    with pytest.raises(ConnectionRefusedError):
        await ask(port)
    assert proxy.open == 0
    await proxy.listen()
    assert proxy.port == port
    assert len(await ask(port)) == len(ANSWER)


async def test_no_server_is_a_reset(proxy: FaultProxy, unused_port: int) -> None:
    """A proxy before nothing takes a connection and resets it."""
    async with fault_proxy(unused_port) as alone:
        with pytest.raises(ConnectionResetError):
            await ask(alone.port)
