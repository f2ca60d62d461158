"""What GigaChat's refusals mean for a client: one table of statuses.

Source: GigaChat's REST API, "Errors". GigaChat's own sentence is handed on only where the client can act on it, and
cleaned: a refusal never carries a URL, a header or a file's path to the client.
"""

from __future__ import annotations

import re

import orjson

from app import errors
from app.errors import GatewayError, Row

_MAX_SENTENCE = 300
_HTML = re.compile(r"<[^>]*>")
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_LENGTH = re.compile(r"context|too long|length|tokens? limit|maximum.*token", re.IGNORECASE)
_STOP_TEXT = "temporarily unavailable due to technical reasons"
_MODEL = re.compile(r"\bmodel\b", re.IGNORECASE)

_STATUSES: dict[int, tuple[Row, str]] = {
    401: (
        errors.NO_TOKEN,
        "GigaChat does not accept the gateway's token. The operator should run `python -m app check`.",
    ),
    402: (errors.INSUFFICIENT_QUOTA, "GigaChat's tokens are used up (402). The operator must top up the account."),
    403: (
        errors.UPSTREAM_PERMISSION_DENIED,
        "GigaChat denies this to the gateway's account (403). The operator should check scope, tariff and model.",
    ),
    413: (errors.CONTEXT_LENGTH_EXCEEDED, "The conversation is longer than the model's context. Shorten it."),
    423: (errors.UPSTREAM_STOPPED, "GigaChat has stopped this model for technical reasons. Try again later."),
    429: (errors.RATE_LIMIT_EXCEEDED, "GigaChat takes no more requests at the moment (429). Try again shortly."),
}


def sentence(body: bytes) -> str:
    """GigaChat's own words in a refusal, or nothing: HTML of a proxy in front of it has none worth repeating."""
    try:
        message = orjson.loads(body).get("message")
    except (orjson.JSONDecodeError, AttributeError):
        return ""
    if not isinstance(message, str) or _HTML.search(message):
        return ""
    cleaned = _URL.sub("...", " ".join(message.split()))
    return "".join(char for char in cleaned if char.isprintable())[:_MAX_SENTENCE]


def refusal(status: int, body: bytes, *, retry_after: float | None = None) -> GatewayError:
    """The error that a client gets for GigaChat's refusal. `retry_after` is GigaChat's own, in seconds."""
    words = sentence(body)
    if status == 403 and _STOP_TEXT in words:
        status = 423
    if status == 422 and _LENGTH.search(words):
        return GatewayError(
            errors.CONTEXT_LENGTH_EXCEEDED, f"{_STATUSES[413][1]} GigaChat says: {words}", param="messages"
        )
    if status == 404:
        return _not_found(words)
    if status in _STATUSES:
        row, message = _STATUSES[status]
        return GatewayError(row, message, param="messages" if status == 413 else None, retry_after=retry_after)
    if 400 <= status < 500:
        return GatewayError(errors.UPSTREAM_REJECTED, f"GigaChat refused the request: {words or f'status {status}'}")
    return GatewayError(errors.UPSTREAM_ERROR, f"GigaChat failed to answer (status {status}). Try again later.")


def _not_found(words: str) -> GatewayError:
    if not words or _MODEL.search(words):
        return GatewayError(
            errors.MODEL_NOT_FOUND,
            "GigaChat has no such model. GET /v1/models lists what it has.",
            param="model",
        )
    return GatewayError(errors.UPSTREAM_REJECTED, f"GigaChat refused the request: {words}")
