"""Two values of one keyword, merged."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.schemas.keyword_merging import merge_keyword

MERGED: list[tuple[str, Any, Any, Any]] = [
    ("required", ["a"], ["b", "a"], ["a", "b"]),
    ("type", "number", "integer", "integer"),
    ("type", ["integer", "null"], ["number", "null"], ["integer", "null"]),
    ("type", "string", "integer", "string"),
    ("enum", [1, 2], [2, 3], [2]),
    ("enum", [True], [1], [True]),
    ("minimum", 1, 2, 2),
    ("maximum", 1, 2, 1),
    ("description", "a", "b", "a"),
    ("items", {"minimum": 1}, {"maximum": 2}, {"allOf": [{"minimum": 1}, {"maximum": 2}]}),
    ("items", [{"minimum": 1}], {"maximum": 2}, [{"minimum": 1}, {"maximum": 2}]),
    ("additionalProperties", False, False, False),
    ("additionalProperties", False, {"minimum": 1}, {"minimum": 1}),
    ("additionalProperties", False, True, True),
    ("additionalProperties", {"minimum": 1}, False, {"minimum": 1}),
    ("additionalProperties", {"minimum": 1}, {"maximum": 2}, {"allOf": [{"minimum": 1}, {"maximum": 2}]}),
    (
        "patternProperties",
        {"a": {}, "b": True},
        {"a": {"minimum": 1}},
        {"a": {"allOf": [{}, {"minimum": 1}]}, "b": True},
    ),
]


@pytest.mark.parametrize(("key", "first", "second", "both"), MERGED)
def test_merged(key: str, first: Any, second: Any, both: Any) -> None:
    """Both values hold, and what is closed each on its own is opened."""
    keywords: dict[str, Any] = {}
    merge_keyword(keywords, key, first)
    merge_keyword(keywords, key, second)
    assert keywords == {key: both}


def test_the_cost_of_long_values() -> None:
    """The first value costs nothing here; merging costs by what is gone through again."""
    keywords: dict[str, Any] = {}
    assert merge_keyword(keywords, "required", ["a"] * 160) == 0
    assert merge_keyword(keywords, "required", ["b"]) == 10
    assert merge_keyword(keywords, "title", "t") == merge_keyword(keywords, "title", "t") == 0
