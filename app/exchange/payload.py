"""A payload as bytes, or the client's error where there is no JSON for it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson

from app.errors import INVALID_VALUE, GatewayError
from app.translate import exact

_LONG_NUMBER = "64-bit"  # in orjson's words for a whole number that only `exact` writes


def encoded(payload: dict[str, Any]) -> bytes:
    """The payload as JSON. What a client nests too deep is refused: GigaChat need not read it."""
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError as fault:
        if _LONG_NUMBER in str(fault):
            with suppress(RecursionError):
                return exact.dumps(payload)
        name = next((name for name, value in payload.items() if not _encodable({name: value})), None)
        raise GatewayError(INVALID_VALUE, f"'{name}' is nested too deep.", param=name) from None


def _encodable(value: object) -> bool:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return False
    return True
