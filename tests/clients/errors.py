"""Errors as the user of the `openai` package sees them, and GigaChat's refusals as a table of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import openai

STOPPED = "Model is temporarily unavailable due to technical reasons"
BAD = openai.BadRequestError


class Seen(NamedTuple):
    """What the user of the SDK sees; `tries` are the requests that two allowed retries lead to."""

    kind: type[openai.APIStatusError]
    status: int
    code: str
    type: str = "invalid_request_error"
    param: str | None = None
    tries: int = 1
    retry_after: str | None = None


def told(error: openai.APIStatusError) -> tuple[Any, ...]:
    """The error's attributes in the order of Seen, but for the tries."""
    retry_after = error.response.headers.get("retry-after")
    return type(error), error.status_code, error.code, error.type, error.param, retry_after


def check(error: openai.APIStatusError, seen: Seen) -> None:
    """The error is this row; its words help and give nothing away."""
    assert told(error) == (seen.kind, seen.status, seen.code, seen.type, seen.param, seen.retry_after)
    assert error.response.headers["x-should-retry"] == ("true" if seen.tries > 1 else "false")
    assert error.request_id == error.response.headers["x-request-id"] != ""
    assert error.response.headers["content-type"] == "application/json"
    assert isinstance(error.body, dict)
    assert set(error.body) == {"message", "type", "param", "code"}
    assert len(error.body["message"]) > 20
    words = error.response.text.lower()
    assert not any(secret in words for secret in ("://", "127.0.0.1", "traceback", "bearer", "cookie", "<html"))
    assert "\\u04" not in words


BUSY = {"Retry-After": "3"}
INTERNAL = openai.InternalServerError
REFUSALS: dict[str, tuple[dict[str, Any], Seen]] = {
    "400": ({"status": 400, "message": "Weird params"}, Seen(BAD, 400, "upstream_rejected")),
    "422": ({"status": 422, "message": "Weird params"}, Seen(BAD, 400, "upstream_rejected")),
    "413": ({"status": 413}, Seen(BAD, 400, "context_length_exceeded", param="messages")),
    "422 of length": (
        {"status": 422, "message": "context is too long"},
        Seen(BAD, 400, "context_length_exceeded", param="messages"),
    ),
    "404": ({"status": 404}, Seen(openai.NotFoundError, 404, "model_not_found", param="model")),
    "402": ({"status": 402}, Seen(openai.RateLimitError, 429, "insufficient_quota", "insufficient_quota")),
    "403": ({"status": 403}, Seen(INTERNAL, 502, "upstream_permission_denied", "server_error")),
    "403 stop": (
        {"status": 403, "message": STOPPED},
        Seen(INTERNAL, 503, "upstream_stopped", "server_error", retry_after="300"),
    ),
    "423": ({"status": 423}, Seen(INTERNAL, 503, "upstream_stopped", "server_error", retry_after="300")),
    "429": (
        {"status": 429, "headers": BUSY},
        Seen(openai.RateLimitError, 429, "rate_limit_exceeded", "rate_limit_error", tries=3, retry_after="3"),
    ),
    "500": ({"status": 500}, Seen(INTERNAL, 502, "upstream_error", "server_error")),
    "503 html": ({"status": 503, "html": True}, Seen(INTERNAL, 502, "upstream_error", "server_error")),
    "418": ({"status": 418, "message": "see http://10.1.2.3/secret"}, Seen(BAD, 400, "upstream_rejected")),
}
