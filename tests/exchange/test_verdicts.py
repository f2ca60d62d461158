"""What an answer is, and when a stream has told enough of it."""

from __future__ import annotations

import pytest

from app.exchange.verdicts import Opening, see
from app.translate.dialogue import Call, Delta, Event, Finish, Format, Text, Thought
from app.translate.wanted_json import Verdict, WantedJson, wanted_json

OBJECT = wanted_json(Format({"type": "object"}))
NUMBER = wanted_json(Format({"type": "integer"}))
CALL: list[Event] = [Delta(0, Call("1", "f", {}))]

# text, finish, cut at a stop sequence, verdict, JSON
SEEN: list[tuple[str, Finish | None, bool, Verdict, str]] = [
    ('{"a": 1}', "stop", False, "json", '{"a": 1}'),
    ('Вот: {"a": 1}', "stop", False, "json", '{"a": 1}'),
    ('{"a": 1', "stop", False, "broken", '{"a": 1'),
    ('```json\n{"a": 1', "length", False, "json", '{"a": 1'),
    ('{"a": ', None, False, "json", '{"a": '),
    ("[1, 2", None, False, "broken", "[1, 2"),
    ("Sure!", None, False, "prose", "Sure!"),
    ("Sure!", "stop", True, "prose", "Sure!"),
    ('{"a": "x', "stop", True, "json", '{"a": "x'),
    ('{"a": "' + "x" * 100_000 + '"}', "stop", False, "json", '{"a": "' + "x" * 100_000 + '"}'),
]


@pytest.mark.parametrize(("text", "finish", "is_cut", "verdict", "json"), SEEN)
async def test_what_a_text_is(text: str, finish: Finish | None, is_cut: bool, verdict: Verdict, json: str) -> None:
    """Of a whole one all is looked at; of one that goes on, or was cut, how it begins."""
    seen = await see([Thought("hm"), Text(text)], finish, OBJECT, is_cut=is_cut)
    assert (seen.verdict, seen.json, seen.has_call) == (verdict, json, False)


async def test_a_text_where_nothing_is_wanted() -> None:
    """It is not looked at."""
    assert (await see([Text("x")], "stop", None)).verdict is None


# what is wanted, whether a call may follow, pieces, after which of them it is decided (None: only at the end)
OPENINGS: list[tuple[WantedJson | None, bool, list[str], int | None]] = [
    (OBJECT, False, [" ", "{", '"a"'], 2),
    (OBJECT, False, ["``", "`json\n", "{", '\n"a"'], 3),
    (OBJECT, False, ["Вот: ", '{"a"'], 1),
    (OBJECT, False, ["слово " * 20] * 5, 2),
    (OBJECT, False, ["[", "1"], 1),
    (OBJECT, True, ["слово " * 20] * 5, None),
    (OBJECT, True, ["[", "1"], None),
    (OBJECT, True, ["Минуту. ", "{", '"a"'], 2),
    (NUMBER, False, ["1", "2"], None),
    (None, True, ["words"], None),
]


@pytest.mark.parametrize(("wanted", "waits", "pieces", "at"), OPENINGS)
def test_when_enough_has_come(wanted: WantedJson | None, waits: bool, pieces: list[str], at: int | None) -> None:
    """JSON's beginning, or words that come to none; where a call may follow words decide nothing."""
    opening = Opening(wanted, waits_for_call=waits, needs_end=False)
    decided = [opening.is_decided([Delta(0, Text(piece))]) for piece in pieces]
    assert decided == [number == at for number in range(len(pieces))][: len(decided)] or decided.index(True) == at
    assert opening.is_decided(CALL)
    assert not opening.is_decided([Delta(0, Thought('{"a"'))]) or at is not None


def test_what_needs_the_end() -> None:
    """Not even a call decides."""
    assert not Opening(None, waits_for_call=True, needs_end=True).is_decided(CALL)
