"""Reads GigaChat's JSON leniently: undocumented types, half characters and bodies that are no answer do no harm.

Source: docs/gigachat-api.md, "Streaming" and "Uncertain".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson

from app.translate.gigachat.surrogates import join_surrogates

# A larger count comes from a broken upstream, and a client's JSON could not carry it.
_MAX_COUNT = 2**53 - 1
# Characters. Each chunk of a stream carries a model's name, and the log a finish reason.
_MAX_NAME = 256
# JSON of few bytes may be a thousand times as many objects: `{"a":1}` takes 232 bytes of memory, `"ab",` takes 64.
_LARGE_BYTES = 1024 * 1024
_MAX_CONTAINERS = 250_000
_MAX_VALUES = 2_000_000


def is_bomb(data: bytes) -> bool:
    """Whether JSON would take far more memory than its bytes do. Brackets and commas in its texts count, too."""
    return len(data) > _LARGE_BYTES and (
        data.count(b"{") + data.count(b"[") > _MAX_CONTAINERS or data.count(b",") > _MAX_VALUES
    )


def parse(data: bytes, loads: Callable[[bytes], Any] = orjson.loads) -> Any:
    """The value of JSON; None where it is none, or a bomb. `loads` must raise orjson.JSONDecodeError for no JSON."""
    if is_bomb(data):
        return None
    try:
        return loads(data)
    except orjson.JSONDecodeError:
        return parse_leniently(data)


def parse_leniently(data: bytes) -> Any:
    """The value of JSON with escaped surrogate halves, which GigaChat has sent and orjson refuses; None for no JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def read_text(value: Any) -> str:
    """A text with whole characters; empty for any other value."""
    return join_surrogates(value) if isinstance(value, str) else ""


def read_name(value: Any) -> str:
    """A model's name or a finish reason, cut to the length of a real one; empty for any other value."""
    return join_surrogates(value[:_MAX_NAME]) if isinstance(value, str) else ""


def read_count(value: Any) -> int:
    """A count that may be missing, a float or a string; 0 for any other value."""
    try:
        return min(max(0, int(value or 0)), _MAX_COUNT)
    except (TypeError, ValueError, OverflowError):
        return 0
