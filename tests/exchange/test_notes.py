"""What a request's record is told of notes and usage."""

from __future__ import annotations

from app.exchange.notes import tell_notes, tell_usage
from app.observe.request_record import RequestRecord
from app.translate.dialogue import Note, Usage


def test_notes_of_a_later_variant_take_the_place_of_earlier_ones() -> None:
    """Those of the variant that is asked now count; none at all leave what stood."""
    record = RequestRecord()
    tell_notes(record, [Note("dropped", "seed", "seed"), Note("adapted", "a->b", "a"), Note("equivalent", "c", "c")])
    assert (record.adapted, record.dropped, record.dropped_params) == ("a->b", "seed", {"seed": 1})
    tell_notes(record, [])
    assert record.dropped == "seed"
    tell_notes(record, [Note("adapted", "d", "d")])
    assert (record.adapted, record.dropped, record.dropped_params) == ("d", "", {})


def test_usage_adds_up() -> None:
    """What is not known adds nothing."""
    record = RequestRecord()
    tell_usage(record, None)
    assert record.tokens is None
    tell_usage(record, Usage(3, 2, 5, None, {}))
    tell_usage(record, Usage(4, 1, 5, 2, {}))
    assert record.tokens == (7, 3, 2)
