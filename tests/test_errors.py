"""The table of errors, row by row, and what carries a row to the client."""

from __future__ import annotations

import dataclasses

import pytest

from app import errors
from app.errors import ConfigError, GatewayError, Row

REQUEST, SERVER = "invalid_request_error", "server_error"

# code, status, type, x-should-retry, Retry-After, metric's error_type, SLO
TABLE: list[tuple[str, int, str, bool, int | None, str, str]] = [
    ("invalid_json", 400, REQUEST, False, None, "invalid_request", "excluded"),
    ("missing_required_parameter", 400, REQUEST, False, None, "invalid_request", "excluded"),
    ("invalid_value", 400, REQUEST, False, None, "invalid_request", "excluded"),
    ("unsupported_parameter", 400, REQUEST, False, None, "invalid_request", "excluded"),
    ("context_length_exceeded", 400, REQUEST, False, None, "invalid_request", "excluded"),
    ("unsupported_file", 400, REQUEST, False, None, "invalid_request", "excluded"),
    ("file_too_large", 400, REQUEST, False, None, "invalid_request", "excluded"),
    ("file_download_failed", 400, REQUEST, False, None, "invalid_request", "excluded"),
    ("file_not_found", 400, REQUEST, False, None, "invalid_request", "excluded"),
    ("upstream_rejected", 400, REQUEST, False, None, "upstream_4xx", "bad"),
    ("invalid_api_key", 401, REQUEST, False, None, "unauthorized", "excluded"),
    ("unknown_url", 404, REQUEST, False, None, "not_found", "excluded"),
    ("model_not_found", 404, REQUEST, False, None, "not_found", "excluded"),
    ("method_not_allowed", 405, REQUEST, False, None, "not_found", "excluded"),
    ("request_too_large", 413, REQUEST, False, None, "payload_too_large", "excluded"),
    ("rate_limit_exceeded", 429, "rate_limit_error", True, 1, "upstream_429", "bad"),
    ("insufficient_quota", 429, "insufficient_quota", False, None, "upstream_402", "bad"),
    ("internal_error", 500, SERVER, True, None, "internal", "bad"),
    ("upstream_error", 502, SERVER, False, None, "upstream_5xx", "bad"),
    ("upstream_error", 502, SERVER, False, None, "upstream_connect", "bad"),
    ("upstream_permission_denied", 502, SERVER, False, None, "upstream_4xx", "bad"),
    ("upstream_generation_error", 502, SERVER, True, None, "upstream_5xx", "bad"),
    ("stream_truncated", 502, SERVER, False, None, "stream_truncated", "bad"),
    ("upstream_credentials_exhausted", 503, SERVER, True, 10, "no_token", "bad"),
    ("upstream_stopped", 503, SERVER, False, 300, "upstream_stop", "bad"),
    ("draining", 503, SERVER, True, 1, "draining", "excluded"),
    ("overloaded", 503, SERVER, True, 1, "draining", "excluded"),
    ("upstream_timeout", 504, SERVER, False, None, "upstream_timeout", "bad"),
]


def columns(row: Row) -> tuple[str, int, str, bool, int | None, str, str]:
    """A row in the table's order."""
    return (row.code, row.status, row.type, row.retry, row.retry_after, row.error_type, row.slo)


def test_the_rows_are_the_table() -> None:
    """No row more, none less, each column as documented."""
    assert sorted(map(columns, errors.ROWS), key=str) == sorted(TABLE, key=str)


def test_metrics_know_every_row() -> None:
    """The labels are fixed by the table, and hold the client's leaving as well."""
    assert set(errors.ERROR_TYPES) == {row[5] for row in TABLE} | {"client_closed"}
    assert set(errors.STATUSES) == {row[1] for row in TABLE} | {200, 499}


@pytest.mark.parametrize("row", errors.ROWS, ids=lambda row: row.code)
def test_an_error_carries_its_row(row: Row) -> None:
    """Retry-After is the situation's own unless GigaChat said another; a field may be named."""
    plain = GatewayError(row, "What to do")
    assert (plain.row, plain.message, str(plain), plain.param) == (row, "What to do", "What to do", None)
    assert plain.retry_after == row.retry_after
    assert GatewayError(row, "x", param="messages", retry_after=0).retry_after == 0


def test_rows_cannot_be_changed() -> None:
    """One table for all requests."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        errors.INVALID_JSON.status = 200  # type: ignore[misc]


def test_faults_of_settings_stand_together() -> None:
    """Each has its own sentence, and the exception shows all."""
    fault = ConfigError(["a: wrong", "b: missing"])
    assert fault.faults == ["a: wrong", "b: missing"]
    assert str(fault) == "a: wrong; b: missing"
