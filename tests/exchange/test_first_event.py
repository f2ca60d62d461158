"""The time for GigaChat's first byte ends with its first event, whatever it is and however long the rest takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.hostile.gigachat import DONE, STREAM, Attack, Hostile, event, hostile_gigachat
from tests.running import GatewayStarter
from tests.watching import CHAT, ask

LIMIT = 0.6
END = event("stop") + DONE
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in ("f", "g")]
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "reply", "schema": SCHEMA}}
CALL = event("function_call", function_call={"name": "f", "arguments": {}})


def slowly(first: bytes, then: bytes) -> Attack:
    """Something every now and then, for three times as long as the first event may take; then the answer."""

    async def attack(writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM)
        for _ in range(9):
            writer.write(first)
            await writer.drain()
            await asyncio.sleep(LIMIT / 3)
        writer.write(then)
        await writer.drain()

    return attack


@pytest.fixture
async def slow() -> AsyncIterator[Hostile]:
    """A GigaChat that takes its time."""
    async with hostile_gigachat() as found:
        yield found


THOUGHT = event(reasoning_content="hm")
CASES: dict[str, tuple[bytes, bytes, dict[str, Any]]] = {
    "plain": (THOUGHT, event(content="да") + END, {"stream": True}),
    "any JSON": (
        THOUGHT,
        event(content='{"a": 1}') + END,
        {"stream": True, "response_format": {"type": "json_object"}},
    ),
    "a schema": (THOUGHT, event(content='{"a": 1}') + END, {"stream": True, "response_format": FORMAT}),
    "a required call": (THOUGHT, CALL + DONE, {"stream": True, "tools": TOOLS, "tool_choice": "required"}),
    "tools": (THOUGHT, CALL + DONE, {"stream": True, "tools": TOOLS}),
    "a stop sequence": (THOUGHT, event(content="да|нет") + END, {"stream": True, "stop": "|"}),
    "no stream, a stop sequence": (THOUGHT, event(content="да|нет") + END, {"stop": "|"}),
    "two choices": (THOUGHT, event(content="да") + END, {"stream": True, "n": 2}),
    "two choices, a stop sequence": (THOUGHT, event(content="да") + END, {"stop": "|", "n": 2}),
    "blanks": (event(content=" "), event(content='{"a": 1}') + END, {"stream": True, "response_format": FORMAT}),
    "no words": (event(), event(content="да") + END, {"stream": True}),
    "a role": (event(role="assistant"), event(content="{}") + END, {"stream": True, "response_format": FORMAT}),
    "half a tag": (
        event(content="<think>") + THOUGHT,
        event(content="</think>да") + END,
        {"stream": True, "stop": "|"},
    ),
}


@pytest.mark.samples("plain", "a schema", "two choices, a stop sequence")
@pytest.mark.parametrize("name", CASES)
async def test_a_model_that_thinks_for_long(
    slow: Hostile, start_gateway: GatewayStarter, http: aiohttp.ClientSession, name: str
) -> None:
    """Its answer comes, and nobody doubts that GigaChat is there."""
    first, then, fields = CASES[name]
    gateway = await start_gateway(**slow.settings, GPT2GIGA_FIRST_BYTE_SECONDS=str(LIMIT))
    slow.answers[CHAT] = slowly(first, then)
    lists = slow.asked["/v1/models"]
    reply = await ask(http, gateway, {"messages": [{"role": "user", "content": "hello"}], **fields})
    assert (reply.status, "error" in reply.text) == (200, False), reply.text
    assert gateway.gateway.gigachat.monitor.available is True
    assert slow.asked["/v1/models"] == lists


async def test_another_try_has_its_own_time(
    slow: Hostile, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Prose instead of JSON is asked for once more, as a function, and that takes its time too."""
    gateway = await start_gateway(**slow.settings, GPT2GIGA_FIRST_BYTE_SECONDS=str(LIMIT))
    call = event("function_call", function_call={"name": "reply", "arguments": {"a": 1}})
    tries = iter([slowly(THOUGHT, event(content="prose") + END), slowly(event(content="prose"), call + DONE)])

    async def attack(writer: asyncio.StreamWriter) -> None:
        await next(tries)(writer)

    slow.answers[CHAT] = attack
    body = {"messages": [{"role": "user", "content": "hello"}], "stream": True, "response_format": FORMAT}
    reply = await ask(http, gateway, body)
    assert (reply.status, reply.content) == (200, '{"a":1}'), reply.text


@pytest.mark.parametrize("said", [b"", b": here\n\n", b"event: x\n\n"], ids=["nothing", "comments", "names"])
@pytest.mark.parametrize("fields", [{"stream": True}, {"stop": "|"}], ids=["stream", "stop"])
async def test_what_is_no_event_begins_no_answer(
    slow: Hostile, start_gateway: GatewayStarter, http: aiohttp.ClientSession, said: bytes, fields: dict[str, Any]
) -> None:
    """Bytes alone are no answer: the time runs on, and the gateway looks whether GigaChat is there."""
    gateway = await start_gateway(**slow.settings, GPT2GIGA_FIRST_BYTE_SECONDS=str(LIMIT))
    slow.answers[CHAT] = slowly(said, event(content="да") + END)
    reply = await ask(http, gateway, {"messages": [{"role": "user", "content": "hello"}], **fields})
    assert (reply.status, reply.error["code"]) == (504, "upstream_timeout")
    assert "began no answer in 0.6 seconds" in reply.error["message"]
