"""What is new is refused, the past goes on."""

from __future__ import annotations

import pytest

from app.errors import GatewayError
from app.translate.dialogue import Note
from app.translate.openai import checks, unread_fields
from app.translate.openai.reading import Reading


def test_what_is_left_out() -> None:
    """A fault of something new is raised; in the past it is a note with the fault's place."""
    fault = checks.invalid("messages[1].role", "is none.")
    with pytest.raises(GatewayError) as caught:
        Reading([]).leave_out(fault, "messages.role")
    assert caught.value is fault
    past = Reading([], past=True)
    past.leave_out(fault, "messages.role")
    assert past.notes == [Note("dropped", "messages.role", "messages[1].role")]


def test_a_long_past_leaves_room_for_what_is_new() -> None:
    """Its notes have an end: the new message's own are told, and refused where they are too many."""
    reading = Reading([], past=True)
    odd = {f"k{number}": 1 for number in range(unread_fields.MOST)}
    reading.tell_unread(odd, "messages[0]", frozenset())
    reading.note("adapted", "messages.role", "messages[0].role")
    assert len(reading.notes) == unread_fields.MOST_OF_PAST
    reading.past = False
    reading.tell_unread({"mood": 1}, "messages[1]", frozenset())
    assert reading.notes[-1] == Note("dropped", "messages.unknown", "messages[1].mood")
    with pytest.raises(GatewayError):
        reading.tell_unread(odd, "messages[1]", frozenset())
