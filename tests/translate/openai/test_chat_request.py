"""OpenAI's chat requests, read."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import GatewayError
from app.translate.dialogue import Answer, Begin, Call, Choice, Delta, End, Format, Note, Request, Sampling, Tool, Usage
from app.translate.models import ModelNames
from app.translate.openai import chat_request, formats, tools
from app.translate.openai.parameters import PARAMETERS
from tests.dropped import DROPPED, DROPPED_NAME
from tests.examples import examples

NAMES = ModelNames("GigaChat", "Embeddings")
HELLO = [{"role": "user", "content": "a"}]
TOOLS = [{"type": "function", "function": {"name": "f"}}]


def read(**body: Any) -> tuple[Request, list[tuple[str, str, str]]]:
    """The request and its notes as tuples; one user message to a named model unless told otherwise."""
    found = chat_request.read({"model": "GigaChat", "messages": HELLO, **body}, NAMES)
    return found.request, [(note.kind, note.rule, note.path) for note in found.notes]


# field, value, attribute of the request, its value, notes
CARRIED: list[tuple[dict[str, Any], str, Any, list[tuple[str, str, str]]]] = [
    ({}, "max_tokens", None, []),
    ({}, "fields", chat_request.FIELDS, []),
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
    ({"max_tokens": -1}, "max_tokens", None, [("adapted", "max_tokens=-1->unlimited", "max_tokens")]),
    ({"max_tokens": -1.0}, "max_tokens", None, [("adapted", "max_tokens=-1->unlimited", "max_tokens")]),
    ({"max_tokens": 4096.0}, "max_tokens", 4096, []),
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
        {"extra_body": {"flags": None, "extra_body": DROPPED}, "flags": ["a"]},
        "extra",
        {"flags": ["a"]},
        [("dropped", "extra_body", "extra_body.extra_body")],
    ),
    ({"extra_body": {"top_p": 0.5}}, "sampling", Sampling(None, 0.5), []),
    ({"extra_body": DROPPED}, "extra", {}, [("dropped", DROPPED_NAME, DROPPED_NAME)]),
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
    ({"model": None}, "model", "GigaChat", [("equivalent", "model=default", "model")]),
    ({"model": "GigaChat-2-Max"}, "model", "GigaChat-2-Max", []),
    ({}, "tools", [], []),
    ({"tools": TOOLS}, "tools", [Tool("f", None, None, "tools[0].function")], []),
    ({"tools": TOOLS, "tool_choice": "required"}, "choice", Choice("required"), []),
    ({"extra_body": {"tools": TOOLS}, "tool_choice": "none"}, "choice", Choice("none"), []),
    ({"functions": [{"name": "f"}]}, "tools", [Tool("f", None, None, "functions[0]")], []),
    ({"functions": [{"name": "f"}], "function_call": {"name": "f"}}, "choice", Choice("named", "f"), []),
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


# body, whether a stream ends with the usage, whether answers have `function_call`
WRITTEN: list[tuple[dict[str, Any], bool, bool]] = [
    ({}, False, False),
    ({"stream": True, "stream_options": {"include_usage": True}}, True, False),
    ({"stream": True, "stream_options": {"include_usage": None}}, False, False),
    ({"stream": True, "stream_options": {}}, False, False),
    ({"stream": True, "stream_options": None}, False, False),
    ({"tools": TOOLS}, False, False),
    ({"functions": [{"name": "f"}]}, False, True),
    ({"tools": TOOLS, "functions": [{"name": "f"}]}, False, False),
]


@pytest.mark.parametrize(("body", "include_usage", "legacy"), WRITTEN)
def test_a_request_knows_how_its_answers_are_written(body: dict[str, Any], include_usage: bool, legacy: bool) -> None:
    """What no other protocol asks for stays on OpenAI's side, and shows in whole answers and in streams."""
    found = chat_request.read({"model": "GigaChat", "messages": HELLO, **body}, NAMES)
    usage = Usage(1, 2, 3, None, {})
    call = Call("1", "f", {})
    (choice,) = found.write([Answer("m", 7, [call], "calls", None, usage)], "id")["choices"]
    assert ("function_call" in choice["message"]) == legacy
    writer = found.stream_writer("id")
    data = writer.feed([Begin("m", 7), Delta(0, call), End("calls", None, usage)]) + writer.finish()
    assert (b'"total_tokens":3' in data) == include_usage
    assert (b'"function_call"' in data) == legacy


# body, field that is named
WRONG: list[tuple[dict[str, Any], str]] = [
    *(
        ({name: value}, name)
        for name in ("max_tokens", "max_completion_tokens")
        for value in (-2, -1.5, 1.5, "5", True, 1e30)
    ),
    ({"max_tokens": 5, "max_completion_tokens": -2}, "max_completion_tokens"),
    ({"max_tokens": -5, "max_completion_tokens": 1}, "max_tokens"),
    ({"temperature": "abc"}, "temperature"),
    ({"temperature": -0.1}, "temperature"),
    ({"temperature": True}, "temperature"),
    ({"top_p": 1.1}, "top_p"),
    ({"top_p": []}, "top_p"),
    ({"stream": "true"}, "stream"),
    ({"stream": 1}, "stream"),
    ({"stream_options": True}, "stream_options"),
    ({"stream_options": [1]}, "stream_options"),
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
    ({"tools": [{"type": "function", "function": {"name": "f", "parameters": "{"}}]}, "tools[0].function.parameters"),
    ({"functions": [5]}, "functions[0]"),
    ({"tools": TOOLS, "tool_choice": "x"}, "tool_choice"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"function_call": {"name": "f"}}, "function_call"),
    ({"parallel_tool_calls": "no"}, "parallel_tool_calls"),
    ({"response_format": "json"}, "response_format"),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"schema": [1]}}},
        "response_format.json_schema.schema",
    ),
    ({"reasoning_effort": "hard"}, "reasoning_effort"),
    ({"stop": [5]}, "stop[0]"),
    ({"n": 5}, "n"),
]


@pytest.mark.parametrize(("body", "param"), WRONG)
def test_a_wrong_field_is_named(body: dict[str, Any], param: str) -> None:
    """A client's mistake is a 400 that names the field."""
    with pytest.raises(GatewayError) as caught:
        read(**body)
    assert (caught.value.kind.name, caught.value.param) == ("invalid_value", param)


@pytest.mark.parametrize("body", [{}, {"model": "GigaChat"}, {"model": "GigaChat", "messages": None}])
def test_messages_are_required(body: dict[str, Any]) -> None:
    """A body without messages is told so."""
    with pytest.raises(GatewayError) as caught:
        chat_request.read(body, NAMES)
    assert (caught.value.kind.name, caught.value.param) == ("missing_required_parameter", "messages")


def test_no_model_is_the_configured_one() -> None:
    """A body without a model goes to the configured one, and that is told."""
    found = chat_request.read({"messages": HELLO}, NAMES)
    assert (found.request.model, found.notes) == ("GigaChat", [Note("equivalent", "model=default", "model")])


def test_reading_leaves_the_body_alone() -> None:
    """The client's body is not changed, `extra_body` or not."""
    body = {"messages": HELLO, "extra_body": {"flags": ["a"]}, "foo": 1}
    before = orjson.dumps(body)
    chat_request.read(body, NAMES)
    assert orjson.dumps(body) == before


@pytest.mark.long
def test_hostile_bodies_take_linear_time() -> None:
    """Messages, parts, 9,000 unknown keys and 10 MB of text cost what their size costs, and no more."""
    parts = [{"type": "text", "text": "слово"}] * 2
    body: dict[str, Any] = {f"key{number}": number for number in range(9_000)}
    body["messages"] = [{"role": "user", "content": parts, "name": "n", "x": 1}] * 19_999
    body["messages"].append({"role": "user", "content": "я" * 5_000_000})
    started = time.process_time()
    notes = chat_request.read(body, NAMES).notes
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


@examples(max_examples=500)
@given(st.dictionaries(st.sampled_from(["messages", *tools.FIELDS, *formats.FIELDS]), ANYTHING, max_size=4))
def test_nothing_but_a_refusal_comes_of_any_json(body: dict[str, Any]) -> None:
    """Whatever a client sends is read or is a 400 that names one of its fields."""
    refused: GatewayError | None = None
    try:
        read(**body)
    except GatewayError as error:
        refused = error
    if refused is not None:
        assert refused.kind.status == 400
        assert str(refused.param).split("[")[0].split(".")[0] in {*body, "messages"}
