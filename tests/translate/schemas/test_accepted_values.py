"""What schemas take."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.schemas.accepted_values import AcceptanceReader
from app.translate.schemas.reference_targets import ReferenceTargets

ALL: list[Any] = ["x", "1", 1, 1.0, 0.5, True, None, [], {}]
DEFS: dict[str, Any] = {"$defs": {"A": {"enum": ["x", 1]}, "L": {"$ref": "#/$defs/L"}}}
# a schema, the values of ALL that it takes
TAKEN: list[tuple[Any, list[Any]]] = [
    ({}, ALL),
    (True, ALL),
    (5, ALL),
    ({"title": "a"}, ALL),
    ({"type": "string"}, ["x", "1"]),
    ({"type": "INTEGER"}, [1, 1.0]),
    ({"type": "number"}, [1, 1.0, 0.5]),
    ({"type": ["boolean", "null"]}, [True, None]),
    ({"type": "boolean", "nullable": True}, [True, None]),
    ({"type": "null"}, [None]),
    ({"const": 1}, [1]),
    ({"enum": ["x", 0.5, []]}, ["x", 0.5, []]),
    ({"enum": ["x"], "nullable": True}, ["x", None]),
    ({"type": "strange"}, ["x", "1"]),
    ({"properties": {}}, [{}]),
    ({"items": {}}, [[]]),
    ({"$ref": "#/$defs/A"}, ["x", 1]),
    ({"$ref": "#/$defs/L"}, ALL),
    ({"$ref": "nowhere"}, ALL),
    ({"allOf": [{"type": "number"}, {"minimum": 1}, {"type": ["integer", "string"]}]}, [1, 1.0]),
    ({"allOf": [{"$ref": "#/$defs/A"}, {"type": "string"}]}, ["x"]),
    ({"anyOf": [{"type": "array"}, {"$ref": "#/$defs/A"}]}, ["x", 1, []]),
    ({"oneOf": [{"const": True}, {}]}, ALL),
    ({"type": "string", "anyOf": [{"minLength": 1}, {"pattern": "a"}]}, ["x", "1"]),
    ({"anyOf": 5, "allOf": 5, "enum": 5, "type": 5, "$ref": 5}, ALL),
]


@pytest.mark.parametrize(("schema", "taken"), TAKEN)
def test_what_is_taken(schema: Any, taken: list[Any]) -> None:
    """By types and listed values, through references and branches; what says nothing takes all."""
    accepted = AcceptanceReader(ReferenceTargets(DEFS), lambda: True).read([schema])
    assert repr([value for value in ALL if accepted.takes(value)]) == repr(taken)


def test_several_schemas_take_what_any_takes() -> None:
    """One that says nothing does not count beside others."""
    accepted = AcceptanceReader(ReferenceTargets(DEFS), lambda: True).read([{}, {"type": "null"}, {"const": 1}, None])
    assert [value for value in ALL if accepted.takes(value)] == [1, None]


def test_a_listed_value_is_found_by_its_text() -> None:
    """As functions carry it; a listed text is no other value."""
    accepted = AcceptanceReader(ReferenceTargets({}), lambda: True).read([{"enum": [1, "2", {"a": 1}]}])
    assert [accepted.find_written(text) for text in ("1", "2", '{"a":1}')] == [(1,), (), ({"a": 1},)]


def test_who_may_look_no_further_takes_all() -> None:
    """Nothing is restored by half of a schema."""
    accepted = AcceptanceReader(ReferenceTargets({}), lambda: False).read([{"type": "integer"}])
    assert accepted.takes("5")
