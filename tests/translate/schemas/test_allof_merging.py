"""A schema's own keywords, its references' targets and the branches of allOf, merged."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.schemas.allof_merging import AllOfMerger, MergedSchema
from app.translate.schemas.positions import Position
from app.translate.schemas.reference_inlining import MAX_GROWTH, MAX_NESTING
from app.translate.schemas.reference_targets import ReferenceTargets
from app.translate.schemas.repair_notes import RepairNotes


def merge(schema: dict[str, Any], budget: int = MAX_GROWTH) -> tuple[MergedSchema, list[str]]:
    """The merged root of a document, and the rules used."""
    notes = RepairNotes("p")
    merged = AllOfMerger(ReferenceTargets(schema), budget, MAX_NESTING, notes).merge([schema], Position())
    return merged, [note.rule for note in notes.to_list()]


def test_branches_all_hold() -> None:
    """The keywords of all branches are merged."""
    given = {"minLength": 1, "allOf": [{"minLength": 2}, {"type": "string"}]}
    assert merge(given) == (MergedSchema({"minLength": 2, "type": "string"}), ["schema.allof"])


def test_siblings_of_a_reference_go_first() -> None:
    """A description beside a reference is about this place."""
    document = {"$ref": "#/$defs/A", "description": "a", "$defs": {"A": {"description": "b", "type": "string"}}}
    merged, rules = merge(document)
    assert merged.keywords == {"description": "a", "type": "string"}
    assert merged.open_targets == (id(document["$defs"]["A"]),)  # type: ignore[index]
    assert rules == ["schema.ref"]


def test_properties_of_all_branches() -> None:
    """A property has all schemas that describe it."""
    merged, _ = merge({"properties": {"a": {}}, "allOf": [{"properties": {"a": True, "b": {}}}]})
    assert merged.properties == {"a": [{}, True], "b": [{}]}


@pytest.mark.parametrize(
    ("schema", "plain_type", "rule"),
    [
        ({"$ref": "#/$defs/A"}, "object", "schema.unresolved"),
        ({"$ref": "https://a.example"}, "object", "schema.unresolved"),
        ({"$ref": "#"}, None, "schema.ref"),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"allOf": [{"$ref": "#/$defs/A"}]}}}, None, "schema.allof"),
    ],
)
def test_references_without_an_end(schema: dict[str, Any], plain_type: str | None, rule: str) -> None:
    """What leads nowhere is plain; what leads to itself says nothing more."""
    merged, rules = merge(schema)
    assert (merged.plain_type, rules[-1]) == (plain_type, rule)


def test_conditions_are_optional() -> None:
    """What a condition adds is an alternative to nothing."""
    then: dict[str, Any] = {"properties": {"a": {}}}
    older = {"dependencies": {"x": then, "y": ["z"]}}  # a list of names only demands
    merged, rules = merge({"if": {}, "then": then, "dependentSchemas": {"x": then}, **older, "not": {}})
    assert merged.unions == [[then, {}], [then, {}], [then, {}]]
    assert rules == ["schema.condition", "schema.not"]


def test_the_budget_ends() -> None:
    """Branches beyond the budget are not merged, and that is noted."""
    merged, rules = merge({"allOf": [{"title": "a"}] * 100}, 4)
    assert merged.keywords == {"title": "a"}
    assert rules[-1] == "schema.size"
