"""Texts, numbers and truth that fit a JSON Schema, and the type that a schema means.

A text bears the sandbox's name and its property's; `turn` makes those of one array differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from app.sandbox.patterns import example

Schema = Mapping[str, Any]

_LARGEST = 2**53  # what every reader of JSON holds exactly
_SMALLEST = 1e-9  # a step below it is none
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


def kind_of(schema: Schema) -> str:
    """The type: the first that is not null; without any, what the keys tell; else a string."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null" if kind else None)
    if isinstance(kind, str):
        return kind if kind in SCALARS or kind in ("object", "array") else "string"
    return next((told for key, told in _KEYS.items() if key in schema), "string")


def _text(schema: Schema, name: str, turn: int) -> str:
    text = FORMATS.get(str(schema.get("format")))
    if text is None and isinstance(schema.get("pattern"), str):
        text = example(schema["pattern"])
    if text is not None:
        return text
    text = f"песочница: {name or 'sandbox'}" + (f" {turn + 1}" if turn else "")
    least, most = _number_at(schema, "minLength"), _number_at(schema, "maxLength")
    if least is not None:
        text = text.ljust(min(int(least), 10_000), ".")
    return text if most is None else text[: max(0, int(most))]


def _integer(schema: Schema, _: str, turn: int) -> int:
    low, high = _bounds(schema, 1)
    least = -_LARGEST if low is None else math.ceil(low)
    most = _LARGEST if high is None else math.floor(high)
    value = max(least, min(1 + turn, most))
    step = _number_at(schema, "multipleOf")
    if step is None or step < 1:
        return value
    above = math.ceil(value / step) * step
    return int(above if above <= most else math.floor(value / step) * step)


def _number(schema: Schema, _: str, turn: int) -> float:
    low, high = _bounds(schema, 0)
    strict = (
        isinstance(schema.get("exclusiveMinimum"), int | float),
        isinstance(schema.get("exclusiveMaximum"), int | float),
    )
    value = 1.5 + turn
    if low is not None and (value < low or (strict[0] and value == low)):
        value = low + 1 if high is None else (low + high) / 2
    if high is not None and (value > high or (strict[1] and value == high)):
        value = high - 1 if low is None else (low + high) / 2
    step = _number_at(schema, "multipleOf")
    return float(value) if step is None or step < _SMALLEST else float(math.ceil(value / step) * step)


def _bounds(schema: Schema, gap: int) -> tuple[float | None, float | None]:
    """The least and the greatest value; an exclusive bound is moved by the gap."""
    lows = (_number_at(schema, "minimum"), _moved(schema, "exclusiveMinimum", "minimum", gap, math.floor))
    highs = (_number_at(schema, "maximum"), _moved(schema, "exclusiveMaximum", "maximum", -gap, math.ceil))
    return (
        max((low for low in lows if low is not None), default=None),
        min((high for high in highs if high is not None), default=None),
    )


def _moved(schema: Schema, key: str, plain: str, gap: int, whole: Callable[[float], int]) -> float | None:
    """An exclusive bound as an inclusive one; in older dialects it is a boolean beside the plain one."""
    bound = _number_at(schema, plain if schema.get(key) is True else key)
    if bound is None or not gap:
        return bound
    return whole(bound) + gap


def _number_at(schema: Schema, key: str) -> float | None:
    """The number at a key; larger ones than JSON's readers hold count as the largest."""
    value: Any = schema.get(key)
    return max(-_LARGEST, min(value, _LARGEST)) if type(value) in (int, float) else None


# type -> a value for a schema, a property's name and a turn
SCALARS: Mapping[str, Callable[[Schema, str, int], Any]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": lambda _, __, turn: turn % 2 == 0,
    "null": lambda _, __, ___: None,
}
