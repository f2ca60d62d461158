"""A payload as bytes, or the client's error where there is no JSON for it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson

from app.errors import INVALID_VALUE, GatewayError
from app.translate import big_integers
from app.translate.field_names import FieldNames


def encode(payload: dict[str, Any], fields: FieldNames) -> bytes:
    """The payload as JSON. What a client nests too deep is refused, by its own name: GigaChat need not read it."""
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError as fault:
        if big_integers.is_of_long_number(fault):
            with suppress(RecursionError):
                return big_integers.dumps(payload)
        name = next((name for name, value in payload.items() if not _encodable({name: value})), None)
        name = {"messages": fields.turns, "response_format": fields.format}.get(name or "", name)
        raise GatewayError(INVALID_VALUE, f"'{name}' is nested too deep.", param=name) from None


def _encodable(value: object) -> bool:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return False
    return True
