"""OpenAI's errors: the envelope, and the words in it."""

from __future__ import annotations

import json

import pytest

from app import errors
from app.errors import GatewayError, Kind
from app.translate.openai.failure import envelope

# OpenAI's types of those kinds that are no fault of the request's alone
PERMISSION, SERVER = "permission_error", "server_error"
TYPES = {
    errors.ORIGIN_NOT_ALLOWED: PERMISSION,
    errors.HOST_NOT_ALLOWED: PERMISSION,
    errors.RATE_LIMIT_EXCEEDED: "rate_limit_error",
    errors.INSUFFICIENT_QUOTA: "insufficient_quota",
    errors.UPSTREAM_ERROR: SERVER,
    errors.UPSTREAM_UNREACHABLE: SERVER,
    errors.UPSTREAM_PERMISSION_DENIED: SERVER,
    errors.UPSTREAM_GENERATION_ERROR: SERVER,
    errors.STREAM_TRUNCATED: SERVER,
    errors.NO_TOKEN: SERVER,
    errors.UPSTREAM_STOPPED: SERVER,
    errors.UPSTREAM_TIMEOUT: SERVER,
    errors.DEADLINE_EXCEEDED: SERVER,
    errors.UPSTREAM_UNAVAILABLE: SERVER,
    errors.IDEMPOTENCY_CONFLICT: "idempotency_error",
    errors.QUEUE_FULL: "rate_limit_error",
    errors.QUEUE_TIMEOUT: SERVER,
    errors.INTERNAL_ERROR: SERVER,
    errors.DRAINING: SERVER,
    errors.OVERLOADED: SERVER,
}


@pytest.mark.parametrize("kind", errors.KINDS, ids=lambda kind: kind.name)
def test_the_envelope_has_what_sdks_read(kind: Kind) -> None:
    """Message, type, param and code, all four always there."""
    body = json.loads(envelope(GatewayError(kind, "Что делать", param="messages[0]")))
    expected = TYPES.get(kind, "invalid_request_error")
    assert body == {"error": {"message": "Что делать", "type": expected, "param": "messages[0]", "code": kind.name}}


def test_the_envelope_is_one_line_of_utf8() -> None:
    """It may stand in an event as it is, and Cyrillic is not escaped."""
    data = envelope(GatewayError(errors.INTERNAL_ERROR, "Ошибка\r\n\r\ndata: [DONE]"))
    assert b"\n" not in data
    assert b"\r" not in data
    assert "Ошибка" in data.decode()
    assert json.loads(data)["error"]["param"] is None
