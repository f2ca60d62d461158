"""Calls in OpenAI's words: those of a history read, those of an answer written."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.translate.dialogue import Call
from app.translate.openai import calls
from app.translate.openai.reading import Reading

PLACE = "messages[3]"


def each(*values: Any) -> tuple[Any, ...]:
    """Values of any type."""
    return values


def read(message: dict[str, Any]) -> tuple[list[Call], list[tuple[str, str, str]]]:
    """The calls of a message, and the notes as tuples."""
    reading = Reading([], past=True, assistant=True)
    found = calls.read(message, PLACE, reading)
    return found, [(note.kind, note.rule, note.path) for note in reading.notes]


def call(arguments: Any = "{}", **more: Any) -> dict[str, Any]:
    """An entry of `tool_calls`."""
    return {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}, **more}


CUSTOM = {"id": "c2", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}}
OLD = {"name": "f", "arguments": '{"a":1}'}
FIRST = f"{PLACE}.tool_calls[0]"

# message, calls, notes
READ: list[tuple[dict[str, Any], list[Call], list[tuple[str, str, str]]]] = [
    ({}, [], []),
    ({"tool_calls": None, "function_call": None}, [], []),
    ({"tool_calls": []}, [], []),
    ({"tool_calls": {}}, [], []),
    ({"tool_calls": [call(type=None)]}, [Call("c1", "f", {})], []),
    ({"tool_calls": [call(), call()]}, [Call("c1", "f", {})] * 2, []),
    ({"tool_calls": [call(index=0, extra=None)]}, [Call("c1", "f", {})], []),
    ({"tool_calls": [call(extra=1)]}, [Call("c1", "f", {})], [("dropped", "messages.unknown", f"{FIRST}.extra")]),
    (
        {"tool_calls": [CUSTOM]},
        [Call("c2", "patch", {"input": "*** Begin"})],
        [("adapted", "messages.custom_call", FIRST)],
    ),
    ({"function_call": OLD}, [Call("", "f", {"a": 1})], []),
    (
        {"tool_calls": [call('{"a": 1}')], "function_call": OLD},
        [Call("c1", "f", {"a": 1})],
        [("equivalent", "messages.function_call", f"{PLACE}.function_call")],
    ),
    (
        {"tool_calls": [call('{"a": 2}')], "function_call": OLD},
        [Call("c1", "f", {"a": 2}), Call("", "f", {"a": 1})],
        [],
    ),
    # ids that are none, and numbers
    *(({"tool_calls": [call(id=number)]}, [Call("", "f", {})], []) for number in each(None, "", False, [], {})),
    ({"tool_calls": [call(id=7)]}, [Call("7", "f", {})], []),
    ({"tool_calls": [call(id=7.0)]}, [Call("7", "f", {})], []),
    # without a name or a function
    ({"tool_calls": [call(function=None)]}, [Call("c1", "", {})], []),
    ({"tool_calls": [call(function={})]}, [Call("c1", "", {})], []),
    ({"tool_calls": [call(function={"name": " ", "arguments": '{"a":1}'})]}, [Call("c1", "", {"a": 1})], []),
    ({"tool_calls": [call(function={"name": ["f"]})]}, [Call("c1", "", {})], []),
    ({"tool_calls": [call(function={"name": 5})]}, [Call("c1", "5", {})], []),
    ({"tool_calls": [{"id": "c1", "type": "web_search"}]}, [Call("c1", "", {})], []),
    # other shapes
    ({"tool_calls": call()}, [Call("c1", "f", {})], []),
    ({"tool_calls": {"0": call(), "1": call(id="c2")}}, [Call("c1", "f", {}), Call("c2", "f", {})], []),
    (
        {"tool_calls": [{"name": "f", "args": {"a": 1}, "id": "c1", "type": "tool_call"}]},
        [Call("c1", "f", {"a": 1})],
        [],
    ),
    (
        {"tool_calls": [{"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}]},
        [Call("c1", "f", {})],
        [],
    ),
    ({"tool_calls": [{"functionCall": {"name": "f", "args": {"a": 1}}}]}, [Call("", "f", {"a": 1})], []),
    ({"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}, [Call("", "f", {"a": 1})], []),
    ({"tool_calls": [{"id": "c1", "function": "f", "arguments": '{"a":1}'}]}, [Call("c1", "f", {"a": 1})], []),
    # what is no call
    (
        {"tool_calls": [None, call(), "f", 5]},
        [Call("c1", "f", {})],
        [("dropped", "messages.tool_calls", f"{PLACE}.tool_calls[{n}]") for n in (0, 2, 3)],
    ),
    ({"tool_calls": "f"}, [], [("dropped", "messages.tool_calls", f"{PLACE}.tool_calls")]),
    ({"function_call": "auto"}, [], [("dropped", "messages.function_call", f"{PLACE}.function_call")]),
    # arguments that are none
    (
        {"tool_calls": [call("{cut")]},
        [Call("c1", "f", {"_raw": "{cut"})],
        [("adapted", "arguments->_raw", f"{FIRST}.function.arguments")],
    ),
    (
        {"tool_calls": [call('{"a": NaN}')]},
        [Call("c1", "f", {"a": None})],
        [("adapted", "arguments.repaired", f"{FIRST}.function.arguments")],
    ),
    ({"tool_calls": [{**CUSTOM, "custom": {"name": "patch"}}]}, [Call("c2", "patch", {})], []),
]


@pytest.mark.parametrize(("message", "found", "told"), READ)
def test_calls_are_read(message: dict[str, Any], found: list[Call], told: list[tuple[str, str, str]]) -> None:
    """Nothing is refused: what a call lacks is empty, and what is no call is told."""
    assert read(message) == (found, told)


# arguments, as a client gets them
WRITTEN: list[tuple[dict[str, Any], str]] = [
    ({}, "{}"),
    ({"город": "Тула", "a": [1, None]}, '{"город":"Тула","a":[1,null]}'),
    ({"много": 10**30, "ok": True}, '{"много":1000000000000000000000000000000,"ok":true}'),
    ({"a": "\ud800"}, '{"a":"?"}'),
]


@pytest.mark.parametrize(("arguments", "text"), WRITTEN)
def test_arguments_are_written(arguments: dict[str, Any], text: str) -> None:
    """Compact JSON with Cyrillic as it is, whatever a model made up; a body can carry it."""
    written = calls.write(Call("c1", "f", arguments))
    assert written == {"id": "c1", "type": "function", "function": {"name": "f", "arguments": text}}
    assert calls.write_function(Call("c1", "f", arguments)) == written["function"]
    assert orjson.loads(orjson.dumps(written)) == written


def test_what_is_written_is_read_again() -> None:
    """A client sends a call back as it got it."""
    call = Call("c1", "f", {"a": {"б": [1, 2.5, None, "в"]}})
    assert read({"tool_calls": [calls.write(call)]}) == ([call], [])


def test_deep_arguments_are_written() -> None:
    """A depth that GigaChat's JSON could have is no fault of ours."""
    deep: dict[str, Any] = {}
    for _ in range(400):
        deep = {"a": deep}
    assert calls.write_arguments(Call("c1", "f", deep)).count("{") == 401
