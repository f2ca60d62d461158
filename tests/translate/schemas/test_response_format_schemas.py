"""Schemas of response_format: left as they are, unless they are none."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import INVALID_VALUE, GatewayError
from app.translate.schemas.response_format_schemas import repair_response_format

RIGHT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "a": {"$ref": "#/$defs/A", "description": "a"},
        "b": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "c": {"type": ["string", "null"], "enum": ["a", None]},
        "d": {"const": 1},
        "e": {"type": "array", "items": [True, {"allOf": [{}]}]},
        "g": {"not": {"type": "string"}, "format": "uri", "nullable": True},
        "again": {"$ref": "#"},
    },
    "required": ["a"],
    "$defs": {"A": {"type": "string"}},
}


def test_what_is_right_stays() -> None:
    """References, unions, null, enums of all types: the same object, and no note."""
    done, notes = repair_response_format(RIGHT, "p")
    assert done is RIGHT
    assert not notes


@pytest.mark.parametrize("given", [None, {}])
def test_no_schema_means_any_object(given: Any) -> None:
    """GigaChat refuses an empty schema: it gets the one of any object."""
    done, notes = repair_response_format(given, "p")
    assert done == {"type": "object"}
    assert [(note.kind, note.rule, note.path) for note in notes] == [("equivalent", "schema.empty", "p")]


@pytest.mark.parametrize(
    ("given", "done", "rule"),
    [
        ({"type": "object", "properties": []}, {"type": "object", "properties": {}}, "schema.absent"),
        ({"type": "object", "required": "a"}, {"type": "object", "required": ["a"]}, "schema.invalid"),
        ({"type": 7, "title": "a"}, {"title": "a"}, "schema.invalid"),
        ({"type": "object", "description": None}, {"type": "object"}, "schema.absent"),
        ({"type": "object", "required": []}, {"type": "object"}, "schema.absent"),
        ({"items": {"type": "object", "required": []}}, {"items": {"type": "object"}}, "schema.absent"),
        ({"enum": 5}, {"type": "object"}, "schema.invalid"),
        ({"anyOf": [{"enum": 5}, {"type": "null"}]}, {"anyOf": [{}, {"type": "null"}]}, "schema.invalid"),
        ({"$defs": {"A": {"items": None}}, "type": "object"}, {"$defs": {"A": {}}, "type": "object"}, "schema.absent"),
    ],
)
def test_mended(given: Any, done: Any, rule: str) -> None:
    """What is no JSON Schema is made one, wherever it stands."""
    schema, notes = repair_response_format(given, "p")
    assert schema == done
    assert notes[0].rule == rule


def _deep() -> Any:
    schema: Any = {}
    for _ in range(5000):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    "given",
    [7, [], "a", True, {"$ref": "#anchor"}, {"$ref": "#/$defs/A"}, {"items": {"$ref": "https://a.example/b"}}, _deep()],
)
def test_refused(given: Any) -> None:
    """What can't be sent is told at its path."""
    with pytest.raises(GatewayError) as told:
        repair_response_format(given, "response_format.json_schema.schema")
    assert (told.value.kind, told.value.param) == (INVALID_VALUE, "response_format.json_schema.schema")


def test_definitions_that_are_none() -> None:
    """A definition that is no schema says nothing, and is told."""
    schema, notes = repair_response_format({"type": "object", "$defs": {"A": 1, "B": {"type": "string"}}}, "p")
    assert schema["$defs"] == {"A": {}, "B": {"type": "string"}}
    assert [note.rule for note in notes] == ["schema.invalid"]


A: dict[str, Any] = {"type": "string", "enum": ["x"]}
# a schema, the same with pointers
POINTED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "bare name": (
        {"$defs": {"A": {**A, "$id": "A"}}, "properties": {"a": {"$ref": "A"}}},
        {"$defs": {"A": A}, "properties": {"a": {"$ref": "#/$defs/A"}}},
    ),
    "root": (
        {"$defs": {"A": {"properties": {"again": {"$ref": "A"}}}}, "$ref": "A"},
        {"$defs": {"A": {"properties": {"again": {"$ref": "#/$defs/A"}}}}, "$ref": "#/$defs/A"},
    ),
    "recursive": (
        {"properties": {"t": {"$id": "T0", "properties": {"t": {"items": {"$ref": "T0"}}}}}},
        {"properties": {"t": {"properties": {"t": {"items": {"$ref": "#/properties/t"}}}}}},
    ),
    "recursive root": (
        {"$id": "T0", "properties": {"t": {"items": {"$ref": "T0"}}}},
        {"$id": "T0", "properties": {"t": {"items": {"$ref": "#"}}}},
    ),
    "anchor": (
        {"$defs": {"A": {**A, "$anchor": "a"}}, "properties": {"a": {"$ref": "#a"}}},
        {"$defs": {"A": A}, "properties": {"a": {"$ref": "#/$defs/A"}}},
    ),
    "shared": (
        {
            "$defs": {"__shared": {"$id": "__shared", "$defs": {"x": A}}},
            "properties": {"a": {"$ref": "__shared#/$defs/x"}},
        },
        {"$defs": {"__shared": {"$defs": {"x": A}}}, "properties": {"a": {"$ref": "#/$defs/__shared/$defs/x"}}},
    ),
    "pointer inside": (
        {"items": {"$id": "i", "$defs": {"x": A}, "properties": {"a": {"$ref": "#/$defs/x"}}}},
        {"items": {"$defs": {"x": A}, "properties": {"a": {"$ref": "#/items/$defs/x"}}}},
    ),
    "dynamic": (
        {"$defs": {"A": {**A, "$dynamicAnchor": "a"}}, "properties": {"a": {"$dynamicRef": "#a"}}},
        {"$defs": {"A": A}, "properties": {"a": {"$ref": "#/$defs/A"}}},
    ),
}


@pytest.mark.parametrize(("given", "pointed"), POINTED.values(), ids=POINTED)
def test_a_reference_by_name_becomes_a_pointer(given: Any, pointed: Any) -> None:
    """And no `$id` is left that would be taken for the pointer's beginning."""
    done, notes = repair_response_format(given, "p")
    assert done == pointed
    assert {(note.kind, note.rule) for note in notes} == {("equivalent", "schema.pointer")}


def test_names_stay_where_nothing_is_referred_to() -> None:
    """They mislead nobody."""
    schema = {"type": "object", "properties": {"a": {"$id": "a", "type": "string"}}}
    assert repair_response_format(schema, "p")[0] is schema
