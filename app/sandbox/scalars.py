"""Invents texts, numbers and booleans that fit a JSON Schema, and finds the type that a schema means.

A text names the sandbox and the property. `index`, the position in an array, makes the values of an array differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from app.sandbox.patterns import find_example

Schema = Mapping[str, Any]

_LARGEST = 2**53  # every JSON parser holds integers up to this exactly
_SMALLEST = 1e-9  # a smaller `multipleOf` is ignored
_KEYS = {"properties": "object", "additionalProperties": "object", "items": "array", "prefixItems": "array"}

FORMATS: Mapping[str, str] = {
    "date": "2026-01-15",
    "date-time": "2026-01-15T12:30:00Z",
    "time": "12:30:00Z",
    "duration": "PT1H30M",
    "email": "sandbox@example.com",
    "hostname": "example.com",
    "uri": "https://example.com/sandbox",
    "url": "https://example.com/sandbox",
    "uuid": "5a6db0c5-0000-4000-8000-000000000001",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "byte": "c2FuZGJveA==",
    "binary": "c2FuZGJveA==",
}


def find_type(schema: Schema) -> str:
    """The type: the first that is not null; without `type`, the one that the keys imply; else string."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null" if kind else None)
    if isinstance(kind, str):
        return kind if kind in SCALARS or kind in ("object", "array") else "string"
    return next((implied for key, implied in _KEYS.items() if key in schema), "string")


def _make_text(schema: Schema, name: str, index: int) -> str:
    text = FORMATS.get(str(schema.get("format")))
    if text is None and isinstance(schema.get("pattern"), str):
        text = find_example(schema["pattern"])
    if text is not None:
        return text
    text = f"песочница: {name or 'sandbox'}" + (f" {index + 1}" if index else "")
    least, most = _read_number(schema, "minLength"), _read_number(schema, "maxLength")
    if least is not None:
        text = text.ljust(min(int(least), 10_000), ".")
    return text if most is None else text[: max(0, int(most))]


def _make_integer(schema: Schema, _: str, index: int) -> int:
    low, high = _read_bounds(schema, 1)
    least = -_LARGEST if low is None else math.ceil(low)
    most = _LARGEST if high is None else math.floor(high)
    value = max(least, min(1 + index, most))
    step = _read_number(schema, "multipleOf")
    if step is None or step < 1:
        return value
    above = math.ceil(value / step) * step
    return int(above if above <= most else math.floor(value / step) * step)


def _make_number(schema: Schema, _: str, index: int) -> float:
    low, high = _read_bounds(schema, 0)
    strict = (
        isinstance(schema.get("exclusiveMinimum"), int | float),
        isinstance(schema.get("exclusiveMaximum"), int | float),
    )
    value = 1.5 + index
    if low is not None and (value < low or (strict[0] and value == low)):
        value = low + 1 if high is None else (low + high) / 2
    if high is not None and (value > high or (strict[1] and value == high)):
        value = high - 1 if low is None else (low + high) / 2
    step = _read_number(schema, "multipleOf")
    return float(value) if step is None or step < _SMALLEST else float(math.ceil(value / step) * step)


def _read_bounds(schema: Schema, gap: int) -> tuple[float | None, float | None]:
    """The smallest and the largest value. An exclusive bound is moved by the gap."""
    lows = (
        _read_number(schema, "minimum"),
        _read_exclusive_bound(schema, "exclusiveMinimum", "minimum", gap, math.floor),
    )
    highs = (
        _read_number(schema, "maximum"),
        _read_exclusive_bound(schema, "exclusiveMaximum", "maximum", -gap, math.ceil),
    )
    return (
        max((low for low in lows if low is not None), default=None),
        min((high for high in highs if high is not None), default=None),
    )


def _read_exclusive_bound(
    schema: Schema, key: str, plain: str, gap: int, whole: Callable[[float], int]
) -> float | None:
    """An exclusive bound as an inclusive one. In older dialects it is a boolean that changes the plain bound."""
    bound = _read_number(schema, plain if schema.get(key) is True else key)
    if bound is None or not gap:
        return bound
    return whole(bound) + gap


def _read_number(schema: Schema, key: str) -> float | None:
    """The number at a key, limited to the range that all JSON parsers hold."""
    value: Any = schema.get(key)
    return max(-_LARGEST, min(value, _LARGEST)) if type(value) in (int, float) else None


# By type: a function from a schema, a property's name and an index to a value.
SCALARS: Mapping[str, Callable[[Schema, str, int], Any]] = {
    "string": _make_text,
    "integer": _make_integer,
    "number": _make_number,
    "boolean": lambda _, __, index: index % 2 == 0,
    "null": lambda _, __, ___: None,
}
