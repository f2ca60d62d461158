"""What a stream holds of its question while it lasts."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator
from typing import Any

import aiohttp
import orjson
import pytest

from app.admission.tickets import Ticket
from app.exchange.attempt import Attempt
from app.exchange.variants import Fallbacks
from app.observe.request_record import RequestRecord
from app.sandbox import server
from app.server.app_keys import BODIES
from app.translate.abilities import Abilities
from app.translate.dialogue import Call, Delta, Request, Sampling, Text, Tool, Turn
from app.translate.gigachat import contracts
from tests.running import Running, eventually
from tests.watching import CHAT, asking, tool

LONG = 64 * 1024
MARK = "heldheld"
FEW = 2048  # characters: a header's
ROOMS = ("admission", "exchange", "observe", "server", "translate", "upstream")
WORDS = MARK + "w" * LONG
FILE = {"type": "file", "file": {"filename": "a.txt", "file_data": f"data:text/plain,{WORDS}"}}
LOST = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/gone.png"}}]}


def talking(past: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A request that is answered for a while."""
    return {**asking(""), "messages": [*past, {"role": "user", "content": "sandbox:long 500"}], **more}


BODIES_HELD: dict[str, dict[str, Any]] = {
    "the conversation": talking([{"role": "system", "content": WORDS}]),
    "a user's name": talking([], user=WORDS),
    "GigaChat's own fields": talking([], flags=[WORDS]),
    "unknown fields": talking([], **{f"{MARK}{number}": 1 for number in range(3000)}),
    "a file": talking([{"role": "user", "content": [FILE]}]),
    "a file that is gone": talking([LOST, {"role": "assistant", "content": WORDS}]),
}


def find_held() -> dict[str, int]:
    """How many characters of such questions the gateway's objects and coroutines refer to, where it is more than a few.

    The sandbox, which is in this process as well, has its own.
    """
    found: Counter[str] = Counter()
    for one in gc.get_objects():
        code = getattr(one, "cr_code", None) or getattr(one, "ag_code", None)
        place = type(one).__module__ if code is None else code.co_filename.partition("/app/")[2].replace("/", ".")
        if place.removeprefix("app.").startswith(ROOMS):
            name = type(one).__qualname__ if code is None else code.co_qualname
            found[name] += sum(len(text) for text in _find_texts(one, 3) if MARK in text)
    return {name: size for name, size in found.items() if size > FEW}


def _find_texts(one: object, depth: int) -> Iterator[str]:
    """The texts that an object refers to, through lists and dicts as well."""
    for inner in gc.get_referents(one):
        if isinstance(inner, str):
            yield inner
        elif depth and isinstance(inner, dict | list | tuple):
            yield from _find_texts(inner, depth - 1)


@pytest.mark.parametrize("kind", BODIES_HELD)
async def test_nothing_that_is_given_back_is_held(
    kind: str, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """What a begun stream gives back of the memory of all requests is not there any more."""
    memory = gateway.app[BODIES].memory
    data = orjson.dumps({**BODIES_HELD[kind], "stream": True})
    async with http.post(gateway.url + CHAT, data=data, headers={"Content-Type": "application/json"}) as response:
        assert response.status == 200, await response.text()
        await response.content.readany()
        await eventually(lambda: memory.left == memory.limit)
        gc.collect()
        assert find_held() == {}
    await eventually(lambda: sandbox.state.chatting == 0)
    await asyncio.sleep(0)


PROPERTIES = {"a": {"type": "string", "description": WORDS}}
SCHEMA = {"type": "object", "properties": PROPERTIES}
FORMAT = {"type": "json_schema", "json_schema": {"name": "f", "schema": SCHEMA}}
HELD: dict[str, dict[str, Any]] = {
    "functions": talking([], tools=[tool("f", PROPERTIES)]),
    "a format": talking([], response_format=FORMAT),
}


@pytest.mark.parametrize("kind", HELD)
async def test_what_is_held_counts(
    kind: str, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Functions and formats read what comes: all of it still counts."""
    memory = gateway.app[BODIES].memory
    body = {**HELD[kind], "stream": True}
    async with http.post(
        gateway.url + CHAT, json=body, headers={"X-Gateway-Strict": "true" if kind == "a format" else "false"}
    ) as response:
        assert response.status == 200, await response.text()
        await response.content.readany()
        assert memory.left < memory.limit - LONG
    await eventually(lambda: sandbox.state.chatting == 0)


def test_a_name_of_the_past_is_read_back() -> None:
    """GigaChat may call a function of an earlier turn, by the name that it was told; a stream is as a whole answer."""
    turns = [
        Turn("user", [Text("x")], "messages[0]"),
        Turn("assistant", [Call("1", "погода", {})], "messages[1]"),
        Turn("user", [Text("y")], "messages[2]"),
    ]
    attempt = Attempt(
        Request("m", turns, Sampling(), stream=True, tools=[Tool("время", None, None, "tools[0]")]),
        [],
        RequestRecord(),
        contract=contracts.CHAT,
        abilities=Abilities(vision="m"),
        fallbacks=Fallbacks("auto", state_echo=True),
        strict=False,
        ticket=Ticket("default", 0.0, 60.0),
    )
    question = attempt.question(0)
    told = question.payload["messages"][1]["function_call"]["name"]
    choice = {"index": 0, "delta": {"function_call": {"name": told, "arguments": {}}}, "finish_reason": "function_call"}
    stream = question.reader.open_stream(0)
    attempt.let_go_of_question()
    events = [*stream.feed(b"data: " + orjson.dumps({"choices": [choice]}) + b"\n\n"), *stream.finish()]
    calls = [event.part for event in events if isinstance(event, Delta) and isinstance(event.part, Call)]
    assert [call.name for call in calls] == ["погода"]
