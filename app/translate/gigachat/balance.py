"""What is left of an account's packages. Source: GigaChat's REST API, `GET /balance`: `balance[].usage`, `.value`."""

from __future__ import annotations

import math

import orjson


def read(data: bytes) -> list[tuple[str, float]] | None:
    """Each package's name, which is a tariff's and no model's, and its tokens; None for what is no balance."""
    try:
        items = orjson.loads(data)["balance"]
        return [(item["usage"], _number(item["value"])) for item in items if _named(item["usage"])]
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError):
        return None


def _named(name: object) -> bool:
    return isinstance(name, str) and name != ""


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError
    return float(value)
