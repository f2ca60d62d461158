"""JSON in a stream of events, without the words and the fence around it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.exchange.json_filter import keep_json
from app.translate.dialogue import Begin, Call, Delta, End, Event, Text, Thought
from app.translate.json_extraction import JsonExtractor

BEGIN, END, CALL = Begin("m", 1), End("stop", None, None), Delta(0, Call("1", "f", {}))


async def batches(*given: Event) -> AsyncIterator[list[Event]]:
    """A batch for each event."""
    for event in given:
        yield [event]


def said(*words: str) -> list[Event]:
    """Pieces of text."""
    return [Delta(0, Text(one)) for one in words]


# name -> events, what goes out between the beginning and the end, whether words were left out
ROWS: dict[str, tuple[list[Event], list[Event], bool]] = {
    "JSON": (said('{"a"', ": 1}"), said('{"a"', ": 1}"), False),
    "a fence": (said("Sure:\n```json\n{", '"a": 1}\n```'), said('{"a": 1}'), True),
    "line ends": (said('{"a": "x\ny', '\t"}'), said('{"a": "x\\ny', '\\t"}'), False),
    "prose": (said("I can", "not [1]"), said("I cannot [1]"), False),
    "a phrase and a call": ([*said("Just a", " minute."), CALL], [*said("Just a minute."), CALL], False),
    "words behind JSON": (said('{"a": 1}', " That is all {}."), said('{"a": 1}'), False),
    "a thought": ([*said("x"), Delta(0, Thought("hm")), *said("y")], [Delta(0, Thought("hm")), *said("xy")], False),
    "nothing": ([], [], False),
}


@pytest.mark.parametrize(("events", "out", "tells"), ROWS.values(), ids=ROWS)
async def test_only_the_json_of_the_text_goes_out(events: list[Event], out: list[Event], tells: bool) -> None:
    """A text without any stays, and so do words before a call; other events pass."""
    told: list[bool] = []
    kept = keep_json(batches(BEGIN, *events, END), JsonExtractor(), lambda: told.append(True))
    assert [event async for some in kept for event in some] == [BEGIN, *out, END]
    assert told == [True] * tells


async def test_a_long_text_lets_others_have_their_turn() -> None:
    """It is looked through in parts."""
    text = '{"a": "' + "x" * 500_000 + '"}'
    kept = keep_json(batches(*said(text)), JsonExtractor())
    assert [event async for some in kept for event in some] == said(text)
