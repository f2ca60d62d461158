"""References, and what stands in their place."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.schemas.positions import Position
from app.translate.schemas.reference_inlining import (
    MAX_GROWTH,
    MAX_GROWTH_OF_REQUEST,
    MAX_NESTING,
    Inlined,
    ReferenceInliner,
    share_growth,
)
from app.translate.schemas.reference_targets import ReferenceTargets
from app.translate.schemas.repair_notes import RepairNotes

TARGET: dict[str, Any] = {"type": "array"}
DOCUMENT = {"$defs": {"A": TARGET, "B": {}, "yes": True}}
ID = id(TARGET)


def inline(reference: str, position: Position, open_targets: tuple[int, ...]) -> tuple[Inlined, list[str]]:
    """What stands in a reference's place, and the rules used."""
    notes = RepairNotes("p")
    inlined = ReferenceInliner(ReferenceTargets(DOCUMENT), MAX_NESTING, notes).inline(reference, position, open_targets)
    return inlined, [note.rule for note in notes.to_list()]


def test_a_target_takes_the_place() -> None:
    """The target itself, not a copy, stands for the reference."""
    inlined, rules = inline("#/$defs/A", Position(), ())
    assert inlined.target is TARGET
    assert rules == ["schema.ref"]


@pytest.mark.parametrize("reference", ["#/$defs/C", "#anchor", "https://a.example/b"])
def test_a_reference_to_nowhere(reference: str) -> None:
    """A plain object stands for what can't be found."""
    assert inline(reference, Position(), ()) == (Inlined(plain_type="object"), ["schema.ref", "schema.unresolved"])


def test_references_that_add_nothing() -> None:
    """A boolean adds nothing, nor does a target that was inlined at this position already."""
    assert inline("#/$defs/yes", Position(), ())[0] == Inlined()
    assert inline("#/$defs/A", Position(open_targets=(1,)), (1, ID)) == (Inlined(), ["schema.ref"])


def test_nesting_ends() -> None:
    """A target may stand inside itself so often; then its plain type stands there, and that is noted."""
    inside = (ID,) * (MAX_NESTING - 1)
    assert inline("#/$defs/A", Position(open_targets=inside), inside)[0].target is TARGET
    inside = (ID,) * MAX_NESTING
    inlined, rules = inline("#/$defs/A", Position(open_targets=inside), inside)
    assert inlined == Inlined(plain_type="array", is_endless=True)
    assert rules == ["schema.ref", "schema.cycle"]


@pytest.mark.parametrize("count", [0, 1, 4, 5, 30, 100_000])
def test_schemas_of_a_request_share_the_growth(count: int) -> None:
    """One schema alone has all that one may have; many share what a request may have."""
    assert share_growth(count) == min(MAX_GROWTH, MAX_GROWTH_OF_REQUEST // max(1, count))
    assert share_growth(count) * count <= MAX_GROWTH_OF_REQUEST
