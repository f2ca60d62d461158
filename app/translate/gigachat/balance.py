"""What is left of an account's packages. Source: docs/gigachat-api.md, "GET /balance": `balance[].usage`, `.value`."""

from __future__ import annotations

import math

import orjson

_MAX_PACKAGES = 100
_MAX_NAME = 256  # characters; a name becomes a label


def read(data: bytes) -> list[tuple[str, float]] | None:
    """Each package's name (of a tariff, not of a model) and the tokens that are left; None for what is no balance."""
    try:
        items = orjson.loads(data)["balance"][:_MAX_PACKAGES]
        return [(item["usage"], _read_number(item["value"])) for item in items if _is_name(item["usage"])]
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError):
        return None


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= _MAX_NAME


def _read_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError
    return float(value)
