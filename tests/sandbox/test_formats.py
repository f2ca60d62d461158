"""Structured output on the wire."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import aiohttp
import orjson
import pytest
from pydantic import BaseModel

from app.sandbox.server import Running
from tests.sandbox.calling import FUNCTIONS, after, choice, chunks, message

Ask = Callable[..., dict[str, Any]]


class Step(BaseModel):
    """A part of an answer."""

    text: str
    next: Step | None


class Solution(BaseModel):
    """An answer of several parts."""

    steps: list[Step]
    sure: bool = False


SCHEMA = Solution.model_json_schema()
ANY: dict[str, Any] = {"type": "object"}


def _format(schema: dict[str, Any], *, strict: bool = True) -> dict[str, Any]:
    return {"type": "json_schema", "schema": schema, "strict": strict}


@pytest.mark.parametrize("strict", [True, False])
async def test_fits(session: aiohttp.ClientSession, ask: Ask, strict: bool) -> None:
    """A JSON text that fits, laid out as recorded; all fields are there only if `strict` asks for them."""
    answer = await choice(session, ask(response_format=_format(SCHEMA, strict=strict)))
    text = answer["message"]["content"]
    Solution.model_validate_json(text)
    assert ("sure" in json.loads(text)) is strict
    assert text.startswith('{\n    "steps": [')
    assert "\\u" not in text
    assert answer["finish_reason"] == "stop"


async def test_stream(session: aiohttp.ClientSession, ask: Ask) -> None:
    """The same text in phrases."""
    body = ask(response_format=_format(SCHEMA))
    streamed = await chunks(session, body)
    assert len(streamed) > 5
    assert (
        "".join(one["choices"][0]["delta"]["content"] for one in streamed) == (await message(session, body))["content"]
    )


@pytest.mark.parametrize(
    "schema",
    [
        ANY,
        {"type": "object", "properties": {"city": {"type": "string"}}},
        {"properties": {"city": {"type": "string"}}, "required": []},
        {"$defs": {"a": ANY}, "$ref": "#/$defs/a"},
        {"$ref": "#/$defs/nowhere"},
        {"description": "что угодно"},
        {"type": "object", "allOf": 1},
    ],
)
async def test_nothing_required(session: aiohttp.ClientSession, ask: Ask, schema: dict[str, Any]) -> None:
    """Where nothing is required any object will do, and it is not the one that was hoped for."""
    value = orjson.loads((await message(session, ask(response_format=_format(schema))))["content"])
    assert list(value) == ["answer"]
    assert "Привет" in value["answer"]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "array", "items": {"type": "integer"}}, [1, 2]),
        ({"enum": [1, None]}, 1),
        ({"const": "да"}, "да"),
        ({"anyOf": [{"type": "null"}, {"type": "object", "properties": {"a": {"type": "null"}}}]}, {"a": None}),
        ({"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}]}, {"a": 1}),
    ],
)
async def test_other_roots(session: aiohttp.ClientSession, ask: Ask, schema: dict[str, Any], value: Any) -> None:
    """A root that is no plain object is obeyed."""
    assert orjson.loads((await message(session, ask(response_format=_format(schema))))["content"]) == value


async def test_text_is_text(session: aiohttp.ClientSession, ask: Ask) -> None:
    """The format `text` changes nothing, and what is to be said is said."""
    assert (await message(session, ask(response_format={"type": "text"})))["content"].startswith("[sandbox]")
    said = await message(session, ask('sandbox:say {"a": 1', response_format=_format(SCHEMA)))
    assert said["content"] == '{"a": 1'


async def test_beside_functions(session: aiohttp.ClientSession, ask: Ask) -> None:
    """A directive, or a name, decides for the call; after the result there is JSON."""
    more = {"functions": FUNCTIONS, "response_format": _format(ANY)}
    assert orjson.loads((await message(session, ask(**more)))["content"])
    body = ask("sandbox:call get_weather", **more)
    call = await message(session, body)
    assert call["function_call"]["name"] == "get_weather"
    assert '{"t": 20}' in orjson.loads((await message(session, after(body, call)))["content"])["answer"]


@pytest.mark.parametrize("model", ["GigaChat-Plus", "GigaChat-Plus-preview"])
async def test_small_model_ignores_it(session: aiohttp.ClientSession, ask: Ask, model: str) -> None:
    """One of the listed models writes prose; it calls functions all the same."""
    body = ask(model=model, response_format=_format(SCHEMA), functions=FUNCTIONS)
    assert (await message(session, body))["content"].startswith("[sandbox]")
    assert "function_call" in await message(session, {**body, "function_call": {"name": "get_weather"}})


async def test_faults(running: Running, session: aiohttp.ClientSession, ask: Ask) -> None:
    """Prose once, a fence once, then JSON again; neither fires where no JSON would be written."""
    running.state.faults.add("ignore_format", "chat")
    running.state.faults.add("fenced_json", "chat")
    await message(session, ask())
    await message(session, ask("sandbox:say да", response_format=_format(ANY)))
    await message(session, ask("get_weather", functions=FUNCTIONS, response_format=_format(ANY)))
    assert len(running.state.faults) == 2
    texts = [(await message(session, ask(response_format=_format(ANY))))["content"] for _ in range(3)]
    assert texts[0].startswith("[sandbox]")
    assert texts[1] == f"```json\n{texts[2]}\n```"
    assert orjson.loads(texts[2])


async def test_thought_before_json(session: aiohttp.ClientSession, ask: Ask) -> None:
    """A thought in tags stands before the JSON."""
    text = (await message(session, ask("sandbox:think Хм", response_format=_format(ANY))))["content"]
    assert text.startswith("<think>Хм</think>\n{\n")
