"""A GigaChat whose answers attack: without end, in a million pieces, or far larger in memory than on the wire."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest

from tests.hostile.conftest import CHAT, Attacked, chat
from tests.hostile.gigachat import DONE, STREAM, Attack, Hostile, answer, event, sends, whole
from tests.hostile.measuring import BLOCK, MEGABYTE, costs

END = event("stop") + DONE
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
FORMAT = {"type": "json_object"}
REQUIRED = {"tools": [*TOOLS, {"type": "function", "function": {"name": "g"}}], "tool_choice": "required"}


@pytest.mark.long
async def test_a_long_answer_with_a_stop_sequence(
    hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession
) -> None:
    """20 MB in 20,000 pieces are joined in linear time, and others are served meanwhile."""
    process = await attacked()
    hostile.answers[CHAT] = sends(STREAM, event(content="a" * 1000), times=20_000, after=END)
    with costs(process) as found:
        async with asyncio.timeout(30):
            status, text = await chat(http, process, stop=["zzz"])
    assert status == 200
    assert len(json.loads(text)["choices"][0]["message"]["content"]) == 20_000_000
    assert found.longest < BLOCK, found
    assert found.grown < 150 * MEGABYTE, found


@pytest.mark.long
@pytest.mark.parametrize("fields", [{"stop": "zzz"}, {"stop": "zzz", "n": 2}], ids=["one", "two"])
async def test_an_endless_answer_with_a_stop_sequence(
    hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession, fields: dict[str, Any]
) -> None:
    """Its size has the limit of any whole answer."""
    process = await attacked()
    hostile.answers[CHAT] = sends(STREAM, event(content="a" * 1000) * 100, times=None)
    with costs(process) as found:
        async with asyncio.timeout(30):
            status, text = await chat(http, process, **fields)
    assert (status, "upstream_error" in text) == (502, True)
    assert found.longest < BLOCK, found
    assert found.grown < 120 * MEGABYTE, found


@pytest.mark.long
async def test_a_slow_answer_with_a_stop_sequence(
    hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession
) -> None:
    """Its time is that of any whole answer, however steadily it comes."""
    process = await attacked(GIGACHAT_TIMEOUT="2")
    hostile.answers[CHAT] = sends(STREAM, event(content="a"), times=None, pause=0.05)
    began = time.monotonic()
    status, text = await chat(http, process, stop="zzz")
    assert (status, "upstream_timeout" in text) == (504, True)
    assert time.monotonic() - began < 10


NAMED = b'data: {"choices":[{"delta":{"content":"a"}}],"model":"' + b"m" * 1_000_000 + b'"}\n\n'
VALUES = b'data: {"choices":[{"delta":{"content":"a"}}],"x":[' + b'{"a":1},' * 1_900_000 + b"1]}\n\n"
# An attack, what the client asks with, and what its answer holds.
STREAMS: dict[str, tuple[Attack, dict[str, Any], str]] = {
    "a model's long name": (sends(STREAM, NAMED, event(content="a") * 2000, after=END), {}, "[DONE]"),
    "an event of values": (sends(STREAM, VALUES, after=END), {}, "upstream_error"),
    "words behind the end": (sends(STREAM + event(content="a") * 2 + DONE + event(content="b")), {}, "[DONE]"),
    "words behind an error": (
        sends(STREAM + event(content="a") * 2 + b'data: {"status":500,"message":"no"}\n\n' + event(content="b")),
        {},
        "upstream_error",
    ),
    "an event of lines": (sends(STREAM, b"data:\n" * 2_000_000, after=b"\n" + END), {}, "upstream_error"),
    "an event without end": (sends(STREAM + b"data: ", b"a" * 65_536, times=None), {}, "upstream_error"),
    "a line without end": (sends(STREAM, b":" * 65_536, times=None), {}, "upstream_error"),
    "blank lines": (sends(STREAM, b"\n" * 200_000, times=50, after=END), {}, "[DONE]"),
    "comments": (sends(STREAM, b":\n\n" * 100_000, times=20, after=END), {}, "[DONE]"),
    "empty deltas": (sends(STREAM, b'data:{"choices":[{}]}\n\n' * 20_000, times=10, after=END), {}, "[DONE]"),
    "letters": (sends(STREAM, event(content="a") * 5000, times=20, after=END), {"stop": ["ab" * 128] * 4}, "[DONE]"),
    "blanks": (sends(STREAM, event(content=" ") * 5000, times=20, after=END), {}, "[DONE]"),
    "blanks for JSON": (
        sends(STREAM, event(content="{ " + " " * 100) * 5000, times=10, after=END),
        {"response_format": FORMAT},
        "[DONE]",
    ),
    "thoughts for a call": (
        sends(STREAM, event(reasoning_content="a" * 50) * 5000, times=20, after=event(content="b") + END),
        REQUIRED,
        "[DONE]",
    ),
    "half tags": (sends(STREAM, event(content="<think>") + event(content="</thin") * 50_000, after=END), {}, "[DONE]"),
    "many calls": (
        sends(STREAM, *(event(function_call={"name": "f", "arguments": {"a": number}}) for number in range(4000))),
        {"tools": TOOLS},
        "upstream_error",
    ),
    "a call again and again": (
        sends(STREAM, event(function_call={"name": "f", "arguments": {"a": 1}}) * 2000, times=5, after=END),
        {"tools": TOOLS},
        "[DONE]",
    ),
    "digits in a call": (
        sends(STREAM, event(function_call={"name": "f", "arguments": {"a": ("1" * 18 + "a") * 400_000}}), after=END),
        {"tools": TOOLS},
        "[DONE]",
    ),
}


@pytest.mark.samples("a line without end", "blanks")
@pytest.mark.parametrize("name", STREAMS)
async def test_streams(hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession, name: str) -> None:
    """Nothing is held that grows, no event costs more than its size, and others are served meanwhile."""
    process = await attacked(GIGACHAT_TIMEOUT="30")
    hostile.answers[CHAT], fields, expected = STREAMS[name]
    with costs(process) as found:
        async with asyncio.timeout(60):
            _, text = await chat(http, process, stream=True, **fields)
    assert expected in text[-1000:], text[-1000:]
    assert found.longest < BLOCK, found
    assert found.grown < 100 * MEGABYTE, found


@pytest.mark.long
async def test_a_stream_of_thoughts_without_end(
    hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession
) -> None:
    """Where an answer is judged before any of it is sent, thoughts are held, and no more of them than is bounded."""
    process = await attacked()
    hostile.answers[CHAT] = sends(STREAM, event(reasoning_content="a" * 50) * 1000, times=None)
    body = {"model": "GigaChat", "messages": [{"role": "user", "content": "hello"}], "stream": True}
    with costs(process) as found:
        async with asyncio.timeout(30), http.post(process.url + CHAT, json={**body, "response_format": FORMAT}) as got:
            seen = 0
            while seen < 30 * MEGABYTE:
                seen += len(await got.content.readany())
    assert found.longest < BLOCK, found
    assert found.grown < 100 * MEGABYTE, found


@pytest.mark.long
@pytest.mark.parametrize("fields", [{"n": 4}, {"n": 4, "stop": "zzz"}], ids=["whole", "stop"])
async def test_several_answers(
    hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession, fields: dict[str, Any]
) -> None:
    """All of a request's answers are held until the last has come: together they have the size of one."""
    process = await attacked()
    text = "a" * 12 * MEGABYTE
    hostile.answers[CHAT] = sends(STREAM, event(content=text), after=END) if "stop" in fields else whole(answer(text))
    with costs(process) as found:
        status, _ = await chat(http, process, **fields)
    assert status == 502
    assert found.grown < 100 * MEGABYTE, found


WHOLE: dict[str, tuple[bytes, int]] = {
    "values": (b'{"choices":[' + b'{"a":1},' * 3_900_000 + b"1]}", 502),
    "lists": (b'{"choices":[' + b"[[]]," * 6_000_000 + b"1]}", 502),
    "numbers": (b'{"choices":[' + b"1e9," * 7_000_000 + b"1]}", 502),
    "depth": (b'{"choices":' + b"[" * 30_000_000, 502),
    "too large": (answer("a" * 33 * MEGABYTE), 502),
    "large": (answer("a" * 20_000_000), 200),
}


@pytest.mark.samples("lists")
@pytest.mark.parametrize("name", WHOLE)
async def test_whole_answers(hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession, name: str) -> None:
    """JSON of few bytes that would be many objects is none that GigaChat sends."""
    process = await attacked()
    body, status = WHOLE[name]
    hostile.answers[CHAT] = whole(body)
    with costs(process) as found:
        got, text = await chat(http, process)
    assert got == status, text
    assert found.grown < 150 * MEGABYTE, found
    assert found.longest < BLOCK, found
