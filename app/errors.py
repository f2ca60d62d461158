"""Every error that a client can get: one table, one exception.

    GatewayError        what a client is told: a kind of the table, a message, the field's name
    ConfigError         settings that stop the start, all faults together

The columns are what every client is told in the words of its protocol (status, who can act, whether and when to try
again) and what operators see (the metric's `error_type`, and whether the error counts against availability).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Who can act: the client by another request, the operator by settings or the account, GigaChat and the gateway itself
# by themselves, so that only waiting helps.
Actor = Literal["client", "operator", "gigachat", "gateway"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One situation, whatever the client's protocol says of it: who can act, and how it is counted."""

    name: str  # for the log, and where a protocol has room for a word of ours
    status: int
    actor: Actor
    error_type: str
    slo: Literal["bad", "excluded"]
    retry: bool = False
    retry_after: int | None = None  # seconds, where the situation itself knows them


def _request(name: str, *, status: int = 400, error_type: str = "invalid_request") -> Kind:
    return Kind(name, status, "client", error_type, "excluded")


# The client's side
INVALID_JSON = _request("invalid_json")
MISSING_PARAMETER = _request("missing_required_parameter")
INVALID_VALUE = _request("invalid_value")
UNSUPPORTED_PARAMETER = _request("unsupported_parameter")
CONTEXT_LENGTH_EXCEEDED = _request("context_length_exceeded")
INVALID_API_KEY = _request("invalid_api_key", status=401, error_type="unauthorized")
UNKNOWN_URL = _request("unknown_url", status=404, error_type="not_found")
MODEL_NOT_FOUND = _request("model_not_found", status=404, error_type="not_found")
METHOD_NOT_ALLOWED = _request("method_not_allowed", status=405, error_type="not_found")
IDEMPOTENCY_CONFLICT = _request("idempotency_conflict", status=409, error_type="idempotency_conflict")
REQUEST_TIMEOUT = _request("request_timeout", status=408)
REQUEST_TOO_LARGE = _request("request_too_large", status=413, error_type="payload_too_large")
UNSUPPORTED_ENCODING = _request("unsupported_encoding", status=415)
HEADERS_TOO_LARGE = _request("headers_too_large", status=431)
INVALID_HTTP = _request("invalid_http")
ORIGIN_NOT_ALLOWED = Kind("origin_not_allowed", 403, "operator", "forbidden", "excluded")
HOST_NOT_ALLOWED = Kind("host_not_allowed", 403, "operator", "forbidden", "excluded")
UNSUPPORTED_FILE = _request("unsupported_file")
FILE_TOO_LARGE = _request("file_too_large")
FILE_DOWNLOAD_FAILED = _request("file_download_failed")
FILE_NOT_FOUND = _request("file_not_found")
UPSTREAM_REJECTED = Kind("upstream_rejected", 400, "client", "upstream_4xx", "bad")

# GigaChat's side
RATE_LIMIT_EXCEEDED = Kind("rate_limit_exceeded", 429, "gigachat", "upstream_429", "bad", True, 1)
INSUFFICIENT_QUOTA = Kind("insufficient_quota", 429, "operator", "upstream_402", "bad")
UPSTREAM_ERROR = Kind("upstream_error", 502, "gigachat", "upstream_5xx", "bad")
UPSTREAM_UNREACHABLE = Kind("upstream_error", 502, "operator", "upstream_connect", "bad")
UPSTREAM_PERMISSION_DENIED = Kind("upstream_permission_denied", 502, "operator", "upstream_4xx", "bad")
UPSTREAM_GENERATION_ERROR = Kind("upstream_generation_error", 502, "gigachat", "upstream_5xx", "bad", True)
STREAM_TRUNCATED = Kind("stream_truncated", 502, "gigachat", "stream_truncated", "bad")
NO_TOKEN = Kind("upstream_credentials_exhausted", 503, "operator", "no_token", "bad", True, 10)
UPSTREAM_STOPPED = Kind("upstream_stopped", 503, "gigachat", "upstream_stop", "bad", retry_after=300)
UPSTREAM_UNAVAILABLE = Kind("upstream_unavailable", 503, "gigachat", "upstream_5xx", "bad", True, 10)
UPSTREAM_TIMEOUT = Kind("upstream_timeout", 504, "gigachat", "upstream_timeout", "bad")
DEADLINE_EXCEEDED = Kind("deadline_exceeded", 504, "gigachat", "upstream_timeout", "bad")

# Ours
INTERNAL_ERROR = Kind("internal_error", 500, "gateway", "internal", "bad", True)
DRAINING = Kind("draining", 503, "gateway", "draining", "excluded", True, 1)
OVERLOADED = Kind("overloaded", 503, "gateway", "overloaded", "bad", True, 1)
QUEUE_FULL = Kind("queue_full", 429, "gateway", "queue_full", "bad", True, 1)
QUEUE_TIMEOUT = Kind("queue_timeout", 503, "gateway", "queue_timeout", "bad", True, 1)

KINDS: tuple[Kind, ...] = tuple(value for value in dict(globals()).values() if isinstance(value, Kind))

# Not an answer: the client has left. nginx's number, for log and metric only.
CLIENT_CLOSED_STATUS = 499
CLIENT_CLOSED = "client_closed"

ERROR_TYPES: tuple[str, ...] = tuple(sorted({kind.error_type for kind in KINDS} | {CLIENT_CLOSED}))
STATUSES: tuple[int, ...] = tuple(sorted({kind.status for kind in KINDS} | {200, CLIENT_CLOSED_STATUS}))


class GatewayError(Exception):
    """What the client is told: whose fault it is and what to do. Names no upstream URL, header, cookie or key."""

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        param: str | None = None,
        retry_after: float | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.param = param  # as the client's protocol names it
        self.retry_after = kind.retry_after if retry_after is None else retry_after  # seconds
        self.detail = detail  # the cause, for the operator's log alone


class ConfigError(Exception):
    """Settings that stop the start; `faults` has one sentence each, without any secret."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def drop_frames(fault: BaseException) -> None:
    """Let go what the frames behind an error and its causes hold, once nobody will look at them.

    An error often stands in a frame of its own traceback. Such a ring, with a body or a file of many megabytes in it,
    would stay until a full garbage collection, which may be hours away.
    """
    left: list[BaseException | None] = [fault]
    while left:
        one = left.pop()
        if one is not None and one.__traceback__ is not None:
            one.__traceback__ = None
            left += [one.__cause__, one.__context__]
            left += one.exceptions if isinstance(one, BaseExceptionGroup) else ()
