"""Merges schemas that all hold into one: a schema's own keywords, the target of its `$ref`, the branches of `allOf`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.translate.schemas.keyword_merging import merge_keyword
from app.translate.schemas.keywords import (
    ABSENT,
    DEFINITION_KEYWORDS,
    IDENTIFIER_KEYWORDS,
    MAP_KEYWORDS,
    REFERENCE_KEYWORDS,
    SCHEMA_KEYWORDS,
    UNION_KEYWORDS,
    Schema,
    correct_keyword,
)
from app.translate.schemas.positions import Position
from app.translate.schemas.reference_inlining import ReferenceInliner
from app.translate.schemas.reference_targets import ReferenceTargets
from app.translate.schemas.repair_notes import RepairNotes
from app.translate.schemas.schema_limits import COST_OF_SCHEMA, measure_cost, measure_visit

# The cost of what these hold is taken where the inner schemas are repaired.
_WITH_INNER_SCHEMAS = frozenset({*SCHEMA_KEYWORDS, *MAP_KEYWORDS, "prefixItems", "additionalItems"})
# Definitions are left out, and so is what only they, or references, are named by.
_NAMES_OF_DEFINITIONS = frozenset({*DEFINITION_KEYWORDS, *IDENTIFIER_KEYWORDS, "discriminator"})


@dataclass(slots=True)
class MergedSchema:
    """What all merged schemas say together.

    `properties` has all schemas that describe a property: they all hold. `unions` has the branches of each union.
    `plain_type` is set where a reference could not be inlined: the type of what stands there. `is_endless`: it was cut
    off since its target contains itself. `open_targets`: as in `Position`, with those that were inlined here.
    """

    keywords: Schema = field(default_factory=dict)
    properties: dict[str, list[Any]] = field(default_factory=dict)
    unions: list[list[Any]] = field(default_factory=list)
    open_targets: tuple[int, ...] = ()
    plain_type: str | None = None
    is_endless: bool = False


class AllOfMerger:
    """Merges schemas of one document, as long as the budget lasts. `budget` is a cost."""

    def __init__(self, targets: ReferenceTargets, budget: int, max_nesting: int, notes: RepairNotes) -> None:
        self.budget = budget
        self._notes = notes
        self._references = ReferenceInliner(targets, max_nesting, notes)

    def merge(self, schemas: Iterable[Any], position: Position) -> MergedSchema:
        """Merge these schemas and all that they refer to; the siblings of a `$ref` go before its target."""
        merged = MergedSchema(open_targets=position.open_targets)
        waiting = [schema for schema in schemas if isinstance(schema, dict)]
        waiting.reverse()
        while waiting and self.budget > 0:
            schema = waiting.pop()
            self.budget -= COST_OF_SCHEMA
            waiting.extend(reversed(self._merge_one(schema, merged, position)))
        if waiting:
            self._notes.add("schema.size", position.path)
        return merged

    def _merge_one(self, schema: Schema, merged: MergedSchema, position: Position) -> list[Schema]:
        """Merge one schema's keywords. Returns the further schemas that hold with it."""
        further: list[Schema] = []
        for key, given in schema.items():
            value, rule = correct_keyword(key, given)
            if rule:
                self._notes.add(rule, position.path)
            if value is ABSENT or key in _NAMES_OF_DEFINITIONS:
                continue
            if key in REFERENCE_KEYWORDS:
                further.extend(self._merge_reference(value, schema, merged, position))
            elif key == "allOf":
                self._notes.add("schema.allof", position.path)
                further.extend(branch for branch in value if isinstance(branch, dict))
            elif key == "properties":
                self.budget -= measure_visit(len(value))
                for name, described in value.items():
                    merged.properties.setdefault(name, []).append(described)
                merged.keywords.setdefault("properties", {})
            elif not self._merge_union(key, value, merged, position):
                if key not in _WITH_INNER_SCHEMAS:
                    self.budget -= measure_cost(value)
                self.budget -= merge_keyword(merged.keywords, key, value)
        return further

    def _merge_union(self, key: str, value: Any, merged: MergedSchema, position: Position) -> bool:
        """Add a union, or a condition as a union with a branch that adds nothing. Returns whether it was one."""
        if key in UNION_KEYWORDS:
            merged.unions.append(value)
            return True
        if key in ("then", "else"):
            merged.unions.append([value, {}])
        elif key in ("dependentSchemas", "dependencies"):
            merged.unions.extend([schema, {}] for schema in value.values() if isinstance(schema, dict))
        elif key not in ("if", "not"):
            return False
        self._notes.add("schema.not" if key == "not" else "schema.condition", position.path)
        return True

    def _merge_reference(self, reference: str, owner: Schema, merged: MergedSchema, position: Position) -> list[Schema]:
        """Put in what stands in a reference's place. Returns its target where that is to be merged."""
        inlined = self._references.inline(reference, position, merged.open_targets, owner)
        if inlined.target is not None:
            self.budget -= measure_visit(len(merged.open_targets))
            merged.open_targets = (*merged.open_targets, id(inlined.target))
            return [inlined.target]
        if inlined.plain_type is not None:
            merged.plain_type = inlined.plain_type
            merged.is_endless = merged.is_endless or inlined.is_endless
        return []
