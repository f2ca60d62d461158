"""Which result belongs to which call."""

from __future__ import annotations

import time

import pytest

from app.translate.dialogue import Call, Result, Role, Turn
from app.translate.pairing import Pairs

# Turns in short: "a" begins the assistant's, "u" a user's; c:ID:NAME is a call, r:ID:NAME a result.
# -> for each call the position of its result among all results, or None; the places that were guessed
PAIRS: dict[str, tuple[str, list[int | None], list[int]]] = {
    "by id": ("a c:1:f c:2:g | t r:2: | t r:1:", [1, 0], []),
    "an id twice in a round": ("a c:1:f c:1:f | t r:1: | t r:1:", [0, 1], []),
    "an id again later": ("a c:1:f | t r:1: | a c:1:f | t r:1:", [0, 1], []),
    "an earlier round gets none any more": ("a c:1:f | a2 | u | a c:1:f | t r:1:", [None, 0], []),
    "far behind its call": ("a c:1:f | u | a | t r:1:", [0], []),
    "before its call": ("t r:1: | a c:1:f", [None], []),
    "two for one call": ("a c:1:f | t r:1: | t r:1:", [0], []),
    "an unknown id": ("a c:1:f | t r:9:", [None], []),
    "the older form": ("a c::f | t r::f | a c::f | t r::f", [0, 1], []),
    "the older form, by name": ("a c::f | a c::g | t r::g | t r::f", [1, 0], []),
    "the older form, another name": ("a c::f | t r::g", [None], []),
    "no ids, by order": ("a c::f c::g | t r:: | t r::", [0, 1], [1, 2]),
    "no id of the result": ("a c:1:f c:2:g | t r:: | t r::", [0, 1], [1, 2]),
    "no id of one result": ("a c:1:f c:2:g | t r:: | t r:1:", [1, 0], [1]),
    "no id of the result, its name": ("a c:1:f c:2:g | t r::g | t r::f", [1, 0], [1, 2]),
    "no id of the call": ("a c::f | t r:7:", [0], [1]),
    "no id of one call": ("a c:1:f c::g | t r:7: | t r:1:", [1, 0], [1]),
    "never across rounds": ("a c::f | u | a | t r::", [None], []),
    "a call without a name": ("a c:1: c:2:g | t r:1: | t r:2:", [0, 1], []),
    "a call with nothing": ("a c:: c::g | t r::f | t r::g", [0, 1], []),
    "more results than calls": ("a c::f | t r:: | t r::", [0], [1]),
    "inside the assistant's turn": ("a c:1:f r:1:", [0], []),
    "in a user's turn": ("a c:1:f | u r:1:", [0], []),
}
ROLES: dict[str, Role] = {"a": "assistant", "u": "user", "t": "tool"}


def build(short: str) -> list[Turn]:
    """The turns."""
    turns = []
    for index, text in enumerate(short.split(" | ")):
        role, *words = text.split()
        parts: list[Call | Result] = []
        for word in words:
            kind, number, name = word.split(":")
            parts.append(Call(number, name, {}) if kind == "c" else Result(number, name or None, []))
        turns.append(Turn(ROLES[role[0]], [*parts], str(index)))
    return turns


@pytest.mark.parametrize(("short", "found", "guessed"), PAIRS.values(), ids=PAIRS)
def test_pairs(short: str, found: list[int | None], guessed: list[int]) -> None:
    """Each result belongs to one call at most."""
    turns = build(short)
    calls = [part for turn in turns for part in turn.parts if isinstance(part, Call)]
    results = [part for turn in turns for part in turn.parts if isinstance(part, Result)]
    pairs = Pairs(turns)
    order = {id(result): index for index, result in enumerate(results)}
    got = [order[id(pairs.results[id(call)])] if id(call) in pairs.results else None for call in calls]
    assert got == found
    assert pairs.guessed == [str(index) for index in guessed]
    assert pairs.used == {id(result) for result in pairs.results.values()}


@pytest.mark.parametrize(("call", "result"), [("c::f", "r::f"), ("c::f", "r::"), ("c:1:f", "r::"), ("c::f", "r:1:")])
@pytest.mark.parametrize("rounds", [1, 5_000])
def test_many_take_linear_time(call: str, result: str, rounds: int) -> None:
    """In one round or in thousands."""
    each = 10_000 // rounds
    turns = build(" | ".join([f"a {' '.join([call] * each)} | " + " | ".join([f"t {result}"] * each)] * rounds))
    started = time.process_time()
    pairs = Pairs(turns)
    assert len(pairs.used) == 10_000
    assert time.process_time() - started < 1
