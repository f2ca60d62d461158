"""Schemas of response_format: left as they are, unless they are none."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import INVALID_VALUE, GatewayError
from app.translate.schemas.formats import response_format_schema

RIGHT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "a": {"$ref": "#/$defs/A", "description": "a"},
        "b": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "c": {"type": ["string", "null"], "enum": ["a", None]},
        "d": {"const": 1},
        "e": {"type": "array", "items": [True, {"allOf": [{}]}]},
        "f": {"$ref": "#anchor"},
        "g": {"not": {"type": "string"}, "format": "uri", "nullable": True},
        "again": {"$ref": "#"},
    },
    "required": ["a"],
    "$defs": {"A": {"type": "string"}},
}


def test_what_is_right_stays() -> None:
    """References, unions, null, enums of all types: the same object, and no note."""
    done, notes = response_format_schema(RIGHT, "p")
    assert done is RIGHT
    assert not notes


@pytest.mark.parametrize("given", [None, {}])
def test_no_schema_means_any_object(given: Any) -> None:
    """GigaChat refuses an empty schema: it gets the one of any object."""
    done, notes = response_format_schema(given, "p")
    assert done == {"type": "object"}
    assert [(note.kind, note.rule, note.path) for note in notes] == [("equivalent", "schema.empty", "p")]


@pytest.mark.parametrize(
    ("given", "done", "rule"),
    [
        ({"type": "object", "properties": []}, {"type": "object", "properties": {}}, "schema.absent"),
        ({"type": "object", "required": "a"}, {"type": "object", "required": ["a"]}, "schema.invalid"),
        ({"type": 7, "title": "a"}, {"title": "a"}, "schema.invalid"),
        ({"type": "object", "description": None}, {"type": "object"}, "schema.absent"),
        ({"enum": 5}, {"type": "object"}, "schema.invalid"),
        ({"anyOf": [{"enum": 5}, {"type": "null"}]}, {"anyOf": [{}, {"type": "null"}]}, "schema.invalid"),
        ({"$defs": {"A": {"items": None}}, "type": "object"}, {"$defs": {"A": {}}, "type": "object"}, "schema.absent"),
    ],
)
def test_mended(given: Any, done: Any, rule: str) -> None:
    """What is no JSON Schema is made one, wherever it stands."""
    schema, notes = response_format_schema(given, "p")
    assert schema == done
    assert notes[0].rule == rule


def _deep() -> Any:
    schema: Any = {}
    for _ in range(5000):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    "given", [7, [], "a", True, {"$ref": "#/$defs/A"}, {"items": {"$ref": "https://a.example/b"}}, _deep()]
)
def test_refused(given: Any) -> None:
    """What can't be sent is told at its path."""
    with pytest.raises(GatewayError) as told:
        response_format_schema(given, "response_format.json_schema.schema")
    assert (told.value.row, told.value.param) == (INVALID_VALUE, "response_format.json_schema.schema")


def test_definitions_that_are_none() -> None:
    """A definition that is no schema says nothing, and is told."""
    schema, notes = response_format_schema({"type": "object", "$defs": {"A": 1, "B": {"type": "string"}}}, "p")
    assert schema["$defs"] == {"A": {}, "B": {"type": "string"}}
    assert [note.rule for note in notes] == ["schema.invalid"]
