"""OpenAI's error envelope. Source: OpenAI's API reference, "Errors", and what the SDK reads (code, type, param)."""

from __future__ import annotations

import orjson

from app.errors import GatewayError


def envelope(error: GatewayError) -> bytes:
    """The JSON body of an error, for an answer and for an event alike."""
    return orjson.dumps(
        {
            "error": {
                "message": error.message,
                "type": error.row.type,
                "param": error.param,
                "code": error.row.code,
            }
        }
    )
