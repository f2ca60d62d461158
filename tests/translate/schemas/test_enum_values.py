"""Values of enums as functions carry them."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.schemas.enum_values import allowed_values, write_enum_value, write_enum_values


def test_written_values() -> None:
    """A string stays; any other value is compact JSON, Cyrillic as it is."""
    assert [write_enum_value(value) for value in ("a", 1, 1.5, True, None, {"a": ["я"]})] == [
        *("a", "1", "1.5", "true", "null"),
        '{"a":["я"]}',
    ]


def test_values_that_are_written_alike_are_one() -> None:
    """A number and its text become one value of the enum."""
    assert write_enum_values([1, "1", "a", 1]) == ["1", "a"]


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"const": None}, [None]),
        ({"enum": [1, "a"]}, [1, "a"]),
        ({"const": 1, "enum": [2]}, [1]),
        ({"type": "NULL"}, [None]),
        ({"type": ["string", "null"]}, []),
        ({}, []),
    ],
)
def test_allowed_values(schema: dict[str, Any], values: list[Any]) -> None:
    """A constant, an enum, or the one value of the type null."""
    assert allowed_values(schema) == values
