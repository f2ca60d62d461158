"""A stream's events put together again."""

from __future__ import annotations

import time

import pytest

from app.translate.dialogue import Answer, Begin, Call, Delta, End, Event, Part, Text, Thought, Usage
from app.translate.joining import Joiner

CALL = Call("1", "f", {})
USAGE = Usage(1, 2, 3, None, {})
EVENTS: list[Event] = [
    Begin("m", 7, 2),
    Delta(2, Thought("h")),
    Delta(2, Thought("m")),
    Delta(2, Text("a\r\n")),
    Delta(2, Text("\n🚀")),
    Delta(2, CALL),
    Delta(2, Text("b")),
    End("calls", "function_call", USAGE, 2),
]


def joined(*batches: list[Event]) -> Joiner:
    """A joiner that has taken these."""
    joiner = Joiner()
    for events in batches:
        joiner.feed(events)
    return joiner


def test_neighbours_of_one_kind_are_one() -> None:
    """Words are kept as they are, and everything has its order and its choice."""
    parts: list[Part] = [Thought("hm"), Text("a\r\n\n🚀"), CALL, Text("b")]
    assert joined(EVENTS).events() == [EVENTS[0], *(Delta(2, part) for part in parts), EVENTS[-1]]
    assert joined(*([event] for event in EVENTS)).answer() == Answer("m", 7, parts, "calls", "function_call", USAGE)


def test_what_is_not_whole_is_given_as_far_as_it_came() -> None:
    """A beginning has no end yet; nothing is an answer without words."""
    assert joined(EVENTS[:2]).events() == EVENTS[:2]
    assert joined([]).events() == []
    assert joined([]).answer() == Answer("", 0, [], "stop", None, None)


def test_the_stop_sequence_goes_along() -> None:
    """A protocol may tell which one it was."""
    assert joined([Begin("m", 7), End("stop", "stop", USAGE, 0, "END")]).answer().stop_sequence == "END"


@pytest.mark.long
def test_linear_time() -> None:
    """A million pieces take a second or two, not minutes."""
    began = time.process_time()
    piece: list[Event] = [Delta(0, Text("и"))] * 1000
    assert joined(*[piece] * 1000).answer().parts == [Text("и" * 1_000_000)]
    assert time.process_time() - began < 5
