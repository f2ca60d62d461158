"""What functions take as it is."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.schemas.function_dialect import is_function_schema

TEXT = {"type": "string"}
EMPTY: dict[str, Any] = {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    "schema",
    [
        TEXT,
        {**TEXT, "enum": ["a"], "format": "date", "description": "d", "default": {"a": [1]}},
        {"type": "array", "items": TEXT, "minItems": 1},
        {**EMPTY, "additionalProperties": False, "propertyNames": TEXT, "required": ["a"]},
        {**EMPTY, "patternProperties": {"^a": True, "^b": TEXT}, "x-unknown": 1},
    ],
)
def test_what_is_taken(schema: dict[str, Any]) -> None:
    """It is taken alone, as a property and as an item."""
    assert is_function_schema(schema)
    assert is_function_schema({"type": "object", "properties": {"a": {"type": "array", "items": schema}}})


@pytest.mark.parametrize(
    "schema",
    [
        *(None, True, [], "string", {}),
        {"type": "null"},
        {"type": "STRING"},
        {"type": ["string"]},
        {"type": "object"},
        {"type": "array"},
        {**TEXT, "properties": {}},
        {**TEXT, "enum": []},
        {**TEXT, "enum": [1]},
        {"type": "integer", "enum": ["1"]},
        {**TEXT, "format": "uri"},
        {**TEXT, "description": None},
        {**TEXT, "minLength": "1"},
        {**TEXT, "const": "a"},
        {**EMPTY, "required": "a"},
        {**EMPTY, "required": []},
        {**EMPTY, "additionalProperties": {}},
        {**EMPTY, "$defs": {}},
        {**EMPTY, "anyOf": [EMPTY]},
    ],
)
def test_what_needs_a_repair(schema: Any) -> None:
    """It is seen alone, as a property and as an item."""
    assert not is_function_schema(schema)
    assert not is_function_schema({"type": "object", "properties": {"a": schema}})
    assert not is_function_schema({"type": "array", "items": schema})


def test_levels_end() -> None:
    """Schemas nest to the given number of levels."""
    nested = {"type": "array", "items": {"type": "array", "items": TEXT}}
    assert is_function_schema(nested, 3)
    assert not is_function_schema(nested, 2)
