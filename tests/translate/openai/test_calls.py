"""Calls in OpenAI's words: those of a history read, those of an answer written."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.errors import GatewayError
from app.translate.dialogue import Call, Note
from app.translate.openai import calls

PLACE = "messages[3]"


def each(*values: Any) -> tuple[Any, ...]:
    """Values of any type."""
    return values


def read(message: dict[str, Any]) -> tuple[list[Call], list[tuple[str, str, str]]]:
    """The calls of a message, and the notes as tuples."""
    notes: list[Note] = []
    found = calls.read(message, PLACE, calls.Unanswered(), notes)
    return found, [(note.kind, note.rule, note.path) for note in notes]


def call(arguments: Any = "{}", **more: Any) -> dict[str, Any]:
    """An entry of `tool_calls`."""
    return {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}, **more}


# the client's value, the object that it means
ARGUMENTS: list[tuple[Any, dict[str, Any]]] = [
    ("{}", {}),
    ("", {}),
    (" \n", {}),
    ("null", {}),
    (None, {}),
    ({}, {}),
    ([], {}),
    ("[]", {}),
    ('{"account": 40817810099910004312, "x": 1.5}', {"account": 40817810099910004312, "x": 1.5}),
    ({"город": "Тула"}, {"город": "Тула"}),
    ('{"a": 1, "b": [null, {"c": "д"}]}', {"a": 1, "b": [None, {"c": "д"}]}),
    (' {"a": "\\u0434"}\n', {"a": "д"}),
]


@pytest.mark.parametrize(("given", "meant"), ARGUMENTS)
def test_arguments_are_an_object(given: Any, meant: dict[str, Any]) -> None:
    """JSON in a string, nothing at all, or the object itself, in both forms of a call."""
    assert read({"tool_calls": [call(given)]}) == ([Call("c1", "f", meant)], [])
    old = Call(f"{PLACE}.function_call", "f", meant)
    assert read({"function_call": {"name": "f", "arguments": given}}) == ([old], [])


CUSTOM = {"id": "c2", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}}
OLD = {"name": "f", "arguments": '{"a":1}'}

# message, calls, notes
READ: list[tuple[dict[str, Any], list[Call], list[tuple[str, str, str]]]] = [
    ({}, [], []),
    ({"tool_calls": None, "function_call": None}, [], []),
    ({"tool_calls": []}, [], []),
    ({"tool_calls": [call(type=None)]}, [Call("c1", "f", {})], []),
    ({"tool_calls": [call(id="")]}, [Call(f"{PLACE}.tool_calls[0]", "f", {})], []),
    ({"tool_calls": [call(), call()]}, [Call("c1", "f", {})] * 2, []),
    ({"tool_calls": [call(index=0, extra=None)]}, [Call("c1", "f", {})], []),
    (
        {"tool_calls": [call(extra=1)]},
        [Call("c1", "f", {})],
        [("dropped", "messages.unknown", f"{PLACE}.tool_calls[0].extra")],
    ),
    (
        {"tool_calls": [CUSTOM]},
        [Call("c2", "patch", {"input": "*** Begin"})],
        [("adapted", "messages.custom_call", f"{PLACE}.tool_calls[0]")],
    ),
    (
        {"tool_calls": [call('{"a": 1}')], "function_call": OLD},
        [Call("c1", "f", {"a": 1})],
        [("equivalent", "messages.function_call", f"{PLACE}.function_call")],
    ),
    (
        {"tool_calls": [call('{"a": 2}')], "function_call": OLD},
        [Call("c1", "f", {"a": 2}), Call(f"{PLACE}.function_call", "f", {"a": 1})],
        [],
    ),
]


@pytest.mark.parametrize(("message", "found", "told"), READ)
def test_calls_are_read(message: dict[str, Any], found: list[Call], told: list[tuple[str, str, str]]) -> None:
    """Ids stay the client's; a call in both forms is one; what GigaChat knows otherwise is told."""
    assert read(message) == (found, told)


# message, code, the rest of the field's name
BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"tool_calls": "f"}, "invalid_value", "tool_calls"),
    ({"tool_calls": {}}, "invalid_value", "tool_calls"),
    ({"tool_calls": [None]}, "invalid_value", "tool_calls[0]"),
    ({"tool_calls": [call(), "f"]}, "invalid_value", "tool_calls[1]"),
    ({"tool_calls": [{"function": {"name": "f"}}]}, "missing_required_parameter", "tool_calls[0].id"),
    ({"tool_calls": [call(id=None)]}, "missing_required_parameter", "tool_calls[0].id"),
    ({"tool_calls": [call(id=5)]}, "invalid_value", "tool_calls[0].id"),
    ({"tool_calls": [call(type="web_search")]}, "invalid_value", "tool_calls[0].type"),
    ({"tool_calls": [call(type=5)]}, "invalid_value", "tool_calls[0].type"),
    ({"tool_calls": [call(function=None)]}, "invalid_value", "tool_calls[0].function"),
    ({"tool_calls": [call(function="f")]}, "invalid_value", "tool_calls[0].function"),
    ({"tool_calls": [call(function={})]}, "missing_required_parameter", "tool_calls[0].function.name"),
    ({"tool_calls": [call(function={"name": ""})]}, "invalid_value", "tool_calls[0].function.name"),
    ({"tool_calls": [call(function={"name": 5})]}, "invalid_value", "tool_calls[0].function.name"),
    *(
        ({"tool_calls": [call(), call(arguments)]}, "invalid_value", "tool_calls[1].function.arguments")
        for arguments in each("{", "secret", "[1]", "5", '"{}"', "true", 5, [1], True, '{"a": NaN}', "{'a': 1}", "{}{}")
    ),
    ({"tool_calls": [{**CUSTOM, "custom": None}]}, "invalid_value", "tool_calls[0].custom"),
    ({"tool_calls": [{**CUSTOM, "custom": {"input": "a"}}]}, "missing_required_parameter", "tool_calls[0].custom.name"),
    ({"tool_calls": [{**CUSTOM, "custom": {"name": "p"}}]}, "invalid_value", "tool_calls[0].custom.input"),
    ({"function_call": "f"}, "invalid_value", "function_call"),
    ({"function_call": {}}, "missing_required_parameter", "function_call.name"),
    ({"function_call": {"name": []}}, "invalid_value", "function_call.name"),
    ({"function_call": {"name": "f", "arguments": "secret"}}, "invalid_value", "function_call.arguments"),
]


@pytest.mark.parametrize(("message", "code", "param"), BAD)
def test_a_bad_call_is_named(message: dict[str, Any], code: str, param: str) -> None:
    """A 400 names the very field, and repeats nothing of the client's."""
    with pytest.raises(GatewayError) as caught:
        read(message)
    assert (caught.value.row.status, caught.value.row.code) == (400, code)
    assert caught.value.param == f"{PLACE}.{param}"
    assert "secret" not in caught.value.message


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
