"""What a failed attempt means for the client: the causes of the wire, as rows of the table of errors."""

from __future__ import annotations

from app import errors
from app.errors import GatewayError, Row
from app.translate.dialogue import Failed
from app.translate.gigachat.answers import UnreadableError
from app.translate.gigachat.refusals import file_refusal, refusal, sentence
from app.upstream.failures import Cause, Refused, Unreachable, UpstreamFailure
from app.upstream.tokens import NoToken

_AGAIN = "Try again later."
_CAUSES: dict[Cause, tuple[Row, str]] = {
    "connect": (errors.UPSTREAM_UNREACHABLE, f"The gateway cannot reach GigaChat. {_AGAIN}"),
    "dns": (errors.UPSTREAM_UNREACHABLE, f"The gateway cannot reach GigaChat: its name does not resolve. {_AGAIN}"),
    "tls": (
        errors.UPSTREAM_UNREACHABLE,
        "The gateway does not trust what answers in GigaChat's place. The operator should run `python -m app check`.",
    ),
    "handshake": (
        errors.UPSTREAM_UNREACHABLE,
        "TLS with what answers in GigaChat's place failed. The operator should run `python -m app check`.",
    ),
    "stale": (errors.UPSTREAM_UNREACHABLE, f"GigaChat closed the connection without an answer. {_AGAIN}"),
    "timeout": (errors.UPSTREAM_TIMEOUT, f"GigaChat did not answer in time. {_AGAIN}"),
    "cut": (errors.UPSTREAM_ERROR, f"GigaChat's answer was cut off. {_AGAIN}"),
    "protocol": (errors.UPSTREAM_ERROR, f"GigaChat's answer could not be read. {_AGAIN}"),
}
_FAILED: dict[str, tuple[Row, str]] = {
    "generation": (errors.UPSTREAM_GENERATION_ERROR, "GigaChat's model failed to generate an answer. Try again."),
    "upstream": (errors.UPSTREAM_ERROR, f"GigaChat reported an error inside its answer. {_AGAIN}"),
    "truncated": (errors.STREAM_TRUNCATED, "GigaChat's answer broke off: what came is not the whole answer."),
}


def to_error(failure: UpstreamFailure, field: str = "messages", *, file: bool = False) -> GatewayError:
    """The client's error for an attempt without an answer; `field` is where the request's words, or the file, stand."""
    if isinstance(failure, Refused):
        if file:
            error = file_refusal(failure.status, failure.body, field, retry_after=failure.retry_after)
        else:
            error = refusal(failure.status, failure.body, field=field, retry_after=failure.retry_after)
        # Of what the account may not do GigaChat's own words help the operator; elsewhere they may quote content.
        words = sentence(failure.body) if failure.status in {402, 403, 423} else ""
        error.detail = f"{failure}: {words}" if words else str(failure)
        return error
    assert isinstance(failure, Unreachable)  # noqa: S101 - the tree has these two leaves
    row, message = _CAUSES[failure.cause]
    error = GatewayError(row, f"'{field}' was not passed on: {message}" if file else message)
    error.param = field if file else None
    error.detail = failure.detail or None
    return error


def unreadable(fault: UnreadableError) -> GatewayError:
    """The client's error for an answer that is not what GigaChat promises."""
    error = GatewayError(errors.UPSTREAM_ERROR, f"{fault}. {_AGAIN}")
    error.detail = str(fault)
    return error


def stream_error(failed: Failed, *, begun: bool) -> GatewayError:
    """The client's error for an answer that did not come to its end; before any word it is no truncated stream."""
    if failed.reason == "truncated" and not begun:
        return to_error(Unreachable("cut", ""))
    row, message = _FAILED[failed.reason]
    return GatewayError(row, message)


def whole(error: GatewayError) -> GatewayError:
    """The same for a client that asked for no stream: its answer can't be a truncated one."""
    return to_error(Unreachable("cut", "")) if error.row is errors.STREAM_TRUNCATED else error


def no_token(fault: NoToken) -> GatewayError:
    """The client's error while the gateway has no token."""
    error = GatewayError(
        errors.NO_TOKEN,
        f"The gateway has no usable GigaChat token: {fault.reason}. For the operator: {fault.remedy}.",
        retry_after=fault.retry_after,
    )
    error.detail = str(fault)
    return error
