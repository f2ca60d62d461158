"""References' targets and allOf's branches, gathered into one."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.schemas.parts import Gathering, Parts, cost
from app.translate.schemas.rules import BUDGET, NESTED, Place, Told


def gathered(schema: dict[str, Any], budget: int = BUDGET) -> tuple[Parts, list[str]]:
    """The parts of a document's root, and the rules used."""
    told = Told("p")
    parts = Gathering(schema, budget, NESTED, told).gather([schema], Place(0, (), None))
    return parts, [note.rule for note in told.notes()]


JOINED: list[tuple[str, Any, Any, Any]] = [
    ("required", ["a"], ["b", "a"], ["a", "b"]),
    ("type", "number", "integer", "integer"),
    ("type", ["integer", "null"], ["number", "null"], ["integer", "null"]),
    ("type", "string", "integer", "string"),
    ("enum", [1, 2], [2, 3], [2]),
    ("enum", [True], [1], [True]),
    ("minimum", 1, 2, 2),
    ("maximum", 1, 2, 1),
    ("description", "a", "b", "a"),
    ("items", {"minimum": 1}, {"maximum": 2}, {"allOf": [{"minimum": 1}, {"maximum": 2}]}),
    ("items", [{"minimum": 1}], {"maximum": 2}, [{"minimum": 1}, {"maximum": 2}]),
    ("additionalProperties", False, False, False),
    ("additionalProperties", False, {"minimum": 1}, {"minimum": 1}),
    ("additionalProperties", False, True, True),
    ("additionalProperties", {"minimum": 1}, False, {"minimum": 1}),
    ("additionalProperties", {"minimum": 1}, {"maximum": 2}, {"allOf": [{"minimum": 1}, {"maximum": 2}]}),
    (
        "patternProperties",
        {"a": {}, "b": True},
        {"a": {"minimum": 1}},
        {"a": {"allOf": [{}, {"minimum": 1}]}, "b": True},
    ),
]


@pytest.mark.parametrize(("key", "first", "second", "both"), JOINED)
def test_joined(key: str, first: Any, second: Any, both: Any) -> None:
    """Parts that all hold are joined, and what is closed each on its own is opened."""
    assert gathered({"allOf": [{key: first}, {key: second}]}) == (Parts({key: both}), ["schema.allof"])


def test_siblings_of_a_reference_go_first() -> None:
    """A description beside a reference is about this place."""
    document = {"$ref": "#/$defs/A", "description": "a", "$defs": {"A": {"description": "b", "type": "string"}}}
    parts, rules = gathered(document)
    assert parts.keys == {"description": "a", "type": "string"}
    assert parts.inside == (id(document["$defs"]["A"]),)  # type: ignore[index]
    assert rules == ["schema.ref"]


def test_properties_of_all_parts() -> None:
    """A property has all schemas that parts give it."""
    parts, _ = gathered({"properties": {"a": {}}, "allOf": [{"properties": {"a": True, "b": {}}}]})
    assert parts.properties == {"a": [{}, True], "b": [{}]}


@pytest.mark.parametrize(
    ("schema", "plain", "rule"),
    [
        ({"$ref": "#/$defs/A"}, "object", "schema.unresolved"),
        ({"$ref": "https://a.example"}, "object", "schema.unresolved"),
        ({"$ref": "#"}, None, "schema.ref"),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"allOf": [{"$ref": "#/$defs/A"}]}}}, None, "schema.allof"),
    ],
)
def test_references_without_an_end(schema: dict[str, Any], plain: str | None, rule: str) -> None:
    """What leads nowhere is plain; what leads to itself says nothing more."""
    parts, rules = gathered(schema)
    assert (parts.plain, rules[-1]) == (plain, rule)


def test_conditions_are_optional() -> None:
    """What a condition adds is an alternative to nothing."""
    then: dict[str, Any] = {"properties": {"a": {}}}
    older = {"dependencies": {"x": then, "y": ["z"]}}  # a list of names only demands
    parts, rules = gathered({"if": {}, "then": then, "dependentSchemas": {"x": then}, **older, "not": {}})
    assert parts.unions == [[then, {}], [then, {}], [then, {}]]
    assert rules == ["schema.condition", "schema.not"]


def test_the_budget_ends() -> None:
    """Parts beyond the budget are not taken, and that is told."""
    parts, rules = gathered({"allOf": [{"title": "a"}] * 100}, 4)
    assert parts.keys == {"title": "a"}
    assert rules[-1] == "schema.size"


def test_cost_is_size() -> None:
    """Texts and containers cost by their size."""
    assert cost(["x" * 640, {"y" * 320: "z" * 320}]) == 20
