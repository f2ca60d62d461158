"""Bodies that come slowly or not at all: what they hold, for how long, and what others notice of them."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import aiohttp
import orjson
import pytest

from tests.running import GatewayStarter, Running, eventually
from tests.server.test_bodies import left
from tests.unfinished import Client, chunk, connected, head
from tests.watching import ask, asking, health, raw, saying, told

KIB, MIB = 1024, 1024 * 1024
HI = orjson.dumps(saying("hi"))
# Framing -> head, and how a piece of the body is sent.
FRAMINGS: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "length": (head(MIB), bytes),
    "chunks": (head(None), chunk),
}


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """What ends with the test."""
    async with AsyncExitStack() as stack:
        yield stack


async def trickling(client: Client, piece: bytes, every: float = 0.05) -> None:
    """A piece every so often, until the gateway closes."""
    try:
        while True:
            await client.send(piece)
            await asyncio.sleep(every)
    except ConnectionError:
        return


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("every", [None, 0.1], ids=["silent", "a byte now and then"])
async def test_a_body_has_its_time(
    start_gateway: GatewayStarter, framing: str, every: float | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Without enough bytes it is a 408 that names the setting; its client reads it, and its memory is free."""
    caplog.set_level("INFO", "gpt2giga")
    gateway = await start_gateway(ready=False, GPT2GIGA_BODY_SECONDS="0.5")
    full, (begin, framed) = left(gateway), FRAMINGS[framing]
    async with connected(gateway.url) as client:
        await client.send(begin + framed(b"{"))
        await eventually(lambda: left(gateway) < full)
        begun = time.monotonic()
        more = asyncio.create_task(trickling(client, framed(b" "), every or 100))
        answer = await client.answer()
        assert 0.4 < time.monotonic() - begun < 2
        more.cancel()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nConnection: close\r\n" in answer
    assert b"request_timeout" in answer
    assert b"GPT2GIGA_BODY_SECONDS" in answer
    assert left(gateway) == full
    assert (await told(caplog))["error_type"] == "invalid_request"


@pytest.mark.long
async def test_what_comes_earns_time(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """One more second for each 128 KiB: a client on a slow line gets through, and the time ends all the same."""
    gateway = await start_gateway(GPT2GIGA_BODY_SECONDS="0.2")
    data = HI + b" " * 256 * KIB

    async def slowly() -> AsyncIterator[bytes]:
        yield data[:-1]
        await asyncio.sleep(1.2)
        yield data[-1:]

    assert (await ask(http, gateway, data=slowly())).content == "hi"
    async with connected(gateway.url) as client:
        begun = time.monotonic()
        await client.send(head(2 * len(data)) + data)
        assert await client.status() == 408
        assert 2.0 < time.monotonic() - begun < 3.5


async def test_packed_bytes_earn_time_by_their_own_length(start_gateway: GatewayStarter) -> None:
    """What they unpack to was never on the wire."""
    gateway = await start_gateway(ready=False, GPT2GIGA_BODY_SECONDS="0.3")
    packed = gzip.compress(b" " * 4 * MIB)
    async with connected(gateway.url) as client:
        begun = time.monotonic()
        await client.send(head(len(packed) + 9, "Content-Encoding: gzip") + packed)
        assert await client.status() == 408
        assert time.monotonic() - begun < 2


async def held(gateway: Running, stack: AsyncExitStack, count: int, size: int, *headers: str) -> list[Client]:
    """Clients that have sent so much of a body that is longer, and go on with a byte now and then."""
    clients = [await stack.enter_async_context(connected(gateway.url)) for _ in range(count)]
    tasks = []
    for client in clients:
        try:
            await client.send(head(size + MIB, *headers) + b'{"user": "' + b"a" * (size - 10))
        except ConnectionError:
            continue
        tasks.append(asyncio.create_task(trickling(client, b"a", 0.2)))
        stack.callback(tasks[-1].cancel)
    await asyncio.sleep(0.3)
    return clients


@pytest.mark.long
async def test_four_bodies_that_trickle_shut_out_nobody(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession, stack: AsyncExitStack
) -> None:
    """While they hold all there is, a usual client of their tenant is served within a second, and /health says so."""
    gateway = await start_gateway()  # 256 MiB, and four bodies of up to 64
    await held(gateway, stack, 4, 63 * MIB)
    full = gateway.gateway.config.max_bodies_bytes
    assert left(gateway) < full / 8
    for size in (1, 20 * KIB, 200 * KIB):
        begun = time.monotonic()
        assert (await ask(http, gateway, {**saying("hi"), "user": "a" * size})).content == "hi"
        assert time.monotonic() - begun < 1
    status, body = await health(http, gateway)
    assert (status, body["status"]) == (200, "degraded")
    assert "GPT2GIGA_MAX_BODIES_BYTES" in body["reason"]
    assert (await health(http, gateway, "/readyz"))[0] == 200
    await stack.aclose()
    await eventually(lambda: left(gateway) == full)
    await asyncio.sleep(2.1)
    assert (await health(http, gateway))[1]["status"] == "healthy"


async def test_a_tenant_beside_others_has_half(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession, stack: AsyncExitStack
) -> None:
    """Alone it takes all; when another comes, its bodies that still arrive give way, and the other is served."""
    gateway = await start_gateway(GPT2GIGA_MAX_BODIES_BYTES="8MiB", GPT2GIGA_MAX_BODY_BYTES="4MiB")
    greedy = await held(gateway, stack, 4, MIB - 5000, "X-Tenant-ID: greedy")
    assert left(gateway) < 100_000
    other = {**saying("hi"), "user": "a" * 1_500_000}
    begun = time.monotonic()
    assert (await ask(http, gateway, other, headers={"X-Tenant-ID": "other"})).content == "hi"
    assert time.monotonic() - begun < 1
    ended = [client for client in greedy if client.reader.came]
    assert 1 <= len(ended) <= 2
    for client in ended:
        answer = await client.answer()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"half" in answer
        assert b"\r\nRetry-After: 1\r\n" in answer


async def test_half_is_the_limit_while_another_is_served(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """A body over half of the memory is taken from a tenant that is alone, and refused beside another."""
    gateway = await start_gateway(GPT2GIGA_MAX_BODIES_BYTES="8MiB", GPT2GIGA_MAX_BODY_BYTES="4MiB")
    large, greedy = {**saying("hi"), "user": "a" * 3 * MIB}, {"X-Tenant-ID": "greedy"}
    assert (await ask(http, gateway, large, headers=greedy)).content == "hi"
    waits = asyncio.create_task(
        ask(http, gateway, asking("sandbox:wait 1\nsandbox:say x"), headers={"X-Tenant-ID": "b"})
    )
    await eventually(lambda: left(gateway) < 8 * MIB)
    refused = await ask(http, gateway, large, headers=greedy)
    assert (refused.status, refused.error["code"]) == (503, "overloaded")
    assert "half" in refused.error["message"]
    assert (await waits).content == "x"
    assert (await ask(http, gateway, large, headers=greedy)).content == "hi"


async def test_content_length_holds_nothing(start_gateway: GatewayStarter, stack: AsyncExitStack) -> None:
    """Only what has come is held, however much is promised."""
    gateway = await start_gateway(ready=False)
    full = left(gateway)
    for _ in range(50):
        client = await stack.enter_async_context(connected(gateway.url))
        await client.send(head(64 * MIB) + b"{")
    await asyncio.sleep(0.1)
    assert full - 50 * 100 < left(gateway) < full


EARLY = {
    "too large by its length": (head(65 * MIB), b"x" * MIB, 413),
    "too large when it has come": (head(None), chunk(b"x" * MIB), 413),
    "without the key": (head(60 * MIB, "Authorization: Bearer wrong"), b"x" * MIB, 401),
    "to no such URL": (head(60 * MIB, path="/v1/none"), b"x" * MIB, 404),
}


@pytest.mark.parametrize("case", EARLY)
async def test_a_client_that_reads_only_at_the_end_gets_the_early_answer(
    start_gateway: GatewayStarter, case: str
) -> None:
    """It sends all of its body before it reads: no reset takes the answer away from it."""
    gateway = await start_gateway(ready=False, GPT2GIGA_API_KEY="right")
    begin, piece, status = EARLY[case]
    begin = begin if status in {401, 404} else begin.replace(b"Host: localhost", b"Host: localhost\r\nx-api-key: right")
    async with connected(gateway.url) as client:
        await client.send(begin)
        for _ in range(60 if status != 413 or b"chunked" not in begin else 66):
            await client.send(piece)
            await asyncio.sleep(0)
        answer = await client.answer()
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nConnection: close\r\n" in answer


async def sent_until_closed(client: Client, most: int) -> int:
    """How many MiB a client gets rid of before the connection ends."""
    for sent in range(most):
        try:
            await asyncio.wait_for(client.send(b"x" * MIB), 5)
        except ConnectionError:
            return sent
    return most


async def test_a_client_that_never_stops_sending_is_cut_off(start_gateway: GatewayStarter) -> None:
    """What comes behind an early answer is thrown away up to a bound, and then the connection ends."""
    gateway = await start_gateway(ready=False, GPT2GIGA_MAX_BODY_BYTES="1MiB")
    async with connected(gateway.url) as client:
        await client.send(head(10**12))
        assert await sent_until_closed(client, 1000) < 32


@pytest.mark.long
@pytest.mark.parametrize("key", ["right", "wrong"])
async def test_a_bomb_blocks_nobody(start_gateway: GatewayStarter, key: str) -> None:
    """Ten megabytes that unpack to ten gigabytes end at the limit of a body, and nothing of it is unpacked after it."""
    gateway = await start_gateway(ready=False, GPT2GIGA_API_KEY="right")
    bomb = gzip.compress(b"[" * 64 * MIB) * 160
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.005)
            longest = max(longest, time.monotonic() - before)

    watching = asyncio.create_task(watch())
    answer = await raw(gateway, head(len(bomb), f"x-api-key: {key}", "Content-Encoding: gzip") + bomb)
    await asyncio.sleep(0.5)
    watching.cancel()
    assert answer.split(b" ", 2)[1] == (b"413" if key == "right" else b"401")
    assert longest < 0.5
