"""What a failure means for the client: the typed failures, as rows of the table of errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from app import errors
from app.errors import GatewayError, Kind
from app.exchange.failures import (
    FAILURES,
    AnswerFailure,
    BrokenAnswer,
    Failure,
    FileFailure,
    NoFirstEvent,
    NoJson,
    Page,
)
from app.translate.field_names import FieldNames
from app.translate.gigachat.contract import UnreadableError
from app.translate.gigachat.refusals import Part, file_refusal, refusal, sentence
from app.upstream.failures import Cause, Refused, Unreachable, UpstreamFailure
from app.upstream.tokens import NoToken

_AGAIN = "Try again later."
_CAUSES: dict[Cause, tuple[Kind, str]] = {
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
_REASONS: dict[Literal["generation", "upstream", "truncated"], tuple[Kind, str]] = {
    "generation": (errors.UPSTREAM_GENERATION_ERROR, "GigaChat's model failed to generate an answer. Try again."),
    "upstream": (errors.UPSTREAM_ERROR, f"GigaChat reported an error inside its answer. {_AGAIN}"),
    "truncated": (errors.STREAM_TRUNCATED, "GigaChat's answer broke off: what came is not the whole answer."),
}
_NO_JSON = "GigaChat's model gave no JSON of the wanted form, however it was asked. Try again, or ask for less at once."
# Of what the account may not do GigaChat's own words help the operator; elsewhere they may quote content.
_TELLING = frozenset({402, 403, 423})


class ClientErrors:
    """The edge of this package, a context: failures of its block become the client's errors.

    `part`: where the words stand that may be too many. `say_missing`: the message where GigaChat has no such model.
    `streamed`: the client may have got a part of the answer.
    """

    __slots__ = ("_fields", "_part", "_say_missing", "_streamed")

    def __init__(
        self, fields: FieldNames, part: Part, say_missing: Callable[[], str], *, streamed: bool = False
    ) -> None:
        self._fields = fields
        self._part: Part = part
        self._say_missing = say_missing
        self._streamed = streamed

    def __enter__(self) -> None:
        """The block begins."""

    def __exit__(self, _kind: type[BaseException] | None, fault: BaseException | None, _trace: object) -> None:
        """Raise GatewayError for a failure."""
        if fault is not None and isinstance(fault, FAILURES):
            raise to_error(fault, self._fields, self._part, self._say_missing, streamed=self._streamed) from fault


def to_error(
    failure: Failure,
    fields: FieldNames,
    part: Part,
    say_missing: Callable[[], str] | None = None,
    *,
    streamed: bool = False,
) -> GatewayError:
    """The client's error for a failure."""
    if isinstance(failure, FileFailure):
        return _file_error(failure.cause, failure.path)
    if isinstance(failure, NoToken):
        return _no_token(failure)
    if isinstance(failure, Refused):
        return refusal(
            failure.status,
            failure.body,
            fields,
            part,
            say_missing=say_missing,
            retry_after=failure.retry_after,
            detail=describe(failure),
        )
    if isinstance(failure, Unreachable):
        kind, message = _CAUSES[failure.cause]
        return GatewayError(kind, message, detail=failure.detail or None)
    if isinstance(failure, BrokenAnswer):
        return _broken(failure, streamed=streamed)
    if isinstance(failure, NoJson):
        return GatewayError(errors.UPSTREAM_GENERATION_ERROR, _NO_JSON)
    if isinstance(failure, NoFirstEvent):
        return GatewayError(errors.UPSTREAM_TIMEOUT, str(failure))
    if isinstance(failure, UnreadableError):
        return GatewayError(errors.UPSTREAM_ERROR, f"{failure}. {_AGAIN}", detail=str(failure))
    if isinstance(failure, Page):
        return GatewayError(errors.UPSTREAM_ERROR, f"What answered is not GigaChat, but a page of HTML. {_AGAIN}")
    assert isinstance(failure, AnswerFailure)  # noqa: S101 - NoStream is the last of the tree
    return GatewayError(errors.UPSTREAM_ERROR, f"GigaChat's answer is no stream. {_AGAIN}")


def _file_error(failure: UpstreamFailure | NoToken | UnreadableError, path: str) -> GatewayError:
    """The client's error where a file could not be brought to GigaChat; `path` is where it stands in the request."""
    if isinstance(failure, Refused):
        return file_refusal(
            failure.status, failure.body, path, retry_after=failure.retry_after, detail=describe(failure)
        )
    if isinstance(failure, Unreachable):
        kind, message = _CAUSES[failure.cause]
        told = f"'{path}' was not passed on: {message}"
        return GatewayError(kind, told, param=path, detail=failure.detail or None)
    if isinstance(failure, UnreadableError):
        message = f"'{path}' was not passed on: GigaChat's answer could not be read. {_AGAIN}"
        return GatewayError(errors.UPSTREAM_ERROR, message, param=path)
    assert isinstance(failure, NoToken)  # noqa: S101 - the last of these
    return _no_token(failure)


def describe(refusal_: Refused) -> str:
    """A refusal for the operator's log."""
    words = sentence(refusal_.body) if refusal_.status in _TELLING else ""
    return f"{refusal_}: {words}" if words else str(refusal_)


def _broken(failure: BrokenAnswer, *, streamed: bool) -> GatewayError:
    """Before any word has gone out an answer that breaks off is no truncated stream."""
    if failure.reason == "truncated" and not (failure.begun and streamed):
        return GatewayError(*_CAUSES["cut"])
    return GatewayError(*_REASONS[failure.reason])


def _no_token(failure: NoToken) -> GatewayError:
    return GatewayError(
        errors.NO_TOKEN,
        f"The gateway has no usable GigaChat token: {failure.reason}. For the operator: {failure.remedy}.",
        retry_after=failure.retry_after,
        detail=str(failure),
    )
