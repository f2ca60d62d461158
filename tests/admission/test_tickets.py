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


# Until when it may wait and its deadline, both from its receipt; when it asks again -> until when it may wait then.
RENEWED: dict[str, tuple[float, float | None, float, float]] = {
    "no deadline": (120.0, None, 200.0, 320.0),
    "a deadline that is near": (10.0, 10.0, 4.0, 10.0),
    "a deadline that is far": (120.0, 300.0, 100.0, 220.0),
    "a deadline that comes nearer": (120.0, 300.0, 200.0, 300.0),
}


@pytest.mark.parametrize("name", RENEWED)
def test_a_request_goes_on(name: str) -> None:
    """What it asks next may wait as long as the first, but not past the client's deadline."""
    seconds, deadline, passed, expected = RENEWED[name]
    now = 1000.0
    ticket = Ticket("t", now, now + seconds, None if deadline is None else now + deadline, is_batch=True)
    renewed = ticket.renew(now + passed)
    assert renewed.waits_until - now == expected
    assert renewed._replace(waits_until=ticket.waits_until) == ticket
