"""JSON whose whole numbers keep every digit: account numbers have 20 of them, which is more than 64 bits hold.

orjson reads such a number as a float, whose last digits are gone, and refuses to write it; Python's own `json` is
slower and is asked only where there is one. Source: orjson's documentation, "int"; RFC 8259, 6.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

_LONG = re.compile(rb"\d{19}")


def loads(data: bytes | str) -> Any:
    """What the JSON says. Raises orjson.JSONDecodeError, as orjson does."""
    value = orjson.loads(data)
    if not _LONG.search(data.encode() if isinstance(data, str) else data):
        return value
    try:
        return json.loads(data)
    except (ValueError, RecursionError):  # thousands of digits, or of levels
        return value


def dumps(value: Any) -> bytes:
    """Compact JSON in UTF-8, of what orjson can't write too: long numbers, great depth. Half characters become '?'.

    Raises RecursionError for what is nested still deeper.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
