"""A stream whose first words have come, with the slot that it holds."""

from __future__ import annotations

from dataclasses import dataclass

from app.exchange.attempt import Question
from app.exchange.stream import Stream
from app.exchange.tries import CredentialLease
from app.translate.dialogue import Delta, End, Event, Part


@dataclass(slots=True)
class OpenStream:
    """A stream whose first words have come, the question that it answers, and the events so far."""

    question: Question
    stream: Stream
    events: list[Event]
    lease: CredentialLease | None  # until it is ended
    is_counted: bool = False  # its usage was asked for
    is_ended: bool = False

    def end_lease(self) -> None:
        """GigaChat has nothing more to send, or nobody wants it."""
        lease, self.lease = self.lease, None
        if lease is not None:
            lease.end()

    @property
    def parts(self) -> list[Part]:
        """What the answer holds so far."""
        return [event.part for event in self.events if type(event) is Delta]

    @property
    def end(self) -> End | None:
        """The answer's end, if it has come."""
        return next((event for event in self.events if type(event) is End), None)
