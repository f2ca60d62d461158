"""Slots: each wave of refusals halves them, each quiet minute gives one back."""

from __future__ import annotations

import pytest

from app.admission.slots import QUIET_SECONDS, Slots
from tests.admission.clock import Clock

MINUTE = QUIET_SECONDS

# The number that is set, then what happens: ("send",) takes the time, ("refuse", n) is a 429 to the n-th that was sent,
# ("pass", s) lets s seconds pass. -> the limit after each refusal and each pause.
WAVES: dict[str, tuple[int, list[tuple[str, float]], list[int]]] = {
    "one refusal": (10, [("send", 0), ("refuse", 0)], [5]),
    "one wave": (10, [("send", 0), ("send", 0), ("pass", 1), ("refuse", 0), ("refuse", 1)], [10, 5, 5]),
    "two waves": (
        10,
        [("send", 0), ("pass", 1), ("refuse", 0), ("pass", 1), ("send", 0), ("refuse", 1)],
        [10, 5, 5, 2],
    ),
    "a late refusal of the first wave": (
        10,
        [("send", 0), ("send", 0), ("pass", 1), ("refuse", 0), ("pass", 1), ("send", 0), ("refuse", 1), ("refuse", 2)],
        [10, 5, 5, 5, 2],
    ),
    "never below one": (
        3,
        [("send", 0), ("refuse", 0), ("pass", 1), ("send", 0), ("refuse", 1), ("pass", 1), ("send", 0), ("refuse", 2)],
        [1, 1, 1, 1, 1],
    ),
    "a person's one slot stays": (1, [("send", 0), ("refuse", 0), ("pass", MINUTE)], [1, 1]),
    "one comes back a minute": (
        8,
        [("send", 0), ("refuse", 0), ("pass", MINUTE - 1), ("pass", 1), ("pass", MINUTE)],
        [4, 4, 5, 6],
    ),
    "several at once, after several minutes": (8, [("send", 0), ("refuse", 0), ("pass", 3 * MINUTE)], [4, 7]),
    "never above what is set": (8, [("send", 0), ("refuse", 0), ("pass", 90 * MINUTE), ("pass", MINUTE)], [4, 8, 8]),
    "a refusal begins the minute anew": (
        8,
        [
            ("send", 0),
            ("send", 0),
            ("refuse", 0),
            ("pass", MINUTE - 1),
            ("refuse", 1),
            ("pass", 1),
            ("pass", MINUTE - 1),
        ],
        [4, 4, 4, 4, 5],
    ),
    "halved again after it has come back": (
        8,
        [("send", 0), ("refuse", 0), ("pass", 4 * MINUTE), ("send", 0), ("refuse", 1), ("pass", MINUTE)],
        [4, 8, 4, 5],
    ),
}


@pytest.mark.parametrize("name", WAVES)
def test_waves(name: str) -> None:
    """The limit follows GigaChat's refusals, by when the refused requests were sent."""
    most, steps, expected = WAVES[name]
    clock = Clock()
    slots, sent, limits = Slots(most, clock), [], []
    for what, value in steps:
        if what == "send":
            sent.append(clock.now)
            continue
        if what == "pass":
            clock.move(value)
        else:
            before = slots.limit
            assert slots.lower(sent[int(value)]) is (slots.limit != before)
        limits.append(slots.free)
    assert limits == expected
    assert slots.is_lowered is (slots.limit < most)


def test_more_are_under_way_than_the_limit() -> None:
    """What runs goes on when the limit falls; nothing starts before enough has ended."""
    clock = Clock()
    slots = Slots(4, clock)
    slots.in_use = 4
    slots.lower(clock.now)
    assert (slots.in_use, slots.limit, slots.free) == (4, 2, -2)
    slots.in_use -= 3
    assert slots.free == 1


def test_a_slot_that_was_never_lost_does_not_come_back() -> None:
    """Quiet hours before the first refusal are no credit."""
    clock = Clock()
    slots = Slots(4, clock)
    clock.move(100 * MINUTE)
    assert slots.free == 4
    slots.lower(clock.now)
    assert slots.free == 2


def test_when_a_slot_comes_back() -> None:
    """So long after the last refusal, or after the last one that came back; never while none is missing."""
    clock = Clock()
    slots = Slots(3, clock)
    seconds = [slots.regain_seconds]
    slots.lower(clock.now)
    for passed in (0.0, MINUTE + 20, MINUTE):
        clock.move(passed)
        seconds.append(slots.regain_seconds)
    assert seconds == [None, MINUTE, MINUTE - 20, None]


def test_refusals_of_the_last_slot_are_known() -> None:
    """It stays, so that the limit says nothing about them."""
    clock = Clock()
    slots = Slots(1, clock)
    assert not slots.is_refused
    slots.lower(clock.now)
    assert (slots.is_refused, slots.is_lowered) == (True, False)
    clock.move(MINUTE)
    assert not slots.is_refused
