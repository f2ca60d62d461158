"""Joins a stream's events: neighbouring pieces of one kind become one, in linear time and little memory."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from app.translate.dialogue import Answer, Begin, Delta, End, Event, Part, Text, Thought


class Joiner:
    """Takes the events of one answer, and gives them back as few events or as a whole answer."""

    __slots__ = ("_begin", "_end", "_index", "_kind", "_parts", "_pieces")

    def __init__(self) -> None:
        self._begin: Begin | None = None
        self._end: End | None = None
        self._index = 0
        self._parts: list[Part] = []
        self._kind: type[Text | Thought] | None = None  # of the pieces that are not yet a part
        self._pieces = StringIO()

    def feed(self, events: Iterable[Event]) -> None:
        """Take the next events."""
        for event in events:
            if type(event) is Delta:
                self._index = event.index
                self._add(event.part)
            elif type(event) is Begin:
                self._begin = event
            elif type(event) is End:
                self._end = event

    def events(self) -> list[Event]:
        """All events so far, with one delta for each run of one kind."""
        begun: list[Event] = [] if self._begin is None else [self._begin]
        ended: list[Event] = [] if self._end is None else [self._end]
        return [*begun, *(Delta(self._index, part) for part in self._list_parts()), *ended]

    def answer(self) -> Answer:
        """All events so far, as an answer that was never streamed."""
        begin = self._begin or Begin("", 0)
        end = self._end or End("stop", None, None)
        return Answer(
            begin.model, begin.created, self._list_parts(), end.finish, end.raw_finish, end.usage, end.stop_sequence
        )

    def _add(self, part: Part) -> None:
        if isinstance(part, Text | Thought):
            if type(part) is not self._kind:
                self._end_run()
                self._kind = type(part)
            self._pieces.write(part.text)
        else:
            self._end_run()
            self._parts.append(part)

    def _end_run(self) -> None:
        if self._kind is not None:
            self._parts.append(self._kind(self._pieces.getvalue()))
            self._kind = None
            self._pieces = StringIO()

    def _list_parts(self) -> list[Part]:
        self._end_run()
        return self._parts
