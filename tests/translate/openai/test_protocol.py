"""OpenAI's protocol as the server knows it: errors, ids, and what a body says before it is read."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app import errors, sse
from app.errors import GatewayError
from app.translate.openai.protocol import OPENAI


@pytest.mark.parametrize(
    ("body", "model", "stream"),
    [
        ({}, None, False),
        ({"model": "gpt-4o", "stream": True}, "gpt-4o", True),
        ({"model": 5, "stream": 1}, None, False),
        ({"model": "", "stream": None}, "", False),
    ],
)
def test_a_body_is_told_from_its_outside(body: dict[str, Any], model: str | None, stream: bool) -> None:
    """A body that will be refused has its model and its stream in the log as well."""
    assert (OPENAI.asked_model(body), OPENAI.asks_stream(body)) == (model, stream)


def test_an_answer_bears_its_requests_id() -> None:
    """So that a client's id leads to the log."""
    assert OPENAI.answer_id("abc") == "chatcmpl-abc"


def test_an_error_is_the_same_whole_and_inside_a_stream() -> None:
    """The envelope, framed as an event where a stream has begun."""
    error = GatewayError(errors.INVALID_VALUE, "no", param="messages")
    whole = OPENAI.write_error(error)
    assert orjson.loads(whole)["error"]["param"] == "messages"
    assert OPENAI.stream_error(error) == sse.encode(whole)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (GatewayError(errors.INVALID_VALUE, ""), {"x-should-retry": "false"}),
        (GatewayError(errors.UPSTREAM_GENERATION_ERROR, ""), {"x-should-retry": "true"}),
        (GatewayError(errors.OVERLOADED, ""), {"x-should-retry": "true", "Retry-After": "1"}),
        (GatewayError(errors.OVERLOADED, "", retry_after=0.2), {"x-should-retry": "true", "Retry-After": "1"}),
        (GatewayError(errors.UPSTREAM_STOPPED, "", retry_after=2.1), {"x-should-retry": "false", "Retry-After": "3"}),
    ],
)
def test_sdks_are_told_whether_and_when_to_try_again(error: GatewayError, told: dict[str, str]) -> None:
    """Whole seconds, at least one, and never fewer than there are left."""
    assert OPENAI.error_headers(error) == told
