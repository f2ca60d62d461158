"""The table of errors, kind by kind, and what carries a kind to the client."""

from __future__ import annotations

import gc
import weakref

import pytest

from app import errors
from app.errors import Actor, ConfigError, GatewayError, Kind

CLIENT: Actor = "client"
OPERATOR: Actor = "operator"
GIGACHAT: Actor = "gigachat"
GATEWAY: Actor = "gateway"

# name, status, who can act, x-should-retry, Retry-After, metric's error_type, SLO
TABLE: list[tuple[str, int, Actor, bool, int | None, str, str]] = [
    ("invalid_json", 400, CLIENT, False, None, "invalid_request", "excluded"),
    ("missing_required_parameter", 400, CLIENT, False, None, "invalid_request", "excluded"),
    ("invalid_value", 400, CLIENT, False, None, "invalid_request", "excluded"),
    ("unsupported_parameter", 400, CLIENT, False, None, "invalid_request", "excluded"),
    ("context_length_exceeded", 400, CLIENT, False, None, "invalid_request", "excluded"),
    ("unsupported_file", 400, CLIENT, False, None, "invalid_request", "excluded"),
    ("file_too_large", 400, CLIENT, False, None, "invalid_request", "excluded"),
    ("file_download_failed", 400, CLIENT, False, None, "invalid_request", "excluded"),
    ("file_not_found", 400, CLIENT, False, None, "invalid_request", "excluded"),
    ("upstream_rejected", 400, CLIENT, False, None, "upstream_4xx", "bad"),
    ("invalid_api_key", 401, CLIENT, False, None, "unauthorized", "excluded"),
    ("unknown_url", 404, CLIENT, False, None, "not_found", "excluded"),
    ("model_not_found", 404, CLIENT, False, None, "not_found", "excluded"),
    ("method_not_allowed", 405, CLIENT, False, None, "not_found", "excluded"),
    ("request_too_large", 413, CLIENT, False, None, "payload_too_large", "excluded"),
    ("rate_limit_exceeded", 429, GIGACHAT, True, 1, "upstream_429", "bad"),
    ("insufficient_quota", 429, OPERATOR, False, None, "upstream_402", "bad"),
    ("internal_error", 500, GATEWAY, True, None, "internal", "bad"),
    ("upstream_error", 502, GIGACHAT, False, None, "upstream_5xx", "bad"),
    ("upstream_error", 502, OPERATOR, False, None, "upstream_connect", "bad"),
    ("upstream_permission_denied", 502, OPERATOR, False, None, "upstream_4xx", "bad"),
    ("upstream_generation_error", 502, GIGACHAT, True, None, "upstream_5xx", "bad"),
    ("stream_truncated", 502, GIGACHAT, False, None, "stream_truncated", "bad"),
    ("upstream_credentials_exhausted", 503, OPERATOR, True, 10, "no_token", "bad"),
    ("upstream_stopped", 503, GIGACHAT, False, 300, "upstream_stop", "bad"),
    ("draining", 503, GATEWAY, True, 1, "draining", "excluded"),
    ("request_timeout", 408, CLIENT, False, None, "invalid_request", "excluded"),
    ("unsupported_encoding", 415, CLIENT, False, None, "invalid_request", "excluded"),
    ("headers_too_large", 431, CLIENT, False, None, "invalid_request", "excluded"),
    ("invalid_http", 400, CLIENT, False, None, "invalid_request", "excluded"),
    ("origin_not_allowed", 403, OPERATOR, False, None, "forbidden", "excluded"),
    ("host_not_allowed", 403, OPERATOR, False, None, "forbidden", "excluded"),
    ("overloaded", 503, GATEWAY, True, 1, "overloaded", "bad"),
    ("upstream_timeout", 504, GIGACHAT, False, None, "upstream_timeout", "bad"),
    ("deadline_exceeded", 504, GIGACHAT, False, None, "upstream_timeout", "bad"),
    ("upstream_unavailable", 503, GIGACHAT, True, 10, "upstream_5xx", "bad"),
    ("idempotency_conflict", 409, CLIENT, False, None, "idempotency_conflict", "excluded"),
    ("queue_full", 429, GATEWAY, True, 1, "queue_full", "bad"),
    ("queue_timeout", 503, GATEWAY, True, 1, "queue_timeout", "bad"),
]


def columns(kind: Kind) -> tuple[str, int, Actor, bool, int | None, str, str]:
    """A kind in the table's order."""
    return (kind.name, kind.status, kind.actor, kind.retry, kind.retry_after, kind.error_type, kind.slo)


def test_the_kinds_are_the_table() -> None:
    """No kind more, none less, each column as documented."""
    assert sorted(map(columns, errors.KINDS), key=str) == sorted(TABLE, key=str)


def test_metrics_know_every_kind() -> None:
    """The labels are fixed by the table, and hold the client's leaving as well."""
    assert set(errors.ERROR_TYPES) == {row[5] for row in TABLE} | {"client_closed"}
    assert set(errors.STATUSES) == {row[1] for row in TABLE} | {200, 499}


@pytest.mark.parametrize("kind", errors.KINDS, ids=lambda kind: kind.name)
def test_an_error_carries_its_kind(kind: Kind) -> None:
    """Retry-After is the situation's own unless GigaChat said another; a field may be named."""
    plain = GatewayError(kind, "What to do")
    assert (plain.kind, plain.message, str(plain), plain.param) == (kind, "What to do", "What to do", None)
    assert (plain.retry_after, plain.detail) == (kind.retry_after, None)
    told = GatewayError(kind, "x", param="messages", retry_after=0, detail="why")
    assert (told.param, told.retry_after, told.detail) == ("messages", 0, "why")


def test_faults_of_settings_stand_together() -> None:
    """Each has its own sentence, and the exception shows all."""
    fault = ConfigError(["a: wrong", "b: missing"])
    assert fault.faults == ["a: wrong", "b: missing"]
    assert str(fault) == "a: wrong; b: missing"


class _Large:
    """What a frame holds."""


def test_frames_of_an_error_are_let_go() -> None:
    """A ring of an error and a frame of its own ends without a garbage collection, causes and groups included."""
    seen: list[weakref.ref[_Large]] = []

    def fail() -> None:
        large = _Large()
        seen.append(weakref.ref(large))
        fault = ValueError("x")  # which stands in this frame
        raise fault

    def wrap() -> None:
        try:
            fail()
        except ValueError as cause:
            raise ExceptionGroup("several", [cause]) from cause

    gc.disable()
    try:
        try:
            wrap()
        except ExceptionGroup as error:
            errors.drop_frames(error)
        assert seen[0]() is None
    finally:
        gc.enable()
