"""The state ids that come with calls."""

from __future__ import annotations

from app.sandbox.stateids import StateIds, is_state_id


def test_issued_ones_are_known() -> None:
    """An id is a UUID of its own, and is remembered."""
    states = StateIds()
    first, second = states.issue(), states.issue()
    assert first != second
    assert first in states
    assert is_state_id(first)
    assert "b02a1bbd-3e2e-4bd0-8d4b-5d1f3e5a5d11" not in states


def test_form() -> None:
    """Nothing else than a UUID with its dashes is one."""
    assert is_state_id("B02A1BBD-3e2e-4bd0-8d4b-5d1f3e5a5d11")
    for value in ("", None, 1, "b02a1bbd3e2e4bd08d4b5d1f3e5a5d11", "{b02a1bbd-3e2e-4bd0-8d4b-5d1f3e5a5d11}"):
        assert not is_state_id(value)
