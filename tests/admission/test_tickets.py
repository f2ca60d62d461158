"""A request's ticket: what it says when nothing was asked for."""

from __future__ import annotations

import pytest

from app.admission.tickets import Ticket


def test_a_usual_request() -> None:
    """It is urgent, and its answer is of use at any time."""
    ticket = Ticket("t", 1.0, 121.0)
    assert (ticket.deadline, ticket.is_batch) == (None, False)


def test_nobody_changes_it() -> None:
    """The places of a queue depend on it."""
    with pytest.raises(AttributeError):
        Ticket("t", 1.0, 121.0).is_batch = True  # type: ignore[misc]
