"""Puts the targets of `$ref` in the place of the references, and limits how far.

GigaChat's functions know no `$ref` (rule `schema.ref`). Targets that refer to each other multiply a document, and a
target that contains itself has no end, so both are limited here.
"""

from __future__ import annotations

from typing import NamedTuple

from app.translate.schemas.keywords import Schema
from app.translate.schemas.positions import Position
from app.translate.schemas.reference_targets import ReferenceTargets
from app.translate.schemas.repair_notes import RepairNotes
from app.translate.schemas.schema_limits import MAX_DEPTH

# What references may add to a document's own cost (see `schema_limits`).
MAX_GROWTH = 3_000
MAX_GROWTH_OF_REQUEST = 12_000  # to all schemas of one request: repairs hold up the event loop
MAX_NESTING = 3  # how often a target may stand inside itself
# (depth, nesting): a schema that grows beyond its budget is repaired again with less of them, since its upper levels
# matter most.
ATTEMPTS = ((MAX_DEPTH, MAX_NESTING), (MAX_DEPTH, 2), (MAX_DEPTH, 1), (6, 1))


def share_growth(count: int) -> int:
    """What references may add to each of so many schemas of one request."""
    return min(MAX_GROWTH, MAX_GROWTH_OF_REQUEST // max(1, count))


class Inlined(NamedTuple):
    """What stands in the place of a reference: a schema, a plain type, or nothing more than its siblings.

    `is_endless`: the reference was cut off, since its target contains itself.
    """

    target: Schema | None = None
    plain_type: str | None = None
    is_endless: bool = False


class ReferenceInliner:
    """Inlines the references of one document."""

    def __init__(self, targets: ReferenceTargets, max_nesting: int, notes: RepairNotes) -> None:
        self._targets = targets
        self._max_nesting = max_nesting
        self._notes = notes

    def inline(
        self, reference: str, position: Position, open_targets: tuple[int, ...], owner: Schema | None = None
    ) -> Inlined:
        """What stands in the place of a reference at this position; `owner` is the schema that has it.

        `open_targets` begins with the position's own: the further ones were inlined at this position already.
        """
        self._notes.add("schema.ref", position.path)
        target = self._targets.find(reference, owner)
        if target is None:
            self._notes.add("schema.unresolved", position.path)
            return Inlined(plain_type="object")
        if not isinstance(target, dict) or id(target) in open_targets[len(position.open_targets) :]:
            return Inlined()
        if position.open_targets.count(id(target)) < self._max_nesting:
            return Inlined(target)
        self._notes.add("schema.cycle", position.path)
        return Inlined(plain_type="array" if target.get("type") == "array" else "object", is_endless=True)
