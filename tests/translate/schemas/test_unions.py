"""Alternatives made one, and a base with alternatives."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.schemas.schema_origins import SchemaOrigins
from app.translate.schemas.unions import extend, unite

TEXT = {"type": "string"}
SAID = {"description": "d"}
OPEN: dict[str, Any] = {"type": "object", "properties": {}}
CAT = {
    "type": "object",
    "properties": {"kind": {"type": "string", "enum": ["cat"]}, "meows": TEXT},
    "required": ["kind"],
}
DOG = {"type": "object", "properties": {"kind": {"type": "string", "enum": ["dog"]}}, "required": ["kind", "barks"]}
UNITED: list[tuple[str, list[dict[str, Any]], dict[str, Any]]] = [
    ("one", [TEXT], TEXT),
    ("string before number", [{"type": "integer"}, TEXT], TEXT),
    ("enums", [{**TEXT, "enum": ["a"]}, {**TEXT, "enum": ["b", "a"]}], {**TEXT, "enum": ["a", "b"]}),
    ("enum or any", [{**TEXT, "enum": ["a"]}, TEXT], TEXT),
    (
        "equal keywords stay",
        [{**TEXT, "minLength": 1, "title": "a"}, {**TEXT, "minLength": 1}],
        {**TEXT, "minLength": 1},
    ),
    ("descriptions", [{**TEXT, "description": "a"}, {**TEXT, "description": "b"}], {**TEXT, "description": "a\nb"}),
    (
        "objects",
        [CAT, DOG],
        {
            "type": "object",
            "properties": {"kind": {"type": "string", "enum": ["cat", "dog"]}, "meows": TEXT},
            "required": ["kind"],
        },
    ),
    (
        "object and array",
        [{"type": "array", "items": CAT}, {"type": "object", "properties": {"a": TEXT}}],
        {"type": "object", "properties": {"a": TEXT}, "items": CAT, "required": []},
    ),
    ("string or list", [TEXT, {"type": "array", "items": TEXT}], {"type": "array", "items": TEXT}),
    ("empty object or string", [{"type": "object", "properties": {}}, TEXT], TEXT),
    (
        "names of all",
        [{**OPEN, "propertyNames": TEXT}, {**OPEN, "propertyNames": TEXT}],
        {**OPEN, "propertyNames": TEXT},
    ),
    ("names of one", [{**OPEN, "propertyNames": TEXT}, OPEN], OPEN),
    (
        "object of a name or string",
        [{"type": "object", "properties": {"a": TEXT}}, TEXT],
        {"type": "object", "properties": {"a": TEXT}},
    ),
    (
        "object of any names or string",
        [TEXT, {"type": "object", "properties": {}, "additionalProperties": TEXT}],
        {"type": "object", "properties": {}, "additionalProperties": TEXT},
    ),
    (
        "object of a pattern or string",
        [{"type": "object", "properties": {}, "patternProperties": {"^a": TEXT}}, TEXT],
        {"type": "object", "properties": {}, "patternProperties": {"^a": TEXT}},
    ),
]


@pytest.mark.parametrize(("schemas", "joined"), [case[1:] for case in UNITED], ids=[case[0] for case in UNITED])
def test_united(schemas: list[dict[str, Any]], joined: dict[str, Any]) -> None:
    """One type, the properties of all, required only what all require."""
    outcome = unite([dict(schema) for schema in schemas], SchemaOrigins())
    assert {key: value for key, value in outcome.items() if value != []} == {
        key: value for key, value in joined.items() if value != []
    }


def test_an_enum_that_can_not_stay_gives_the_type_back() -> None:
    """Numbers that stood as strings are numbers again beside free numbers."""
    origins = SchemaOrigins()
    one = {"type": "string", "enum": ["1"]}
    origins.remember_enum_type(one, "integer")
    assert unite([one, {"type": "integer"}], origins) == {"type": "integer"}


def test_enums_of_enums_remember() -> None:
    """The union of two enums of numbers is one of numbers, and of numbers and words one of strings."""
    origins = SchemaOrigins()
    one, two, word = ({"type": "string", "enum": [value]} for value in ("1", "2", "a"))
    origins.remember_enum_type(one, "integer")
    origins.remember_enum_type(two, "integer")
    joined = unite([one, two], origins)
    mixed = unite([joined, word], origins)
    origins.drop_enum(mixed)
    origins.drop_enum(joined)
    assert (joined, mixed) == ({"type": "integer"}, {"type": "string"})


def test_extended_by_what_all_alternatives_have() -> None:
    """Only a property that all alternatives have may bind the base's."""
    more = {
        "type": "object",
        "properties": {"a": {**TEXT, "enum": ["x"]}, "b": {**TEXT, "enum": ["x"], **SAID}, "c": TEXT},
    }
    base = {"type": "object", "properties": {"a": dict(TEXT), "b": dict(TEXT)}, "required": ["a"]}
    assert extend(base, {**more, "required": ["b"], "description": "d"}, {"a"}) == {
        "type": "object",
        "properties": {"a": {**TEXT, "enum": ["x"]}, "b": {**TEXT, **SAID}, "c": TEXT},
        "required": ["a", "b"],
        "description": "d",
    }


def test_items_are_extended() -> None:
    """What an alternative says of an array's items adds to what the base says."""
    base, more = ({"type": "array", "items": {"type": "object", "properties": {name: TEXT}}} for name in "ab")
    assert extend(base, more, set())["items"]["properties"] == {"a": TEXT, "b": TEXT}
