"""What a request leaves is freed without the garbage collector, which is seldom let run (`app.serve`)."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import aiohttp
import orjson
import pytest

from app.sandbox import server
from tests.running import Running, eventually
from tests.watching import CHAT, asking

TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "properties": {}}}}
BODIES = {
    "whole": asking("hi"),
    "stream": asking("sandbox:long 5", stream=True),
    "tools": asking("hi", tools=[TOOL]),
    "format": asking("hi", response_format=FORMAT),
    "stop": asking("hi", stop=["x"], stream=True),
    "no JSON": b"{",
    "a refusal": asking("hi", temperature="hot"),
}


@contextmanager
def collected() -> Iterator[Counter[str]]:
    """The gateway's own objects that only the collector would have freed, by their types; known at the block's end."""
    found: Counter[str] = Counter()
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        names = [f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.garbage]
        found.update(name for name in names if name.startswith("app.") and not name.startswith("app.sandbox."))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    """A body without a length."""
    yield body[:10]
    yield body[10:]


async def ask(http: aiohttp.ClientSession, gateway: Running, body: object, *, chunked: bool = False) -> None:
    """One answer, read to its end."""
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    given = pieces(data) if chunked else data
    async with http.post(gateway.url + CHAT, data=given, headers={"Content-Type": "application/json"}) as response:
        await response.read()


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("kind", BODIES)
async def test_nothing_waits_for_the_collector(
    kind: str, chunked: bool, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Answers, whole and streamed, and refusals."""
    await ask(http, gateway, BODIES[kind], chunked=chunked)
    with collected() as found:
        for _ in range(3):
            await ask(http, gateway, BODIES[kind], chunked=chunked)
        await asyncio.sleep(0.05)
    assert not found


@pytest.mark.parametrize("fault", ["status", "down", "cut", "html_200", "event_error", "call_error"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_failure_leaves_nothing(
    fault: str, stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Nor does an upstream that fails."""
    await ask(http, gateway, BODIES["whole"])
    with collected() as found:
        for _ in range(3):
            sandbox.state.faults.add(fault, where="chat")
            await ask(http, gateway, asking("hi", stream=stream))
        await asyncio.sleep(0.05)
    assert not found


async def test_a_client_that_leaves_leaves_nothing(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Its task is cancelled, wherever it is."""
    await ask(http, gateway, BODIES["whole"])
    with collected() as found:
        for _ in range(3):
            async with http.post(gateway.url + CHAT, json=asking("sandbox:long 500", stream=True)) as response:
                await response.content.readany()
        await eventually(lambda: sandbox.state.chatting == 0)
    assert not found
