"""Schemas as clients give them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.errors import GatewayError
from app.translate.dialogue import Note
from app.translate.openai.given_schemas import MAX_TEXT, MAX_TEXTS, read

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"имя": {"type": "string"}}}
TEXT = orjson.dumps(SCHEMA).decode()


@pytest.mark.parametrize(("value", "found"), [(SCHEMA, SCHEMA), ({}, {}), (None, None), ([], None), ("", None)])
def test_an_object_is_read(value: Any, found: Any) -> None:
    """The same object; an empty value is none."""
    notes: list[Note] = []
    assert read(value, "p", notes) == found
    assert notes == []


@pytest.mark.parametrize(
    "value", [{"json": SCHEMA}, {"jsonSchema": SCHEMA}, {"json_schema": {"type": "object", "title": "a"}}]
)
def test_a_wrapper_is_taken_off(value: dict[str, Any]) -> None:
    """What is in it is the schema."""
    assert read(value, "p", []) == next(iter(value.values()))


@pytest.mark.parametrize(
    "value",
    [
        {"city": {"type": "string"}},
        {"title": {"type": "string"}, "type": {"type": "array"}},
        {"city": {"type": ["string", "null"]}, "unit": {"enum": ["c", "f"]}},
        {"at": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
    ],
)
def test_properties_alone_are_an_objects(value: dict[str, Any]) -> None:
    """No parameter is lost for a missing level; it is told."""
    notes: list[Note] = []
    assert read(value, "p", notes) == {"type": "object", "properties": value}
    assert notes == [Note("adapted", "schema=properties->object", "p")]


@pytest.mark.parametrize(
    "value", [{"items": {"type": "string"}}, {"type": "object"}, {"$defs": {"type": "object"}}, {"json": 5}, {"a": {}}]
)
def test_a_schema_stays(value: dict[str, Any]) -> None:
    """What may be one is one."""
    notes: list[Note] = []
    assert read(value, "p", notes) is value
    assert notes == []


@pytest.mark.parametrize("text", [TEXT, f" {TEXT}\n"])
def test_a_text_is_read_and_told(text: str) -> None:
    """A program wrote JSON twice."""
    notes: list[Note] = []
    assert read(text, "p", notes) == SCHEMA
    assert notes == [Note("adapted", "schema=text->object", "p")]


@pytest.mark.parametrize(
    "value", [5, True, [1], "[]", "5", "{", "secret", '{"a": "' + "x" * MAX_TEXT + '"}', "[" * 9999]
)
def test_what_is_no_schema_is_told(value: Any) -> None:
    """At its path, without its words."""
    with pytest.raises(GatewayError) as caught:
        read(value, "p", [])
    assert (caught.value.kind.name, caught.value.param) == ("invalid_value", "p")
    assert "secret" not in caught.value.message


def test_texts_are_few() -> None:
    """The values in them are not counted with the body's."""
    notes: list[Note] = []
    for _ in range(MAX_TEXTS):
        read(TEXT, "p", notes)
    with pytest.raises(GatewayError):
        read(TEXT, "p", notes)
