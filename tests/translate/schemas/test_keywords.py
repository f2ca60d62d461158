"""What each keyword must hold, and how a wrong value is corrected."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.schemas.keywords import ABSENT, KEYWORD_CHECKS, correct_keyword
from app.translate.schemas.schema_limits import MAX_VALUE_DEPTH

CORRECTED: list[tuple[str, Any, Any, str | None]] = [
    ("type", "string", "string", None),
    ("type", 7, ABSENT, "schema.invalid"),
    ("type", ["string", "date"], ABSENT, "schema.invalid"),
    ("properties", [], {}, "schema.absent"),
    ("properties", {"a": 1, "b": {}}, {"a": {}, "b": {}}, "schema.invalid"),
    ("properties", "a", ABSENT, "schema.invalid"),
    ("required", "name", ["name"], "schema.invalid"),
    ("required", ["a", 1], ["a"], "schema.invalid"),
    ("required", True, ABSENT, "schema.invalid"),
    ("required", [1], ABSENT, "schema.invalid"),
    ("required", [], ABSENT, "schema.absent"),
    ("required", {}, ABSENT, "schema.absent"),
    ("items", [], ABSENT, "schema.absent"),
    ("additionalProperties", [], ABSENT, "schema.absent"),
    ("anyOf", [], ABSENT, "schema.absent"),
    ("$defs", [], ABSENT, "schema.absent"),
    ("properties", {"a": [], "b": {}}, {"a": {}, "b": {}}, "schema.absent"),
    ("enum", 5, ABSENT, "schema.invalid"),
    ("enum", [], ABSENT, "schema.invalid"),
    ("anyOf", [{}, 1], [{}], "schema.invalid"),
    ("anyOf", [1], ABSENT, "schema.invalid"),
    ("oneOf", [{}, 1], [{}], "schema.invalid"),
    ("allOf", [True, None], [True], "schema.invalid"),
    ("items", [{}, 1], [{}], "schema.invalid"),
    ("prefixItems", [{}, 1], [{}], "schema.invalid"),
    ("description", None, ABSENT, "schema.absent"),
    ("const", None, None, None),
    ("default", None, None, None),
    ("exclusiveMinimum", True, ABSENT, "schema.invalid"),
    ("x-unknown", {"a": 1}, {"a": 1}, None),
]


@pytest.mark.parametrize(("key", "given", "value", "rule"), CORRECTED)
def test_corrected(key: str, given: Any, value: Any, rule: str | None) -> None:
    """What a program left empty or wrote wrong is made right where its sense is plain, else left out."""
    assert correct_keyword(key, given) == (value, rule)


@pytest.mark.parametrize("key", KEYWORD_CHECKS)
def test_no_value_is_too_odd(key: str) -> None:
    """Whatever stands at a keyword, the outcome is right for it, or absent."""
    for value in (None, True, -1, 1.5, "a", [], {}, [None], {"a": None}, [[1]]):
        outcome, _ = correct_keyword(key, value)
        assert outcome is ABSENT or KEYWORD_CHECKS[key](outcome)


def test_deep_values_are_left_out() -> None:
    """An enum of values that nest deeper than the limit is no enum."""
    value: Any = 1
    for _ in range(MAX_VALUE_DEPTH):
        value = [value]
    assert correct_keyword("enum", [value]) == (ABSENT, "schema.invalid")
