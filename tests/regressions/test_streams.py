"""Streams: nothing is said twice, no half an answer looks whole, silence is bridged, and who leaves costs nothing.

What is counted and logged of streams that break is told in tests/exchange/test_stream.py, the pace of comments in
tests/server/test_streaming.py, a thousand clients that leave in tests/server/test_departures.py.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import pytest

from app import sse
from app.sandbox import server
from tests.running import GatewayStarter, SandboxStarter, eventually
from tests.watching import CHAT, ask, asking

LONG = asking("sandbox:long 6", stream=True)
PHRASES = [f"Фраза {number} из 6, phrase {number} of 6. " for number in range(1, 7)]
# How a stream breaks after some events.
BREAKS: dict[str, dict[str, Any]] = {
    "cut": {},
    "reset": {"kind": "cut", "rst": True},
    "end": {},
    "event_error": {},
    "garbage": {},
    "stall": {"seconds": 9.0},
}


@pytest.mark.parametrize("after", [1, 2, 5])
@pytest.mark.parametrize("kind", BREAKS)
async def test_no_retry_after_the_first_byte(
    kind: str, after: int, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """A stream that broke is not begun again: each word comes once, and GigaChat is asked once."""
    gateway = await start_gateway(GIGACHAT_TIMEOUT="0.1" if kind == "stall" else "")
    sandbox.state.faults.add(**{"kind": kind, "where": "chat", "after": after, **BREAKS[kind]})
    reply = await ask(http, gateway, LONG)
    said = [chunk["choices"][0]["delta"].get("content") for chunk in reply.events[:-1]]
    assert "".join(said) == "".join(PHRASES[:after])
    assert len(sandbox.state.requests.of("chat")) == 1


@pytest.mark.parametrize("kind", BREAKS)
async def test_no_done_after_an_error(
    kind: str, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """A truncated answer ends with an error event, has no finish reason and no [DONE]: nobody takes it for whole."""
    gateway = await start_gateway(GIGACHAT_TIMEOUT="0.1" if kind == "stall" else "")
    sandbox.state.faults.add(**{"kind": kind, "where": "chat", "after": 2, **BREAKS[kind]})
    reply = await ask(http, gateway, LONG)
    *chunks, failure = reply.events
    assert set(failure) == {"error"}
    assert failure["error"]["code"] in {"stream_truncated", "upstream_error", "upstream_timeout"}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * len(chunks)
    assert "[DONE]" not in reply.text


async def test_silence_is_bridged_and_no_proxy_holds_anything_back(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Comments come while GigaChat thinks, before its first word and after it; the headers forbid to buffer."""
    gateway = await start_gateway(GPT2GIGA_COMMIT_SECONDS="0.05", GPT2GIGA_KEEPALIVE_SECONDS="0.05")
    sandbox.state.faults.add("slow", where="chat", seconds=0.3)
    sandbox.state.faults.add("stall", where="chat", after=2, seconds=0.3)
    reply = await ask(http, gateway, LONG)
    comment, first = sse.KEEPALIVE.decode(), reply.text.index("data: ")
    assert reply.text[:first].count(comment) >= 2
    assert reply.text[first:].count(comment) >= 2
    assert reply.content == "".join(PHRASES)
    assert reply.events[-1] == "[DONE]"
    assert reply.headers["X-Accel-Buffering"] == "no"
    assert reply.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_client_that_leaves_ends_the_request_upstream(
    stream: bool, start_sandbox: SandboxStarter, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """While GigaChat still has most of its answer to give it hears that nobody wants it."""
    sandbox = await start_sandbox(chunk_seconds=0.02)
    gateway = await start_gateway(sandbox)
    text = "sandbox:long 2000" if stream else "sandbox:wait 60"
    request = asyncio.ensure_future(http.post(gateway.url + CHAT, json=asking(text, stream=stream)))
    await eventually(lambda: sandbox.state.chatting == 1)
    if stream:
        await (await request).content.readuntil(b"\n\n")
        (await request).close()
    left = time.time()
    request.cancel()
    await eventually(lambda: sandbox.state.chatting == 0)
    record = sandbox.state.requests.of("chat")[0]
    assert record.outcome == "client_gone"
    assert (record.ended or 0.0) - left < 1.0
    assert record.chunks < 2000
