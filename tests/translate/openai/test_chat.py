"""OpenAI's chat requests, read."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import GatewayError
from app.translate.dialogue import Choice, Format, Note, Request, Sampling, Tool
from app.translate.models import ModelNames
from app.translate.openai import chat, formats, tools
from app.translate.openai.parameters import PARAMETERS

NAMES = ModelNames("GigaChat", "Embeddings")
HELLO = [{"role": "user", "content": "a"}]
TOOLS = [{"type": "function", "function": {"name": "f"}}]


def read(**body: Any) -> tuple[Request, list[tuple[str, str, str]]]:
    """The request and its notes as tuples; one user message to a named model unless told otherwise."""
    request, notes = chat.read({"model": "GigaChat", "messages": HELLO, **body}, NAMES)
    return request, [(note.kind, note.rule, note.path) for note in notes]


# field, value, attribute of the request, its value, notes
CARRIED: list[tuple[dict[str, Any], str, Any, list[tuple[str, str, str]]]] = [
    ({}, "max_tokens", None, []),
    ({"max_tokens": 5}, "max_tokens", 5, []),
    ({"max_tokens": 5.0}, "max_tokens", 5, []),
    ({"max_completion_tokens": 5}, "max_tokens", 5, []),
    ({"max_output_tokens": 5}, "max_tokens", 5, []),
    (
        {"max_tokens": 5, "max_completion_tokens": 7, "max_output_tokens": 7},
        "max_tokens",
        7,
        [("dropped", "max_tokens", "max_tokens")],
    ),
    ({"max_tokens": 5, "max_completion_tokens": None}, "max_tokens", 5, []),
    ({"max_tokens": 0}, "max_tokens", None, [("adapted", "max_tokens=0->unlimited", "max_tokens")]),
    (
        {"max_completion_tokens": 0.0},
        "max_tokens",
        None,
        [("adapted", "max_completion_tokens=0->unlimited", "max_completion_tokens")],
    ),
    ({"temperature": 0}, "sampling", Sampling(0), []),
    ({"temperature": 0.7, "top_p": 0.1}, "sampling", Sampling(0.7, 0.1), []),
    ({"temperature": None, "top_p": None}, "sampling", Sampling(), []),
    ({"stream": True}, "stream", True, []),
    ({"stream": False}, "stream", False, []),
    ({"stream": None}, "stream", False, []),
    ({"stream": True, "stream_options": {"include_usage": True}}, "include_usage", True, []),
    ({"stream": True, "stream_options": {"include_usage": None}}, "include_usage", False, []),
    ({"stream": True, "stream_options": {}}, "include_usage", False, []),
    ({"stream": True, "stream_options": None}, "include_usage", False, []),
    (
        {"stream_options": {"include_usage": True}},
        "stream",
        False,
        [("equivalent", "stream_options", "stream_options")],
    ),
    ({"flags": ["a"]}, "extra", {"flags": ["a"]}, []),
    ({"extra_body": {"flags": ["a"]}}, "extra", {"flags": ["a"]}, []),
    (
        {"extra_body": {"profanity_check": True}, "profanity_check": False},
        "extra",
        {"profanity_check": False},
        [("dropped", "extra_body", "extra_body.profanity_check")],
    ),
    ({"extra_body": {"profanity_check": True}, "profanity_check": None}, "extra", {"profanity_check": True}, []),
    (
        {"extra_body": {"flags": None, "extra_body": {"seed": 1}}, "flags": ["a"]},
        "extra",
        {"flags": ["a"]},
        [("dropped", "extra_body", "extra_body.extra_body")],
    ),
    ({"extra_body": {"top_p": 0.5}}, "sampling", Sampling(None, 0.5), []),
    ({"extra_body": {"seed": 1}}, "extra", {}, [("dropped", "seed", "seed")]),
    ({"extra_body": {"foo": 1}}, "extra", {}, [("dropped", "unknown", "foo")]),
    ({"extra_body": None}, "extra", {}, []),
    ({"user": "u1"}, "session", "user:u1", [("equivalent", "user", "user")]),
    ({"user": ""}, "session", None, [("equivalent", "user", "user")]),
    (
        {"user": "u1", "prompt_cache_key": "k"},
        "session",
        "prompt_cache_key:k",
        [("equivalent", "user", "user"), ("equivalent", "prompt_cache_key", "prompt_cache_key")],
    ),
    ({"model": "gpt-4o"}, "model", "GigaChat", [("equivalent", "model", "model")]),
    ({"model": None}, "model", "GigaChat", [("adapted", "model=default", "model")]),
    ({"model": "GigaChat-2-Max"}, "model", "GigaChat-2-Max", []),
    ({}, "tools", [], []),
    ({"tools": TOOLS}, "tools", [Tool("f", None, None, "tools[0].function")], []),
    ({"tools": TOOLS, "tool_choice": "required"}, "choice", Choice("required"), []),
    ({"extra_body": {"tools": TOOLS}, "tool_choice": "none"}, "choice", Choice("none"), []),
    ({"tools": TOOLS}, "legacy_functions", False, []),
    ({"functions": [{"name": "f"}]}, "tools", [Tool("f", None, None, "functions[0]")], []),
    ({"functions": [{"name": "f"}], "function_call": {"name": "f"}}, "choice", Choice("named", "f"), []),
    ({"functions": [{"name": "f"}]}, "legacy_functions", True, []),
    ({}, "format", None, []),
    ({"response_format": {"type": "text"}}, "format", None, []),
    ({"response_format": {"type": "json_object"}}, "format", Format(None), []),
    ({"reasoning_effort": "high"}, "reasoning", "high", []),
    (
        {"reasoning_effort": "minimal"},
        "reasoning",
        "low",
        [("adapted", "reasoning_effort=minimal->low", "reasoning_effort")],
    ),
    ({"stop": None}, "stop", [], []),
    ({"stop": "END"}, "stop", ["END"], []),
    ({"n": None}, "n", 1, []),
    ({"n": 3}, "n", 3, []),
]


@pytest.mark.parametrize(("body", "name", "value", "told"), CARRIED)
def test_a_field_is_carried(body: dict[str, Any], name: str, value: Any, told: list[tuple[str, str, str]]) -> None:
    """Each field stands in the request, under whichever name it came; what was changed is told."""
    request, notes = read(**body)
    assert getattr(request, name) == value
    assert notes == told


# body, field that is named
WRONG: list[tuple[dict[str, Any], str]] = [
    *(
        ({name: value}, name)
        for name in ("max_tokens", "max_completion_tokens")
        for value in (-1, 1.5, "5", True, 1e30)
    ),
    ({"max_tokens": 5, "max_completion_tokens": -1}, "max_completion_tokens"),
    ({"max_tokens": -5, "max_completion_tokens": 1}, "max_tokens"),
    ({"temperature": "abc"}, "temperature"),
    ({"temperature": -0.1}, "temperature"),
    ({"temperature": True}, "temperature"),
    ({"top_p": 1.1}, "top_p"),
    ({"top_p": []}, "top_p"),
    ({"stream": "true"}, "stream"),
    ({"stream": 1}, "stream"),
    ({"stream_options": True}, "stream_options"),
    ({"stream_options": []}, "stream_options"),
    ({"stream": True, "stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"),
    ({"extra_body": [1]}, "extra_body"),
    ({"model": ""}, "model"),
    ({"model": "  "}, "model"),
    ({"model": 5}, "model"),
    ({"model": ["GigaChat"]}, "model"),
    ({"model": "openai/"}, "model"),
    ({"model": ":1.0"}, "model"),
    ({"model": "m" * 257}, "model"),
    ({"messages": "Hi"}, "messages"),
    ({"tools": {}}, "tools"),
    ({"tools": [{"type": "function", "function": {"name": "f", "parameters": "{}"}}]}, "tools[0].function.parameters"),
    ({"functions": [5]}, "functions[0]"),
    ({"tools": TOOLS, "tool_choice": "f"}, "tool_choice"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"function_call": {"name": "f"}}, "function_call"),
    ({"parallel_tool_calls": "no"}, "parallel_tool_calls"),
    ({"response_format": "json"}, "response_format"),
    ({"response_format": {"type": "json_schema", "json_schema": {"schema": []}}}, "response_format.json_schema.schema"),
    ({"reasoning_effort": "hard"}, "reasoning_effort"),
    ({"stop": [5]}, "stop[0]"),
    ({"n": 5}, "n"),
]


@pytest.mark.parametrize(("body", "param"), WRONG)
def test_a_wrong_field_is_named(body: dict[str, Any], param: str) -> None:
    """A client's mistake is a 400 that names the field."""
    with pytest.raises(GatewayError) as caught:
        read(**body)
    assert (caught.value.row.code, caught.value.param) == ("invalid_value", param)


@pytest.mark.parametrize("body", [{}, {"model": "GigaChat"}, {"model": "GigaChat", "messages": None}])
def test_messages_are_required(body: dict[str, Any]) -> None:
    """A body without messages is told so."""
    with pytest.raises(GatewayError) as caught:
        chat.read(body, NAMES)
    assert (caught.value.row.code, caught.value.param) == ("missing_required_parameter", "messages")


def test_no_model_is_the_configured_one() -> None:
    """A body without a model goes to the configured one, and that is told."""
    request, notes = chat.read({"messages": HELLO}, NAMES)
    assert (request.model, notes) == ("GigaChat", [Note("adapted", "model=default", "model")])


def test_reading_leaves_the_body_alone() -> None:
    """The client's body is not changed, `extra_body` or not."""
    body = {"messages": HELLO, "extra_body": {"flags": ["a"]}, "foo": 1}
    before = orjson.dumps(body)
    chat.read(body, NAMES)
    assert orjson.dumps(body) == before


def test_hostile_bodies_take_linear_time() -> None:
    """Messages, parts, 9,000 unknown keys and 10 MB of text cost what their size costs, and no more."""
    parts = [{"type": "text", "text": "слово"}] * 2
    body: dict[str, Any] = {f"key{number}": number for number in range(9_000)}
    body["messages"] = [{"role": "user", "content": parts, "name": "n", "x": 1}] * 19_999
    body["messages"].append({"role": "user", "content": "я" * 5_000_000})
    started = time.process_time()
    _, notes = chat.read(body, NAMES)
    assert len(notes) == 48_999
    assert time.process_time() - started < 5  # under coverage; squared it would be minutes


def test_every_carried_field_is_read() -> None:
    """No row of the table is carried by nobody: a value that can't be is refused for each."""
    for name in (*tools.FIELDS, *formats.FIELDS):
        assert PARAMETERS[name].fate == "carried"
        with pytest.raises(GatewayError) as caught:
            read(**{name: 5.5})
        assert caught.value.param == name


WORDS = ["type", "function", "name", "f", "g", "tools", "mode", "auto", "required", "allowed_tools", "parameters", "id"]
WORDS += ["json_schema", "schema", "custom", "input", "arguments", "text", "role", "assistant", "tool", "content"]
WORDS += ["tool_calls", "tool_call_id", "function_call", "strict", "description", "user", "stop", "{}", "", "null"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(st.sampled_from(["messages", *tools.FIELDS, *formats.FIELDS]), ANYTHING, max_size=4))
def test_nothing_but_a_refusal_comes_of_any_json(body: dict[str, Any]) -> None:
    """Whatever a client sends is read or is a 400 that names one of its fields."""
    refused: GatewayError | None = None
    try:
        read(**body)
    except GatewayError as error:
        refused = error
    if refused is not None:
        assert refused.row.status == 400
        assert str(refused.param).split("[")[0].split(".")[0] in {*body, "messages"}
