"""The notes of one schema's repair."""

from __future__ import annotations

from app.translate.dialogue import Note
from app.translate.schemas.repair_notes import RepairNotes


def test_a_rule_is_noted_once() -> None:
    """A rule is noted at the first position that needed it, in the order of first use."""
    notes = RepairNotes("p")
    notes.add("schema.any", (None, "a"))
    notes.add("schema.any", (None, "b"))
    notes.add("schema.not")
    assert notes.to_list() == [Note("adapted", "schema.any", "p.a"), Note("dropped", "schema.not", "p")]
    assert "schema.any" in notes
    assert "schema.ref" not in notes


def test_paths_are_bounded() -> None:
    """A note's path has at most 256 characters."""
    notes = RepairNotes("p" * 200)
    notes.add("schema.any", ((None, "a" * 64), "b" * 64))
    (note,) = notes.to_list()
    assert note.path == "p" * 200 + "." + "a" * 55
