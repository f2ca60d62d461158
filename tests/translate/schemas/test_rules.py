"""The table of repairs, and what each keyword must hold."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.schemas.rules import ABSENT, KEYWORDS, RULES, VALUE_DEPTH, Told, mended, shallow, text

MENDED: list[tuple[str, Any, Any, str | None]] = [
    ("type", "string", "string", None),
    ("type", 7, ABSENT, "schema.invalid"),
    ("type", ["string", "date"], ABSENT, "schema.invalid"),
    ("properties", [], {}, "schema.absent"),
    ("properties", {"a": 1, "b": {}}, {"a": {}, "b": {}}, "schema.invalid"),
    ("properties", "a", ABSENT, "schema.invalid"),
    ("required", "name", ["name"], "schema.invalid"),
    ("required", ["a", 1], ["a"], "schema.invalid"),
    ("required", True, ABSENT, "schema.invalid"),
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


@pytest.mark.parametrize(("key", "given", "value", "rule"), MENDED)
def test_mended(key: str, given: Any, value: Any, rule: str | None) -> None:
    """What a program left empty or wrote wrong is made right where its sense is plain, else left out."""
    assert mended(key, given) == (value, rule)


@pytest.mark.parametrize("key", KEYWORDS)
def test_no_value_is_too_odd(key: str) -> None:
    """Whatever stands at a keyword, the outcome is right for it, or absent."""
    for value in (None, True, -1, 1.5, "a", [], {}, [None], {"a": None}, [[1]]):
        outcome, _ = mended(key, value)
        assert outcome is ABSENT or KEYWORDS[key](outcome)


def test_each_rule_says_why() -> None:
    """A row has its reason and its source."""
    assert all(rule.reason and rule.source and name == rule.name for name, rule in RULES.items())


def test_text_of_values() -> None:
    """A string stays; all else is compact JSON, Cyrillic as it is."""
    assert [text(value) for value in ("a", 1, 1.5, True, None, {"a": ["я"]})] == [
        *("a", "1", "1.5", "true", "null"),
        '{"a":["я"]}',
    ]


def test_shallow() -> None:
    """Values may nest to a bound."""
    value: Any = 1
    for _ in range(VALUE_DEPTH):
        value = [value]
    assert shallow(value)
    assert not shallow({"a": value})
    assert mended("enum", [value]) == (ABSENT, "schema.invalid")


def test_told_once() -> None:
    """A rule is noted once, at its first place, in a path of bounded length."""
    told = Told("p")
    told("schema.any", ((None, "a"), "b" * 1000))
    told("schema.any", (None, "c"))
    (note,) = told.notes()
    assert (note.kind, note.rule, note.path) == ("adapted", "schema.any", "p.a." + "b" * 64)
