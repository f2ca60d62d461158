"""What a request's record is told of notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from app.observe.request_record import RequestRecord
from app.translate.dialogue import Note, Usage
from app.translate.notes import header, write_slips


def tell_notes(record: RequestRecord, notes: Sequence[Note]) -> None:
    """Record the notes of what is asked now, in place of those of an earlier variant."""
    if notes:
        dropped = Counter(note.rule for note in notes if note.kind == "dropped")
        slips = write_slips(notes) if dropped else ""
        record.record_notes(header(notes, "adapted"), header(notes, "dropped"), dropped, slips)


class ToldNotes:
    """One request's notes in its record: those of what is asked now, and those of the answers that stand."""

    __slots__ = ("_asked", "_found", "_record")

    def __init__(self, record: RequestRecord) -> None:
        self._record = record
        self._asked: Sequence[Note] = ()
        self._found: list[Note] = []

    def replace(self, notes: Sequence[Note]) -> None:
        """Something is asked, with these notes."""
        self._asked = notes
        self._tell()

    def add(self, note: Note) -> None:
        """Something was done to an answer: told as far as headers have not gone out."""
        self._found.append(note)
        self._tell()

    def add_leaked_calls(self, count: int) -> None:
        """So many calls were read out of an answer's text."""
        self._record.record_leaked_calls(count)
        self.add(Note("adapted", "text->call"))

    def _tell(self) -> None:
        tell_notes(self._record, [*self._asked, *self._found] if self._found else self._asked)


def tell_usage(record: RequestRecord, usage: Usage | None) -> None:
    """Record tokens, as far as they are known."""
    if usage is not None:
        record.record_usage(usage.prompt, usage.completion, usage.cached or 0)
