"""Reads and writes JSON whose integers keep every digit: account numbers have 20, more than 64 bits hold.

orjson reads such a number as a float, which loses its last digits, and refuses to write it. Python's own `json` is
slower, so that it is used only where there is such a number. Source: orjson's documentation, "int"; RFC 8259, 6.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

_REFUSED = "64-bit"  # in orjson's words for a whole number that it can't write
_LONG_NUMBER = re.compile(rb"(?<!\d)\d{19}")  # the look-behind makes the search linear


def loads(data: bytes | str) -> Any:
    """The value of JSON. Raises orjson.JSONDecodeError, as orjson does."""
    value = orjson.loads(data)
    if not _LONG_NUMBER.search(data.encode() if isinstance(data, str) else data):
        return value
    try:
        return json.loads(data)
    except (ValueError, RecursionError):  # the number has thousands of digits, or the value thousands of levels
        return value


def loads_raw(text: str) -> Any:
    """The value of JSON in whose strings line ends and tabs may stand raw, as models write them. Raises ValueError."""
    try:
        return loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text, strict=False)
    except RecursionError as fault:
        raise ValueError("nested too deeply") from fault


def is_of_long_number(fault: orjson.JSONEncodeError) -> bool:
    """Whether orjson refused to write a value for a long number, which `dumps` writes."""
    return _REFUSED in str(fault)


def dumps(value: Any) -> bytes:
    """Compact JSON in UTF-8, also of what orjson can't write: long numbers, deep values. Half characters become '?'.

    Raises RecursionError for a value that is nested too deeply for `json`.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
