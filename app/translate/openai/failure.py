"""OpenAI's errors. Sources: OpenAI's API reference, "Errors", and what the SDKs read: code, type and param of the
body, `x-should-retry` and `Retry-After`.
"""

from __future__ import annotations

import math

from app import client_json, errors, sse
from app.errors import Actor, GatewayError, Kind

# OpenAI's `type` says whose fault an error is. Its `code` is the kind's name.
_TYPES: dict[Actor, str] = {
    "client": "invalid_request_error",
    "operator": "server_error",
    "gigachat": "server_error",
    "gateway": "server_error",
}
# Kinds for which OpenAI has a type of their own.
_OWN_TYPES: dict[Kind, str] = {
    errors.ORIGIN_NOT_ALLOWED: "permission_error",
    errors.HOST_NOT_ALLOWED: "permission_error",
    errors.RATE_LIMIT_EXCEEDED: "rate_limit_error",
    errors.IDEMPOTENCY_CONFLICT: "idempotency_error",
    errors.QUEUE_FULL: "rate_limit_error",
    errors.INSUFFICIENT_QUOTA: "insufficient_quota",
}


def error_type(kind: Kind) -> str:
    """OpenAI's `type` of an error."""
    return _OWN_TYPES.get(kind) or _TYPES[kind.actor]


def envelope(error: GatewayError) -> bytes:
    """The JSON body of an error, for an answer and for an event alike."""
    return client_json.dumps(
        {
            "error": {
                "message": error.message,
                "type": error_type(error.kind),
                "param": error.param,
                "code": error.kind.name,
            }
        }
    )


def stream_event(error: GatewayError) -> bytes:
    """An error inside a stream. No `[DONE]` follows, so that nobody takes the answer for a whole one."""
    return sse.encode(envelope(error))


def headers(error: GatewayError) -> dict[str, str]:
    """Whether the SDKs are to try again, and after how many seconds."""
    found = {"x-should-retry": "true" if error.kind.retry else "false"}
    if error.retry_after is not None:
        found["Retry-After"] = str(math.ceil(max(1.0, error.retry_after)))
    return found
