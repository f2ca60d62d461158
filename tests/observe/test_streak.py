"""Requests that fail one after another, as operators hear of them."""

from __future__ import annotations

import itertools

import pytest

from app.observe.counters import Value
from app.observe.request_record import RequestRecord
from app.observe.streak import DOUBT_SECONDS, TRANSITIONS, Streak, StreakEvent, StreakState
from tests.records import make_record


class Clock:
    """Shows the time that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def made(clock: Clock | None = None) -> tuple[Streak, Value]:
    """A streak, and its gauge."""
    gauge = Value()
    return Streak(gauge, clock=clock or Clock()), gauge


def shown(gauge: Value) -> float:
    """The gauge's value."""
    return gauge.current()


def ended(error_type: str | None = None, *, bad: bool = True, detail: str | None = None) -> RequestRecord:
    """A request's end."""
    return make_record(error_type=error_type, slo_bad=bad and error_type is not None, detail=detail)


def test_only_a_served_request_ends_it() -> None:
    """Clients' own mistakes neither end nor lengthen it."""
    streak, gauge = made()
    for record in (ended("upstream_5xx"), ended("invalid_request", bad=False), ended("upstream_timeout")):
        streak.tell(record)
    assert (streak.count, shown(gauge)) == (2, 2)
    streak.tell(ended())
    assert (streak.count, shown(gauge), streak.worry()) == (0, 0, None)


@pytest.mark.parametrize(
    ("error_type", "enough"),
    [("upstream_402", 1), ("upstream_stop", 1), ("upstream_4xx", 1), ("upstream_5xx", 2), ("upstream_timeout", 2)],
)
def test_what_worries(error_type: str, enough: int) -> None:
    """A refusal that will meet all requests worries at once, any other failure with the second."""
    streak, _ = made()
    for number in range(1, 4):
        streak.tell(ended(error_type, detail="GigaChat answered 418"))
        worry = streak.worry()
        assert (worry is not None) is (number >= enough)
    assert worry is not None
    assert worry.startswith("requests fail: 3 in a row, the last one 0 s ago (GigaChat answered 418)")


def test_its_cause_is_seen_to_end() -> None:
    """GigaChat is back, or there is a token: nothing worries, though no request has come yet."""
    streak, gauge = made()
    for _ in range(3):
        streak.tell(ended("upstream_connect"))
    streak.end_cause("no_token")
    assert (shown(gauge), streak.worry() is None) == (3, False)
    streak.end_cause("upstream_connect")
    assert (shown(gauge), streak.worry()) == (0, None)


def test_a_cause_that_had_not_ended() -> None:
    """A request that fails soon all the same goes on with the streak, and no such word is believed again."""
    clock = Clock()
    streak, gauge = made(clock)
    for number in range(1, 4):
        streak.tell(ended("upstream_connect"))
        assert shown(gauge) == number
        streak.end_cause("upstream_connect")
        assert shown(gauge) == (0 if number == 1 else number)
        clock.now += DOUBT_SECONDS
    assert (streak.state, streak.worry() is None) == (StreakState.DOUBTED, False)
    streak.tell(ended())
    streak.tell(ended("upstream_connect"))
    streak.end_cause("upstream_connect")
    assert shown(gauge) == 0


def test_a_failure_long_after_the_cause_had_ended() -> None:
    """It begins a streak of its own, whose end is believed as well."""
    clock = Clock()
    streak, gauge = made(clock)
    for _ in range(3):
        streak.tell(ended("upstream_connect"))
    streak.end_cause("upstream_connect")
    clock.now += DOUBT_SECONDS + 1
    streak.tell(ended("upstream_connect"))
    assert (shown(gauge), streak.worry()) == (1, None)
    streak.end_cause("upstream_connect")
    assert (shown(gauge), streak.state) == (0, StreakState.OVER)


def test_a_cause_that_is_seen_to_end_again() -> None:
    """The time for doubt is counted from the last time."""
    clock = Clock()
    streak, gauge = made(clock)
    streak.tell(ended("upstream_connect"))
    for _ in range(2):
        streak.end_cause("upstream_connect")
        clock.now += DOUBT_SECONDS
    streak.tell(ended("upstream_connect"))
    assert (shown(gauge), streak.state) == (2, StreakState.DOUBTED)


# One row a state; the columns are the events in their order: served, failed, cause ended, doubt passed.
TABLE = {
    "CLEAR": "CLEAR FAILING CLEAR CLEAR",
    "FAILING": "CLEAR FAILING OVER FAILING",
    "OVER": "CLEAR DOUBTED OVER CLEAR",
    "DOUBTED": "CLEAR DOUBTED DOUBTED DOUBTED",
}


@pytest.mark.parametrize("state", TABLE)
def test_every_event_in_every_state(state: str) -> None:
    """The table is whole, and each cell is the state that operators rely on."""
    found = [TRANSITIONS[StreakState[state], event].name for event in StreakEvent]
    assert found == TABLE[state].split()
    assert set(TRANSITIONS) == set(itertools.product(StreakState, StreakEvent))
