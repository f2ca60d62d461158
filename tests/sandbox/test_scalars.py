"""Texts and numbers within their bounds."""

from __future__ import annotations

from typing import Any

import pytest

from app.sandbox.scalars import SCALARS, find_type


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "integer"}, "integer"),
        ({"type": ["null", "number"]}, "number"),
        ({"type": ["null"]}, "null"),
        ({"type": []}, "string"),
        ({"type": "date"}, "string"),
        ({"type": 1}, "string"),
        ({"properties": {}}, "object"),
        ({"items": {}}, "array"),
        ({}, "string"),
    ],
)
def test_kind(schema: dict[str, Any], kind: str) -> None:
    """The type, told or guessed."""
    assert find_type(schema) == kind


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, 1),
        ({"minimum": 18}, 18),
        ({"minimum": 17.5, "maximum": 20}, 18),
        ({"exclusiveMinimum": 17}, 18),
        ({"minimum": 17, "exclusiveMinimum": True}, 18),
        ({"exclusiveMaximum": 0}, -1),
        ({"maximum": 0, "exclusiveMaximum": True}, -1),
        ({"maximum": -7}, -7),
        ({"minimum": 1, "exclusiveMinimum": False}, 1),
        ({"minimum": 7, "multipleOf": 5}, 10),
        ({"minimum": 10, "maximum": 12, "multipleOf": 5}, 10),
        ({"minimum": -12, "maximum": -8, "multipleOf": 5}, -10),
        ({"minimum": 1e300}, 2**53),
        ({"maximum": -1e300}, -(2**53)),
        ({"minimum": "1"}, 1),
    ],
)
def test_integers(schema: dict[str, Any], value: int) -> None:
    """A whole number that the bounds allow, and that JSON can hold."""
    made = SCALARS["integer"](schema, "n", 0)
    assert (made, type(made)) == (value, int)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"minimum": 0, "maximum": 1},
        {"exclusiveMinimum": 1.5},
        {"exclusiveMaximum": 1.5},
        {"exclusiveMinimum": 1.5, "exclusiveMaximum": 1.6},
        {"exclusiveMinimum": 1, "exclusiveMaximum": 1.5},
        {"minimum": 3, "maximum": 3},
        {"maximum": -3},
        {"minimum": 7, "multipleOf": 0.5},
        {"minimum": 1, "multipleOf": 5e-324},
    ],
)
def test_numbers(schema: dict[str, Any]) -> None:
    """A number that the bounds allow."""
    value = SCALARS["number"](schema, "n", 0)
    assert value >= schema.get("minimum", value)
    assert value <= schema.get("maximum", value)
    assert value > schema.get("exclusiveMinimum", value - 1)
    assert value < schema.get("exclusiveMaximum", value + 1)
    assert value % 0.5 == 0 or "multipleOf" not in schema


def test_texts() -> None:
    """A text tells whose it is; format and pattern win over that, lengths bound it."""
    text = SCALARS["string"]
    assert text({}, "city", 0) == "песочница: city"
    assert text({}, "city", 1) == "песочница: city 2"
    assert text({"format": "date"}, "day", 0) == "2026-01-15"
    assert text({"format": "unheard-of"}, "day", 0) == "песочница: day"
    assert text({"pattern": "^[A-Z]{2}$"}, "code", 0) == "AA"
    assert text({"pattern": "("}, "code", 0) == "песочница: code"
    assert len(text({"minLength": 40}, "city", 0)) == 40
    assert text({"maxLength": 3}, "city", 0) == "пес"
    assert SCALARS["null"]({}, "", 0) is None
    assert [SCALARS["boolean"]({}, "", turn) for turn in (0, 1)] == [True, False]
