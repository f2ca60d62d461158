"""A payload as bytes, or the client's error where there is no JSON for it."""

from __future__ import annotations

from typing import Any

import orjson

from app.errors import INVALID_VALUE, GatewayError


def encoded(payload: dict[str, Any]) -> bytes:
    """The payload as JSON. What a client nests too deep, and a whole number of more than 64 bits, has no JSON here."""
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError:
        name = next((name for name, value in payload.items() if not _encodable({name: value})), None)
        message = f"'{name}' is nested too deep, or holds a number that is too large."
        raise GatewayError(INVALID_VALUE, message, param=name) from None


def _encodable(value: object) -> bool:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return False
    return True
