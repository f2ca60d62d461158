"""Usual messages and tools are read and written in short ways, which give what the long ways give."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from app.errors import GatewayError
from app.translate.dialogue import Note, Request, Sampling, Text, Turn
from app.translate.gigachat.v1 import chat_request
from app.translate.openai import messages, tools
from app.translate.openai.chat_request import FIELDS
from tests.examples import examples

_WORDS = st.sampled_from(["", "a", " ", "\n", "привет", "<think>", "\u2028", "\x00", "null", "f" * 1024, "f" * 1025])
_KEYS = st.sampled_from(["type", "text", "properties", "name", "role", "content", "json", "jsonSchema", "$ref", "enum"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**70) | _WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)
_ROLES = st.sampled_from(
    ["user", "assistant", "system", "tool", "developer", "User", " user", "model", "function", "", None, 1, ["user"]]
)
_PLAIN = st.fixed_dictionaries({"role": _ROLES, "content": _WORDS})
_BESIDE = {
    **dict.fromkeys(("tool_calls", "parts", "name", "x"), _VALUES),
    **dict.fromkeys(("text", "type", "tool_call_id", "refusal"), _WORDS),
}
_MESSAGES = st.one_of(
    _PLAIN,
    _PLAIN,
    st.fixed_dictionaries({"role": _ROLES}, optional={"content": _VALUES, **_BESIDE}),
    _VALUES,
)
_SCHEMAS = st.one_of(
    st.sampled_from(
        [
            {"type": "object", "properties": {"a": {"type": "string"}}},
            {"a": {"type": "string"}},
            *({key: {"type": "object"}} for key in ("json", "jsonSchema", "properties")),
        ]
    ),
    st.fixed_dictionaries({"properties": _VALUES}, optional={"type": _VALUES, "required": _VALUES, "json": _VALUES}),
    _VALUES,
)
_FUNCTIONS = st.one_of(
    st.fixed_dictionaries({"name": _WORDS | _VALUES, "description": _WORDS | _VALUES, "parameters": _SCHEMAS}),
    st.fixed_dictionaries(
        {"name": _WORDS, "description": _WORDS, "parameters": _SCHEMAS},
        optional={"strict": _VALUES, "few_shot_examples": _VALUES, "input_schema": _SCHEMAS, "x": _VALUES},
    ),
    _VALUES,
)
_TOOLS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["function", "Function", "custom", "", None, 1]), "function": _FUNCTIONS}
    ),
    st.fixed_dictionaries(
        {"type": st.just("function"), "function": _FUNCTIONS},
        optional={"strict": _VALUES, "name": _WORDS, "parameters": _SCHEMAS, "cache_control": _VALUES},
    ),
    _VALUES,
)
Outcome = tuple[Any, list[Note]] | str


def read(reader: Callable[[list[Note]], Any]) -> Outcome:
    """What is read and its notes, or the client's error."""
    notes: list[Note] = []
    try:
        return reader(notes), notes
    except GatewayError as error:
        return f"{error.kind.name} {error.param}: {error.message}"


class Long(dict[str, Any]):
    """An object that is no plain dict: the short ways leave it alone."""


class LongText(Text):
    """A text that is not known by its type alone."""


def lengthen(tool: Any) -> Any:
    """A tool whose schema the short way leaves alone."""
    function = tool.get("function") if isinstance(tool, dict) else None
    if isinstance(function, dict) and isinstance(function.get("parameters"), dict):
        function["parameters"] = Long(function["parameters"])
    return tool


def write(turns: list[Turn]) -> Outcome:
    """The payload that becomes of turns."""
    try:
        return chat_request.write(Request("m", turns, Sampling(), fields=FIELDS))
    except GatewayError as error:
        return f"{error.kind.name} {error.param}: {error.message}"


@examples(max_examples=300, suppress=[HealthCheck.too_slow])
@given(st.lists(_MESSAGES, max_size=5))
def test_messages(given_messages: list[Any]) -> None:
    """A role and a text, beside anything else; read, and written for GigaChat."""
    found = read(lambda notes: messages.read(deepcopy(given_messages), notes))
    long = [Long(message) if isinstance(message, dict) else message for message in deepcopy(given_messages)]
    assert read(lambda notes: messages.read(long, notes)) == found
    if isinstance(found, str):
        return
    turns: list[Turn] = found[0]
    written = write(turns)
    for turn in turns:
        turn.parts = [LongText(part.text) if isinstance(part, Text) else part for part in turn.parts]
    assert write(turns) == written


@examples(max_examples=300, suppress=[HealthCheck.too_slow])
@given(st.lists(_TOOLS, max_size=4), st.sampled_from(["tools", "functions"]))
def test_tools(given_tools: list[Any], path: str) -> None:
    """A tool as SDKs write it, beside anything else."""
    found = read(lambda notes: tools.read({path: deepcopy(given_tools)}, notes))
    long = [lengthen(tool) for tool in deepcopy(given_tools)]
    assert read(lambda notes: tools.read({path: long}, notes)) == found


def test_what_follows_a_result_is_no_result() -> None:
    """A new message that is none is refused, whatever stands before it."""
    for before in ({"role": "tool", "content": "1"}, {"role": "user", "content": "x"}):
        assert read(lambda notes, before=before: messages.read([before, None], notes)) == (  # type: ignore[misc]
            "invalid_value messages[1]: 'messages[1]' must be an object, not null."
        )
