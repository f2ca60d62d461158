"""OpenAI's chat requests read, whole answers written."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest
from openai.types.chat import ChatCompletion

from app.errors import GatewayError
from app.translate.dialogue import Answer, Note, Part, Refusal, Request, Sampling, Text, Thought, Usage
from app.translate.models import ModelNames
from app.translate.openai import chat

NAMES = ModelNames("GigaChat", "Embeddings")
HELLO = [{"role": "user", "content": "a"}]


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
    ({"max_tokens": 5, "max_completion_tokens": 7, "max_output_tokens": 9}, "max_tokens", 7, []),
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
    ({"extra_body": {"profanity_check": True}, "profanity_check": False}, "extra", {"profanity_check": False}, []),
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
    """20,000 messages of parts, 20,000 unknown keys and 10 MB of text cost what their size costs, and no more."""
    parts = [{"type": "text", "text": "слово"}] * 2
    body: dict[str, Any] = {f"key{number}": number for number in range(20_000)}
    body["messages"] = [{"role": "user", "content": parts, "name": "n", "x": 1}] * 20_000
    body["messages"].append({"role": "user", "content": "я" * 5_000_000})
    started = time.process_time()
    _, notes = chat.read(body, NAMES)
    assert len(notes) == 60_001
    assert time.process_time() - started < 5  # under coverage; squared it would be minutes


USAGE = Usage(38, 4, 42, 37, {})

# parts, finish, the message beside its role, finish_reason
ANSWERS: list[tuple[list[Part], Any, dict[str, Any]]] = [
    ([Text("Привет")], "stop", {"content": "Привет", "refusal": None}),
    ([Text("a"), Text("b")], "length", {"content": "ab", "refusal": None}),
    ([Thought("t"), Text("a")], "stop", {"content": "a", "refusal": None, "reasoning_content": "t"}),
    ([Text("Не люблю.")], "content_filter", {"content": "Не люблю.", "refusal": None}),
    ([Refusal("No.")], "stop", {"content": "No.", "refusal": None}),
    ([Text("")], "stop", {"content": "", "refusal": None}),
]


@pytest.mark.parametrize(("parts", "finish", "message"), ANSWERS)
def test_an_answer_is_written(parts: list[Part], finish: Any, message: dict[str, Any]) -> None:
    """OpenAI's object, which the `openai` package types strictly, in UTF-8."""
    body = chat.write(Answer("GigaChat:2.0", 7, parts, finish, None, USAGE), "chatcmpl-1")
    assert body == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 7,
        "model": "GigaChat:2.0",
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}],
        "system_fingerprint": chat.fingerprint("GigaChat:2.0"),
        "usage": {
            "prompt_tokens": 38,
            "completion_tokens": 4,
            "total_tokens": 42,
            "prompt_tokens_details": {"cached_tokens": 37},
        },
    }
    ChatCompletion.model_validate(body, strict=True)
    assert "\\u04" not in orjson.dumps(body).decode()


def test_unknown_counts_are_not_invented() -> None:
    """No usage from GigaChat: none for the client; no cached count: no details."""
    assert "usage" not in chat.write(Answer("m", 7, [Text("a")], "stop", None, None), "1")
    assert chat.usage(Usage(1, 2, 3, None, {})) == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def test_a_fingerprint_is_of_the_build() -> None:
    """The same build has the same fingerprint, another one another; many builds grow nothing."""
    first = chat.fingerprint("GigaChat:2.0.28.2")
    assert first.startswith("fp_")
    assert len({chat.fingerprint(f"GigaChat:{number}") for number in range(600)}) == 600
    assert chat.fingerprint("GigaChat:2.0.28.2") == first
