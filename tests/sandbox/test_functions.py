"""Functions of a chat request: each row of the table, and `function_call`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from app.sandbox.functions import RULES

EMPTY: dict[str, Any] = {"type": "object", "properties": {}}


def _with(**properties: Any) -> dict[str, Any]:
    return {"name": "f", "parameters": {"type": "object", "properties": properties}}


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("name", {"parameters": EMPTY}),
    ("name", {"name": "1st", "parameters": EMPTY}),
    ("name", {"name": "погода", "parameters": EMPTY}),
    ("name", {"name": "get weather", "parameters": EMPTY}),
    ("bare name", {"name": "weather"}),
    ("parameters", {"name": "f", "description": "a"}),
    ("parameters", {"name": "f", "parameters": "{}"}),
    ("description", {"name": "f", "parameters": EMPTY, "description": None}),
    ("examples", {"name": "f", "parameters": EMPTY, "few_shot_examples": [{"request": "a"}]}),
    ("examples", {"name": "f", "parameters": EMPTY, "few_shot_examples": {}}),
    ("return parameters", {"name": "f", "parameters": EMPTY, "return_parameters": "{}"}),
    ("allOf", _with(a={"allOf": [{"type": "string"}]})),
    ("allOf", _with(a={"type": "array", "items": {"allOf": []}})),
    ("open object", {"name": "f", "parameters": {}}),
    ("open object", {"name": "f", "parameters": {"type": "object"}}),
    ("open object", {"name": "f", "parameters": {"properties": {}}}),
    ("open object", {"name": "f", "parameters": EMPTY, "return_parameters": {"type": "string"}}),
    ("open object", _with(a={"type": ["object", "null"]})),
    ("open object", _with(a={"anyOf": [{"type": "null"}, {"type": "object"}]})),
    ("open object", _with(a={"type": "string", "additionalProperties": {"type": "object"}})),
    ("enum", _with(a={"type": "integer", "enum": [1, 2]})),
    ("enum", _with(a={"type": "array", "prefixItems": [{"enum": [None]}]})),
    ("enum", _with(a={"type": "string", "enum": "b"})),
]

ACCEPTED: list[dict[str, Any]] = [
    {"name": "text2image"},
    {"name": "get_weather-2.v1", "parameters": EMPTY},
    _with(
        a={"type": "string", "enum": ["b"]}, b={"anyOf": [{"type": "string"}, True]}, c={"type": "array", "items": {}}
    ),
    {
        "name": "f",
        "description": "Погода",
        "parameters": EMPTY,
        "return_parameters": EMPTY,
        "few_shot_examples": [{"request": "Погода в Омске", "params": {"city": "Омск"}}],
    },
]

CHOICES: list[tuple[Any, int, str]] = [
    ("none", 200, ""),
    ("auto", 200, ""),
    ({"name": "f"}, 200, ""),
    ({"name": "text2model3d"}, 200, ""),
    ("required", 422, 'Invalid params: function_call must be "none", "auto" or an object with a name'),
    ({"function": "f"}, 422, 'Invalid params: function_call must be "none", "auto" or an object with a name'),
    (None, 422, 'Invalid params: function_call must be "none", "auto" or an object with a name'),
    ({"name": "g"}, 422, "Invalid params: function_call: unknown function g"),
]

Ask = Callable[..., dict[str, Any]]


async def _answer(session: aiohttp.ClientSession, body: dict[str, Any]) -> tuple[int, str]:
    async with session.post("/v1/chat/completions", json=body) as response:
        return response.status, (await response.json()).get("message", "")


@pytest.mark.parametrize(("name", "function"), REFUSED)
async def test_refused(session: aiohttp.ClientSession, ask: Ask, name: str, function: dict[str, Any]) -> None:
    """A function that breaks a row is refused with that row's status and message."""
    (row,) = [rule for rule in RULES if rule.name == name]
    expected = (row.status, row.message.format(name=function.get("name", "")))
    assert await _answer(session, ask(functions=[function])) == expected


@pytest.mark.parametrize("function", ACCEPTED)
async def test_accepted(session: aiohttp.ClientSession, ask: Ask, function: dict[str, Any]) -> None:
    """Functions as the page describes them are accepted."""
    assert await _answer(session, ask(functions=[function])) == (200, "")


async def test_functions_are_objects(session: aiohttp.ClientSession, ask: Ask) -> None:
    """A bare string is no function."""
    status, message = await _answer(session, ask(functions=["f"]))
    assert (status, message) == (422, "Invalid params: functions must be an array of objects")


@pytest.mark.parametrize(("choice", "status", "message"), CHOICES)
async def test_choice(session: aiohttp.ClientSession, ask: Ask, choice: Any, status: int, message: str) -> None:
    """Two words, or a function that is known: there is no "required"."""
    assert await _answer(session, ask(functions=[_with()], function_call=choice)) == (status, message)


def test_each_row_has_a_case() -> None:
    """No row of the table is untested."""
    assert {case[0] for case in REFUSED} == {rule.name for rule in RULES}
    assert all(rule.source for rule in RULES)
