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


def tell_usage(record: RequestRecord, usage: Usage | None) -> None:
    """Record tokens, as far as they are known."""
    if usage is not None:
        record.record_usage(usage.prompt, usage.completion, usage.cached or 0)
