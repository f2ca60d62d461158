"""Chat: whole and streamed answers on the wire."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

import aiohttp
import orjson
import pytest

from app import sse
from app.sandbox.server import Running
from app.sandbox.state import SandboxSettings

Ask = Callable[..., dict[str, Any]]
Until = Callable[[Callable[[], object]], Awaitable[None]]

CHAT = "/v1/chat/completions"
TEXT = "Однажды в студёную зимнюю пору я из лесу вышел."


async def _whole(session: aiohttp.ClientSession, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    async with session.post(CHAT, json=body, headers=headers) as response:
        return response.status, await response.json()


async def _stream(session: aiohttp.ClientSession, body: dict[str, Any]) -> bytes:
    async with session.post(CHAT, json={**body, "stream": True}) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        return await response.read()


async def test_whole_bytes(session: aiohttp.ClientSession, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorded shape byte for byte: key order, no id, a model with its build."""
    monkeypatch.setattr("app.sandbox.wire.time.time", lambda: 1768996174.9)
    async with session.post(CHAT, json=ask("sandbox:say Hello.")) as response:
        assert await response.read() == (
            b'{"choices":[{"message":{"content":"Hello.","role":"assistant"},"index":0,"finish_reason":"stop"}],'
            b'"created":1768996174,"model":"GigaChat:2.0.28.2","object":"chat.completion",'
            b'"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"precached_prompt_tokens":0}}'
        )
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"


async def test_stream_bytes(session: aiohttp.ClientSession, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorded framing byte for byte: role with the first text, the end and the usage in the last chunk, [DONE]."""
    monkeypatch.setattr("app.sandbox.wire.time.time", lambda: 1768996176.0)
    around = ',"created":1768996176,"model":"GigaChat:2.0.28.2","object":"chat.completion"'
    usage = ',"usage":{"prompt_tokens":19,"completion_tokens":12,"total_tokens":31,"precached_prompt_tokens":0}'
    chunks = [
        '{"choices":[{"delta":{"content":"Однажды в студёную зимнюю ","role":"assistant"},"index":0}]' + around + "}",
        '{"choices":[{"delta":{"content":"пору я из лесу вышел."},"index":0}]' + around + "}",
        '{"choices":[{"delta":{"content":""},"index":0,"finish_reason":"stop"}]' + around + usage + "}",
        "[DONE]",
    ]
    got = await _stream(session, ask(f"sandbox:say {TEXT}"))
    assert got == b"".join(sse.encode(chunk.encode()) for chunk in chunks)


async def test_reasoning(session: aiohttp.ClientSession, ask: Ask) -> None:
    """Thoughts come before the text, and do not take the role away from it."""
    body = ask("sandbox:reasoning\nsandbox:say да")
    message = (await _whole(session, body))[1]["choices"][0]["message"]
    assert list(message) == ["content", "role", "reasoning_content"]
    *thoughts, text, _, _, _ = (await _stream(session, body)).split(b"\n\n")
    assert len(thoughts) > 1
    assert all(b'"delta":{"reasoning_content":' in thought for thought in thoughts)
    assert '"delta":{"content":"да","role":"assistant"}'.encode() in text
    assert "reasoning_content" in (await _whole(session, ask(reasoning_effort="low")))[1]["choices"][0]["message"]


@pytest.mark.parametrize("finish", ["blacklist", "error", "length"])
async def test_finish(session: aiohttp.ClientSession, ask: Ask, finish: str) -> None:
    """The directive decides how an answer ends, whole and streamed."""
    body = ask(f"sandbox:finish {finish}")
    assert (await _whole(session, body))[1]["choices"][0]["finish_reason"] == finish
    assert f'"finish_reason":"{finish}"'.encode() in await _stream(session, body)


async def test_max_tokens(session: aiohttp.ClientSession, ask: Ask) -> None:
    """The answer stops at the limit, and says so."""
    _, answer = await _whole(session, ask(max_tokens=3))
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize("raw", [b"{", b"", b"[]", b"null", b'{"model":NaN}'])
async def test_not_json(session: aiohttp.ClientSession, raw: bytes) -> None:
    """A body that is no JSON object is refused in the documented words."""
    async with session.post(CHAT, data=raw) as response:
        assert await response.read() == b'{"status":400,"message":"Your request contains invalid JSON syntax."}'


@pytest.mark.parametrize("model", ["gpt-4o", "Embeddings"])
async def test_no_such_model(session: aiohttp.ClientSession, ask: Ask, model: str) -> None:
    """A model that is unknown, or does not chat, is not found."""
    assert await _whole(session, ask(model=model)) == (404, {"status": 404, "message": "No such model"})


@pytest.mark.parametrize("settings", [SandboxSettings(context_tokens=100)])
async def test_over_the_context(session: aiohttp.ClientSession, ask: Ask) -> None:
    """A prompt over the context is too large."""
    assert (await _whole(session, ask("a" * 384)))[0] == 200
    assert await _whole(session, ask("a" * 385)) == (413, {"status": 413, "message": "Payload too large"})


async def test_large_body(session: aiohttp.ClientSession, ask: Ask) -> None:
    """A body of more than a megabyte is judged by its tokens alone."""
    async with session.post(CHAT, data=BytesIO(orjson.dumps(ask("я" * 520_000)))) as response:
        assert response.status == 200
        assert (await response.json())["usage"]["prompt_tokens"] == 130_004


async def test_unknown_keys_are_ignored(running: Running, session: aiohttp.ClientSession, ask: Ask) -> None:
    """v1 ignores what it does not know; the record tells."""
    assert (await _whole(session, ask(tools=[{}], stop=["a"], temperature=1)))[0] == 200
    (record,) = running.state.requests.of("chat")
    assert record.unknown == ["tools", "stop"]


async def test_prefix_cache(session: aiohttp.ClientSession, ask: Ask) -> None:
    """A session's repeated prompt is cached, without a session it is not."""
    prompts = set()
    for headers, cached in (({}, False), ({}, False), ({"X-Session-ID": "a"}, False), ({"X-Session-ID": "a"}, True)):
        usage = (await _whole(session, ask(), **headers))[1]["usage"]
        assert (usage["precached_prompt_tokens"] > 0) is cached
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
        prompts.add(usage["prompt_tokens"] + usage["precached_prompt_tokens"])
    assert len(prompts) == 1  # cached tokens stand beside the others


async def test_wait(session: aiohttp.ClientSession, ask: Ask) -> None:
    """The model takes its time when it is told to."""
    started = time.monotonic()
    await _whole(session, ask("sandbox:wait 0.2"))
    assert time.monotonic() - started >= 0.2


async def test_update_interval(session: aiohttp.ClientSession, ask: Ask) -> None:
    """With an interval there are fewer and bigger chunks of the same text, with pauses."""
    started = time.monotonic()
    merged = await _stream(session, ask("sandbox:long 6", update_interval=0.05))
    assert time.monotonic() - started >= 0.15
    assert merged.count(b'"delta"') == 3
    assert (await _stream(session, ask("sandbox:long 6"))).count(b'"delta"') == 7


@pytest.mark.parametrize("settings", [SandboxSettings(chunk_seconds=0.05)])
async def test_client_gone(running: Running, session: aiohttp.ClientSession, ask: Ask, until: Until) -> None:
    """The record tells at once that a client left in the middle of a stream, and after how many chunks."""
    async with session.post(CHAT, json=ask("sandbox:long 1000", stream=True)) as response:
        await response.content.readany()
        left = time.time()
        response.close()
    (record,) = running.state.requests.of("chat")
    await until(lambda: record.ended)
    assert record.outcome == "client_gone"
    assert record.ended is not None
    assert record.ended - left < 0.5
    assert 0 < record.chunks < 10
    await until(lambda: running.state.connections == 0)
    assert running.state.chatting == 0


async def test_client_gone_before_the_answer(
    running: Running, session: aiohttp.ClientSession, ask: Ask, until: Until
) -> None:
    """A client that leaves while the model thinks is noticed as well, and its slot is free."""
    asking = asyncio.create_task(_whole(session, ask("sandbox:wait 60")))
    await until(lambda: running.state.chatting)
    asking.cancel()
    await until(lambda: not running.state.chatting)
    (record,) = running.state.requests.of("chat")
    assert (record.outcome, record.status) == ("client_gone", 0)


async def test_client_gone_without_pauses(
    running: Running, session: aiohttp.ClientSession, ask: Ask, until: Until
) -> None:
    """A stream that never pauses ends too when nobody reads it."""
    async with session.post(CHAT, json=ask("sandbox:long 200000", stream=True)) as response:
        await response.content.readany()
        response.close()
    (record,) = running.state.requests.of("chat")
    await until(lambda: record.ended)
    assert record.outcome == "client_gone"
    assert record.chunks < 200_000


@pytest.mark.parametrize("settings", [SandboxSettings(max_concurrency=1)])
async def test_concurrency(running: Running, session: aiohttp.ClientSession, ask: Ask, until: Until) -> None:
    """Above the limit a request is refused; when the first has ended there is room again."""
    first = asyncio.create_task(_whole(session, ask("sandbox:wait 0.3")))
    await until(lambda: running.state.chatting)
    assert await _whole(session, ask()) == (429, {"status": 429, "message": "Too many requests"})
    assert (await first)[0] == 200
    for _ in range(20):
        await _stream(session, ask("sandbox:long 3"))
    assert running.state.most_chatting == 1
