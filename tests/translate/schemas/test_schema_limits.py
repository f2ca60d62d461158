"""The size of schemas, measured."""

from __future__ import annotations

from typing import Any

from app.translate.schemas.schema_limits import MAX_VALUE_DEPTH, is_shallow, measure_cost


def test_cost_is_size() -> None:
    """Texts and containers cost by their size."""
    assert measure_cost(["x" * 640, {"y" * 320: "z" * 320}]) == 20


def test_shallow_values() -> None:
    """Values may nest to a limit, in arrays and objects alike."""
    value: Any = 1
    for _ in range(MAX_VALUE_DEPTH):
        value = [value]
    assert is_shallow(value)
    assert not is_shallow({"a": value})
