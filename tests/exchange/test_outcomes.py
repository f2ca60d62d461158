"""What a failed attempt means for the client."""

from __future__ import annotations

from typing import get_args

import pytest

from app.errors import GatewayError
from app.exchange.failures import BrokenAnswer, FileFailure, NoFirstEvent, NoStream
from app.exchange.outcomes import ClientErrors, to_error
from app.translate.dialogue import Failed
from app.translate.field_names import FieldNames
from app.translate.gigachat.contract import UnreadableError
from app.upstream.failures import Cause, Refused, Unreachable
from app.upstream.tokens import NoToken

OPENAI = FieldNames(turns="messages")
# cause -> status, code, error_type
CAUSES: dict[Cause, tuple[int, str, str]] = {
    "connect": (502, "upstream_error", "upstream_connect"),
    "dns": (502, "upstream_error", "upstream_connect"),
    "handshake": (502, "upstream_error", "upstream_connect"),
    "tls": (502, "upstream_error", "upstream_connect"),
    "stale": (502, "upstream_error", "upstream_connect"),
    "timeout": (504, "upstream_timeout", "upstream_timeout"),
    "cut": (502, "upstream_error", "upstream_5xx"),
    "protocol": (502, "upstream_error", "upstream_5xx"),
}


@pytest.mark.parametrize("cause", get_args(Cause))
def test_causes(cause: Cause) -> None:
    """Each cause of the wire has its row; the detail, which names hosts, stays with the operator."""
    error = to_error(Unreachable(cause, "https://api.giga.chat refused s3cret"), OPENAI, "turns")
    assert (error.kind.status, error.kind.name, error.kind.error_type) == CAUSES[cause]
    assert (error.kind.retry, error.kind.slo) == (False, "bad")
    assert "giga.chat" not in error.message
    assert "s3cret" not in error.message


@pytest.mark.parametrize(
    ("status", "row", "wait"),
    [
        (401, (503, "upstream_credentials_exhausted", True), 10),
        (403, (502, "upstream_permission_denied", False), None),
        (429, (429, "rate_limit_exceeded", True), 7),
        (500, (502, "upstream_error", False), None),
        (418, (400, "upstream_rejected", False), None),
    ],
)
def test_refusals(status: int, row: tuple[int, str, bool], wait: float | None) -> None:
    """A refusal of GigaChat's is the client's error of its status, with GigaChat's own wait where it may matter."""
    error = to_error(Refused(status, b'{"message":"No"}', 7.0 if status == 429 else None), OPENAI, "turns")
    assert (error.kind.status, error.kind.name, error.kind.retry) == row
    assert error.retry_after == wait


@pytest.mark.parametrize("cause", get_args(Cause))
def test_causes_of_files(cause: Cause) -> None:
    """The same rows, and the part that was on its way is named."""
    failure = Unreachable(cause, "https://api.giga.chat refused s3cret")
    error = to_error(FileFailure("messages[1].content[0]", failure), OPENAI, "turns")
    assert (error.kind.status, error.kind.name, error.kind.error_type) == CAUSES[cause]
    assert (error.param, error.detail) == ("messages[1].content[0]", "https://api.giga.chat refused s3cret")
    assert error.message.startswith("'messages[1].content[0]' was not passed on: ")
    assert "giga.chat" not in error.message


def test_a_refused_file_is_no_refused_request() -> None:
    """A 413 of an upload says nothing of the conversation's length."""
    refused = Refused(413, b"{}", None)
    error, other = to_error(FileFailure("p", refused), OPENAI, "turns"), to_error(refused, OPENAI, "turns")
    assert (error.kind.name, error.param) == ("file_too_large", "p")
    assert (other.kind.name, other.param) == ("context_length_exceeded", "messages")


@pytest.mark.parametrize(
    ("reason", "begun", "row"),
    [
        ("generation", False, (502, "upstream_generation_error", True)),
        ("generation", True, (502, "upstream_generation_error", True)),
        ("upstream", True, (502, "upstream_error", False)),
        ("truncated", True, (502, "stream_truncated", False)),
        ("truncated", False, (502, "upstream_error", False)),
    ],
)
def test_answers_that_did_not_end(reason: str, begun: bool, row: tuple[int, str, bool]) -> None:
    """The model's failure, GigaChat's own error, a broken stream: before the first word nothing was truncated."""
    failed = Failed(reason, "their words")  # type: ignore[arg-type] # the table has them all
    error = to_error(BrokenAnswer(failed, begun=begun), OPENAI, "turns", streamed=True)
    assert (error.kind.status, error.kind.name, error.kind.retry) == row
    assert "their words" not in error.message


def test_no_token() -> None:
    """Without a token: why, what the operator does, and when the client may come again."""
    error = to_error(NoToken("OAuth is down", "Wait", 4.2), OPENAI, "turns")
    assert (error.kind.status, error.kind.name, error.retry_after) == (503, "upstream_credentials_exhausted", 4.2)
    assert error.kind.retry
    assert "OAuth is down" in error.message
    assert "Wait" in error.message


def test_a_whole_answer_is_never_a_truncated_stream() -> None:
    """It may be read as a stream, for its stop sequences; its client knows nothing of that."""
    error = to_error(BrokenAnswer(Failed("truncated", ""), begun=True), OPENAI, "turns")
    assert (error.kind.name, "cut off" in error.message) == ("upstream_error", True)


def test_the_edge() -> None:
    """Every typed failure leaves as the client's error, with its cause behind it; other errors pass."""
    failures = [NoStream(), NoFirstEvent(30), UnreadableError("no"), FileFailure("p", UnreadableError("no"))]
    for failure in failures:
        with pytest.raises(GatewayError) as caught, ClientErrors(OPENAI, "turns", lambda: "none such"):
            raise failure
        assert caught.value.__cause__ is failure
        assert caught.value.kind.status in {502, 504}
    without = to_error(FileFailure("p", NoToken("OAuth is down", "Wait", 4.2)), OPENAI, "turns")
    assert (without.kind.status, without.param) == (503, None)
    with pytest.raises(KeyError), ClientErrors(OPENAI, "turns", lambda: "none such"):
        raise KeyError
