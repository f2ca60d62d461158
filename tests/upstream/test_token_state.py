"""The states of a token: every event in every state."""

from __future__ import annotations

import itertools

import pytest

from app.upstream.token_state import SERVING, TRANSITIONS, TokenEvent, TokenState, next_state

# One row a state; the columns are the events in their order: renewed, failed, refused, refused fresh, time over.
TABLE = {
    "STARTING": "LIVE MISSING STARTING STARTING STARTING",
    "MISSING": "LIVE MISSING MISSING MISSING MISSING",
    "LIVE": "LIVE LIVE SUSPECT DEAD ENDED",
    "SUSPECT": "LIVE SUSPECT SUSPECT DEAD ENDED",
    "ENDED": "LIVE ENDED ENDED DEAD ENDED",
    "DEAD": "LIVE DEAD DEAD DEAD DEAD",
}
CELLS = [
    pytest.param(TokenState[state], event, TokenState[after], id=f"{state}-{event.name}")
    for state, row in TABLE.items()
    for event, after in zip(TokenEvent, row.split(), strict=True)
]


@pytest.mark.parametrize(("state", "event", "after"), CELLS)
def test_every_cell(state: TokenState, event: TokenEvent, after: TokenState) -> None:
    """The state after each event."""
    assert next_state(state, event) is after


def test_the_table_is_whole() -> None:
    """No event in any state is without a row, and each row says why."""
    assert set(TRANSITIONS) == set(itertools.product(TokenState, TokenEvent))
    assert all(why for _, why in TRANSITIONS.values())
    assert len(CELLS) == len(TRANSITIONS)


def test_only_a_new_token_serves_after_one_that_does_not() -> None:
    """No event but a renewal leads from a state that sends no token to one that does."""
    for (state, event), (after, _) in TRANSITIONS.items():
        if state not in SERVING and after in SERVING:
            assert event is TokenEvent.RENEWED


def test_an_event_that_comes_twice_changes_nothing_more() -> None:
    """Many requests may report the same."""
    for state, event in TRANSITIONS:
        once = next_state(state, event)
        assert next_state(once, event) is once
