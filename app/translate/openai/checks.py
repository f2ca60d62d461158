"""Checks of a client's values: each gives the value back or a 400 that names the field and says what is wanted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from app.errors import INVALID_VALUE, MISSING_PARAMETER, UNSUPPORTED_PARAMETER, GatewayError
from app.translate.openai.slips import find_in_place

# The largest that GigaChat's JSON and ours can carry.
MAX_INTEGER = 2**63 - 1
_MAX_SHOWN = 64
_NAMES = {bool: "a boolean", str: "a string", dict: "an object", list: "an array", int: "an integer", float: "a number"}


def wrong(path: str, wanted: str, value: Any) -> GatewayError:
    """A value of the wrong type: says what was wanted and what came, never the value itself."""
    came = "null" if value is None else _NAMES.get(type(value), type(value).__name__)
    return GatewayError(INVALID_VALUE, f"'{path}' must be {wanted}, not {came}.", param=path)


def invalid(path: str, message: str) -> GatewayError:
    """A value of the right type that can't be."""
    return GatewayError(INVALID_VALUE, f"'{path}' {message}", param=path)


def missing(
    path: str, message: str, given: Mapping[str, Any] | None = None, others: frozenset[str] = frozenset()
) -> GatewayError:
    """A required field that is not there. `given` is where it should be: a key that stands in its place is named.

    `others`: what the field is called in other APIs.
    """
    field = path.rpartition(".")[2]
    found = find_in_place(given, field, others) if given else ""
    meant = f" '{found}' is not read: did you mean '{field}' by it?" if found else ""
    return GatewayError(MISSING_PARAMETER, f"'{path}' is required: {message}{meant}", param=path)


def unsupported(path: str, message: str) -> GatewayError:
    """A thing that can't be done."""
    return GatewayError(UNSUPPORTED_PARAMETER, f"'{path}' {message}", param=path)


def number(value: Any, path: str, low: float, high: float = math.inf) -> float:
    """A finite number within bounds, both included. The given int stays an int."""
    if type(value) is not float and type(value) is not int:
        raise wrong(path, "a number", value)
    if not low <= value <= high or value == math.inf:
        bounds = f"at least {low:g}" if math.isinf(high) else f"between {low:g} and {high:g}"
        raise invalid(path, f"must be {bounds}.")
    return value


def integer(value: Any, path: str, low: int) -> int:
    """A whole number; 5.0 counts as one, since some clients send floats only."""
    if type(value) is not int:
        if type(value) is not float or not value.is_integer():
            raise wrong(path, "an integer", value)
        value = int(value)
    whole: int = value
    if whole < low:
        raise invalid(path, f"must be at least {low}.")
    if whole > MAX_INTEGER:
        raise invalid(path, f"must be at most {MAX_INTEGER}.")
    return whole


def boolean(value: Any, path: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise wrong(path, "a boolean", value)
    return value


def string(value: Any, path: str) -> str:
    """A string, the empty one too."""
    if not isinstance(value, str):
        raise wrong(path, "a string", value)
    return value


def obj(value: Any, path: str) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise wrong(path, "an object", value)
    return value


def php_obj(value: Any, path: str) -> dict[str, Any]:
    """A JSON object that may be empty: PHP writes such a one as an empty array."""
    return {} if value == [] else obj(value, path)


def same(first: Any, second: Any) -> bool:
    """Whether two values are equal. What is nested more deeply than Python compares is taken for another."""
    try:
        return bool(first == second)
    except RecursionError:
        return False


def strings(value: Any, path: str) -> list[str]:
    """A JSON array of strings."""
    return [string(item, f"{path}[{index}]") for index, item in enumerate(array(value, path))]


def shown(key: str) -> str:
    """A key of the client's own, as it may be repeated to that client: one short line."""
    cut = key if len(key) <= _MAX_SHOWN else key[:_MAX_SHOWN] + "..."
    return "".join(char if char.isprintable() else "?" for char in cut) or "''"


def array(value: Any, path: str) -> list[Any]:
    """A JSON array."""
    if not isinstance(value, list):
        raise wrong(path, "an array", value)
    return value
