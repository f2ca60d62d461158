"""What operators are told of connections: gauges, counters, and no more than a line a minute."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from app.observe import connections
from app.observe.connections import ConnectionObserver
from app.observe.metrics import Metrics


@pytest.fixture
def registry() -> CollectorRegistry:
    """Of this test alone."""
    return CollectorRegistry()


@pytest.fixture
def observer(registry: CollectorRegistry) -> ConnectionObserver:
    """Of a port with ten places."""
    return ConnectionObserver(Metrics(registry), "main", 10)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that a test sets."""
    now = [1000.0]
    monkeypatch.setattr(connections, "monotonic", lambda: now[0])
    return now


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The fields of the lines so far."""
    return [record.__dict__["gateway_fields"] for record in caplog.records]


def test_what_is_counted(observer: ConnectionObserver, registry: CollectorRegistry) -> None:
    """Those that are open, the limit, and why the gateway ended some."""
    for _ in range(3):
        observer.record_opened()
    observer.record_closed()
    observer.record_cut("evicted")
    labels = {"port": "main"}
    assert registry.get_sample_value("gpt2giga_proxy_connections", labels) == 2
    assert registry.get_sample_value("gpt2giga_proxy_connections_limit", labels) == 10
    closed = "gpt2giga_proxy_connections_closed_total"
    assert registry.get_sample_value(closed, {**labels, "cause": "evicted"}) == 1
    assert registry.get_sample_value(closed, {**labels, "cause": "refused"}) == 0


def test_a_flood_is_a_line_a_minute(
    observer: ConnectionObserver, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    """With all that happened since the last one."""
    for second in range(120):
        clock[0] = 1000.0 + second
        for _ in range(50):
            observer.record_opened()
            observer.record_cut("evicted")
            observer.record_closed()
        observer.record_cut("head")
        observer.log_cuts()
    found = lines(caplog)
    assert [(line["evicted"], line["head"], line["most"]) for line in found] == [(50, 1, 1), (3000, 60, 1)]
    assert all("refused" not in line and "GPT2GIGA_MAX_CONNECTIONS" in line["remedy"] for line in found)


def test_what_is_usual_is_no_line(
    observer: ConnectionObserver, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    """Idle connections end all the time. Where none was refused for want of room, no remedy is told."""
    observer.record_cut("idle")
    observer.log_cuts()
    assert not caplog.records
    observer.record_cut("unread")
    observer.log_cuts()
    assert lines(caplog) == [{"port": "main", "limit": 10, "most": 0, "unread": 1}]


def test_few_files_are_a_line_a_minute(
    observer: ConnectionObserver, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    """An error: something keeps them open."""
    for second in range(90):
        clock[0] = 1000.0 + second
        observer.report_file_shortage()
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 2
    assert "ulimit" in lines(caplog)[0]["remedy"]
