"""Whole answers, written for OpenAI's clients."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from openai.types.chat import ChatCompletion

from app.translate.dialogue import Answer, Call, Finish, Part, Text, Thought, Usage
from app.translate.openai import chat_answer

USAGE = Usage(38, 4, 42, 37, {})
WORDS = {"stop": "stop", "length": "length", "calls": "tool_calls", "filtered": "content_filter"}

# parts, finish, the message beside its role
ANSWERS: list[tuple[list[Part], Any, dict[str, Any]]] = [
    ([Text("Привет")], "stop", {"content": "Привет", "refusal": None}),
    ([Text("a"), Text("b")], "length", {"content": "ab", "refusal": None}),
    ([Thought("t"), Text("a")], "stop", {"content": "a", "refusal": None, "reasoning_content": "t"}),
    ([Text("Не люблю.")], "filtered", {"content": "Не люблю.", "refusal": None}),
    ([Text("No.")], "stop", {"content": "No.", "refusal": None}),
    ([Text("")], "stop", {"content": "", "refusal": None}),
]


@pytest.mark.parametrize(("parts", "finish", "message"), ANSWERS)
def test_an_answer_is_written(parts: list[Part], finish: Any, message: dict[str, Any]) -> None:
    """OpenAI's object, which the `openai` package types strictly, in UTF-8."""
    body = chat_answer.write([Answer("GigaChat:2.0", 7, parts, finish, None, USAGE)], "chatcmpl-1")
    assert body == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 7,
        "model": "GigaChat:2.0",
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": WORDS[finish]}],
        "system_fingerprint": chat_answer.fingerprint("GigaChat:2.0"),
        "usage": {
            "prompt_tokens": 38,
            "completion_tokens": 4,
            "total_tokens": 42,
            "prompt_tokens_details": {"cached_tokens": 37},
        },
    }
    ChatCompletion.model_validate(body, strict=True)
    assert "\\u04" not in orjson.dumps(body).decode()


CALL = Call("c1", "погода", {"город": "Тула", "дни": 2})
FUNCTION = {"name": "погода", "arguments": '{"город":"Тула","дни":2}'}
WRITTEN = {"id": "c1", "type": "function", "function": FUNCTION}

# parts, the message beside its role, the message for an older client
CALLED: list[tuple[list[Part], dict[str, Any], dict[str, Any]]] = [
    ([CALL], {"content": None, "tool_calls": [WRITTEN]}, {"content": None, "function_call": FUNCTION}),
    ([Text(""), CALL], {"content": None, "tool_calls": [WRITTEN]}, {"content": None, "function_call": FUNCTION}),
    ([Text("a"), CALL], {"content": "a", "tool_calls": [WRITTEN]}, {"content": "a", "function_call": FUNCTION}),
    (
        [Thought("t"), CALL],
        {"content": None, "reasoning_content": "t", "tool_calls": [WRITTEN]},
        {"content": None, "reasoning_content": "t", "function_call": FUNCTION},
    ),
    (
        [CALL, Call("c2", "g", {})],
        {
            "content": None,
            "tool_calls": [WRITTEN, {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}}],
        },
        {"content": None, "function_call": FUNCTION},
    ),
]


@pytest.mark.parametrize(("parts", "message", "older"), CALLED)
def test_calls_are_written(parts: list[Part], message: dict[str, Any], older: dict[str, Any]) -> None:
    """Arguments are JSON in a string; no text beside calls is null; an older client gets `function_call`."""
    answer = Answer("GigaChat:2.0", 7, parts, "calls", "function_call", USAGE)
    for legacy, expected, finish in ((False, message, "tool_calls"), (True, older, "function_call")):
        body = chat_answer.write([answer], "chatcmpl-1", legacy=legacy)
        (choice,) = body["choices"]
        expected = {"role": "assistant", "refusal": None, **expected}
        assert choice == {"index": 0, "message": expected, "finish_reason": finish}
        ChatCompletion.model_validate(body, strict=True)
        assert "\\u04" not in orjson.dumps(body).decode()


def test_an_older_client_is_told_other_ends_as_all_are() -> None:
    """Only the end by a call has a word of its own in the older form."""
    ends: list[Finish] = ["stop", "length", "filtered"]
    for finish in ends:
        body = chat_answer.write([Answer("m", 7, [Text("a")], finish, None, None)], "1", legacy=True)
        assert body["choices"][0]["finish_reason"] == WORDS[finish]


def test_choices_are_numbered() -> None:
    """One choice for each answer, in order, under the head of the first."""
    answers = [
        Answer("m:1", 7, [Text("a")], "stop", None, USAGE),
        Answer("m:2", 8, [CALL], "calls", None, USAGE),
        Answer("m:1", 9, [Text("c")], "length", None, Usage(0, 0, 0, None, {})),
    ]
    body = chat_answer.write(answers, "1")
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]
    assert [choice["finish_reason"] for choice in body["choices"]] == ["stop", "tool_calls", "length"]
    assert (body["model"], body["created"]) == ("m:1", 7)
    details = {"prompt_tokens_details": {"cached_tokens": 74}}
    assert body["usage"] == {"prompt_tokens": 76, "completion_tokens": 8, "total_tokens": 84, **details}
    ChatCompletion.model_validate(body, strict=True)


# usages, their sum
SUMS: list[tuple[list[Usage | None], Usage | None]] = [
    ([], None),
    ([None, None], None),
    ([USAGE], USAGE),
    ([None, USAGE], None),
    ([Usage(1, 2, 3, None, {"a": 1}), Usage(4, 5, 9, None, {})], Usage(5, 7, 12, None, {})),
    ([Usage(1, 2, 3, 0, {}), Usage(4, 5, 9, None, {}), Usage(1, 1, 2, 1, {})], Usage(6, 8, 14, 1, {})),
]


@pytest.mark.parametrize(("usages", "whole"), SUMS)
def test_usage_is_summed(usages: list[Usage | None], whole: Usage | None) -> None:
    """Every choice is in it: what nobody counted is not invented, and a part does not pass for the whole."""
    assert chat_answer.total(usages) == whole


def test_unknown_counts_are_not_invented() -> None:
    """No usage from GigaChat: none for the client; no cached count: no details."""
    assert "usage" not in chat_answer.write([Answer("m", 7, [Text("a")], "stop", None, None)], "1")
    assert chat_answer.usage(Usage(1, 2, 3, None, {})) == {
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "total_tokens": 3,
    }


def test_a_fingerprint_is_of_the_build() -> None:
    """The same build has the same fingerprint, another one another; many builds grow nothing."""
    first = chat_answer.fingerprint("GigaChat:2.0.28.2")
    assert first.startswith("fp_")
    assert len({chat_answer.fingerprint(f"GigaChat:{number}") for number in range(600)}) == 600
    assert chat_answer.fingerprint("GigaChat:2.0.28.2") == first
