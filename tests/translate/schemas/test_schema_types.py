"""The one type of a schema."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.schemas.schema_types import (
    choose_widest_type,
    declared_types,
    find_scalar_type,
    guess_type,
    make_consistent,
    type_of_value,
)

TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("declared", "types"),
    [
        ("string", ["string"]),
        (["STRING", "Null", "date", 7], ["string", "null", "date"]),
        (["dict", "int", "float", "bool", "list", "none"], ["object", "integer", "number", "boolean", "array", "null"]),
        (7, []),
    ],
)
def test_declared_types(declared: Any, types: list[str]) -> None:
    """Other names of types are known, in any letters; unknown names stay."""
    assert declared_types({"type": declared}) == types


def test_types_of_values() -> None:
    """A boolean is no number, and null has a type."""
    values: tuple[Any, ...] = (None, True, 1, 1.5, "a", [], {})
    assert [type_of_value(value) for value in values] == [
        *("null", "boolean", "integer", "number", "string", "array", "object")
    ]


def test_guessed_types() -> None:
    """Keywords are about a type; an object goes before the others."""
    assert guess_type(["description"]) is None
    assert guess_type(["minLength", "title"]) == "string"
    assert guess_type(["minLength", "minProperties"]) == "object"


def test_the_widest_type() -> None:
    """An array says more than a string, a string more than a number, and a text does for a boolean or a number."""
    assert choose_widest_type(["integer", "string", "array"]) == "array"
    assert choose_widest_type(["integer", "number", "string"]) == "string"
    assert choose_widest_type(["boolean", "integer"]) == choose_widest_type(["number", "boolean"]) == "string"
    assert choose_widest_type(["boolean"]) == choose_widest_type(["boolean", "boolean"]) == "boolean"


def test_scalar_types() -> None:
    """The first type that is a scalar's."""
    assert find_scalar_type([True, {"type": "object"}, {"type": "INT"}, {"type": "string"}]) == "integer"
    assert find_scalar_type([{"type": ["string"]}]) is None


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"type": "string", "properties": {"a": TEXT}}, {"type": "object", "properties": {"a": TEXT}}),
        ({"type": "string", "properties": {}}, TEXT),
        ({"type": "object"}, {"type": "object", "properties": {}}),
        ({"type": "array", "items": True}, {"type": "array", "items": TEXT}),
        ({"type": "string", "items": True}, TEXT),
        ({"type": "integer", "enum": ["1"]}, {"type": "string", "enum": ["1"]}),
        ({"type": "object", "enum": ["1"]}, {"type": "object", "properties": {}}),
        ({"type": "array", "items": TEXT, "enum": ["1"]}, {"type": "array", "items": TEXT}),
    ],
)
def test_consistent(given: dict[str, Any], made: dict[str, Any]) -> None:
    """Type, properties, items and enum agree, and no property is lost."""
    assert make_consistent(given) == made
