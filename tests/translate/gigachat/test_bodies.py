"""What whole answers and chunks have in common."""

from __future__ import annotations

import pytest

from app.translate.dialogue import Finish
from app.translate.gigachat import bodies

# GigaChat's word, with a call, without one
FINISHES: list[tuple[object, Finish, Finish]] = [
    ("stop", "tool_calls", "stop"),
    ("function_call", "tool_calls", "stop"),
    ("length", "tool_calls", "length"),
    ("blacklist", "content_filter", "content_filter"),
    ("eos", "tool_calls", "stop"),
    (None, "tool_calls", "stop"),
    ({}, "tool_calls", "stop"),
]


@pytest.mark.parametrize(("raw", "called", "plain"), FINISHES)
def test_a_call_decides_how_an_answer_ended(raw: object, called: Finish, plain: Finish) -> None:
    """A call wants to be answered whatever GigaChat says beside it; without one there is nothing to answer."""
    assert bodies.finished(bodies.finish(raw), called=True) == called
    assert bodies.finished(bodies.finish(raw), called=False) == plain


@pytest.mark.parametrize("body", [None, [], {}, {"choices": []}, {"choices": [1]}, {"choices": {"0": {}}}])
def test_no_choice_is_none(body: object) -> None:
    """What has no choice is no answer."""
    assert bodies.first_choice(body) is None


def test_what_is_no_json_is_nothing() -> None:
    """Halves of characters are taken, the rest is not."""
    assert bodies.parsed(b'{"a": "\\ud83d"}') == {"a": "\ud83d"}
    assert bodies.parsed(b"<html>") is None
    assert bodies.parsed(b"[" * 100_000) is None
    assert (bodies.word("\ud83d"), bodies.word(5), bodies.count("x"), bodies.count(-1)) == ("\ufffd", "", 0, 0)
