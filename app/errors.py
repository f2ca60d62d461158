"""Every error that a client can get: one table, one exception.

    GatewayError        what a client is told: a row of the table, a message, the field's name
    ConfigError         settings that stop the start, all faults together

The columns are what a client sees (status, type, code, `x-should-retry`, `Retry-After`) and what operators see
(the metric's `error_type`, and whether the error counts against availability).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Row:
    """One situation: what the client gets and how it is counted."""

    status: int
    type: str
    code: str
    error_type: str
    slo: Literal["bad", "excluded"]
    retry: bool = False
    retry_after: int | None = None  # seconds, where the situation itself knows them


def _request(code: str, *, status: int = 400, error_type: str = "invalid_request") -> Row:
    return Row(status, "invalid_request_error", code, error_type, "excluded")


def _server(status: int, code: str, error_type: str, *, retry: bool = False, retry_after: int | None = None) -> Row:
    return Row(status, "server_error", code, error_type, "bad", retry, retry_after)


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
REQUEST_TOO_LARGE = _request("request_too_large", status=413, error_type="payload_too_large")
UNSUPPORTED_FILE = _request("unsupported_file")
FILE_TOO_LARGE = _request("file_too_large")
FILE_DOWNLOAD_FAILED = _request("file_download_failed")
FILE_NOT_FOUND = _request("file_not_found")
UPSTREAM_REJECTED = Row(400, "invalid_request_error", "upstream_rejected", "upstream_4xx", "bad")

# GigaChat's side
RATE_LIMIT_EXCEEDED = Row(429, "rate_limit_error", "rate_limit_exceeded", "upstream_429", "bad", True, 1)
INSUFFICIENT_QUOTA = Row(429, "insufficient_quota", "insufficient_quota", "upstream_402", "bad")
UPSTREAM_ERROR = _server(502, "upstream_error", "upstream_5xx")
UPSTREAM_UNREACHABLE = _server(502, "upstream_error", "upstream_connect")
UPSTREAM_PERMISSION_DENIED = _server(502, "upstream_permission_denied", "upstream_4xx")
UPSTREAM_GENERATION_ERROR = _server(502, "upstream_generation_error", "upstream_5xx", retry=True)
STREAM_TRUNCATED = _server(502, "stream_truncated", "stream_truncated")
NO_TOKEN = _server(503, "upstream_credentials_exhausted", "no_token", retry=True, retry_after=10)
UPSTREAM_STOPPED = _server(503, "upstream_stopped", "upstream_stop", retry_after=300)
UPSTREAM_TIMEOUT = _server(504, "upstream_timeout", "upstream_timeout")

# Ours
INTERNAL_ERROR = _server(500, "internal_error", "internal", retry=True)
DRAINING = Row(503, "server_error", "draining", "draining", "excluded", True, 1)
OVERLOADED = Row(503, "server_error", "overloaded", "draining", "excluded", True, 1)

ROWS: tuple[Row, ...] = tuple(value for value in dict(globals()).values() if isinstance(value, Row))

# Not an answer: the client has left. nginx's number, for log and metric only.
CLIENT_CLOSED_STATUS = 499
CLIENT_CLOSED = "client_closed"

ERROR_TYPES: tuple[str, ...] = tuple(sorted({row.error_type for row in ROWS} | {CLIENT_CLOSED}))
STATUSES: tuple[int, ...] = tuple(sorted({row.status for row in ROWS} | {200, CLIENT_CLOSED_STATUS}))


class GatewayError(Exception):
    """What the client is told: whose fault it is and what to do. Names no upstream URL, header, cookie or key."""

    def __init__(self, row: Row, message: str, *, param: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.row = row
        self.message = message
        self.param = param
        self.retry_after = row.retry_after if retry_after is None else retry_after  # seconds
        self.detail: str | None = None  # the cause, for the operator's log alone


class ConfigError(Exception):
    """Settings that stop the start; `faults` has one sentence each, without any secret."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults
