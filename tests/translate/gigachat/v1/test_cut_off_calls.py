"""A call that `max_tokens` cut off: the answer is cut off, and says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app import sse
from app.translate.dialogue import Answer, Delta, End, Format, Request, Sampling, Text, Tool
from app.translate.gigachat.v1 import chat_answer
from app.translate.gigachat.v1.calls import CallReader
from app.translate.gigachat.v1.stream_reader import StreamReader

TOOL = Tool("f", None, {"type": "object"}, "tools[0]")
FORMAT = Format({"type": "object", "properties": {"a": {"type": "string"}}})


@pytest.mark.parametrize("as_function", [False, True])
@pytest.mark.parametrize("text", ["", "Минуту."])
@pytest.mark.parametrize("arguments", ['{"a": 1', '{"a": "б', [1]])
def test_it_is_no_call_and_no_failure(arguments: Any, text: str, as_function: bool) -> None:
    """The same request would be cut off again: an error that asks for another try would only be paid for."""
    delta = {"content": text, "function_call": {"name": "answer" if as_function else "f", "arguments": arguments}}
    calls = CallReader(Request("m", [], Sampling(), tools=[TOOL], format=FORMAT), "s", as_function=as_function)
    apart: list[dict[str, Any]] = [{"delta": delta}, {"delta": {}, "finish_reason": "length"}]
    for choices in ([{"delta": delta, "finish_reason": "length"}], apart):
        reader = StreamReader(calls)
        data = b"".join(sse.encode(json.dumps({"choices": [choice]}).encode()) for choice in choices)
        events = [*reader.feed(data + sse.encode(sse.DONE)), *reader.finish()]
        assert [event.part for event in events if isinstance(event, Delta)] == ([Text(text)] if text else [])
        assert events[-1] == End("length", "length", None)
    body = {"choices": [{"message": delta, "finish_reason": "length"}]}
    whole = chat_answer.read(json.dumps(body).encode(), calls)
    assert isinstance(whole, Answer)
    assert (whole.parts, whole.finish) == ([Text(text)], "length")
