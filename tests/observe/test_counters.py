"""Our own counters and gauges are Prometheus's to whoever reads them: the same text for the same changes."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator

import pytest
from prometheus_client import CollectorRegistry, disable_created_metrics, enable_created_metrics, generate_latest
from prometheus_client import Counter as TheirCounter
from prometheus_client import Gauge as TheirGauge
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics
from prometheus_client.registry import Collector

from app.observe.counters import Counter, Gauge
from app.observe.histograms import Histogram

Write = Callable[[CollectorRegistry], bytes]
FAMILIES: list[Callable[[CollectorRegistry], Counter | Gauge | Histogram]] = [
    lambda registry: Counter("x", "What.", ("model",), registry),
    lambda registry: Gauge("x", "What.", ("model",), registry),
    lambda registry: Histogram("x", "What.", (1.0,), ("model",), registry),
]


@pytest.fixture(autouse=True)
def _without_created() -> Iterator[None]:
    disable_created_metrics()  # type: ignore[no-untyped-call]
    yield
    enable_created_metrics()  # type: ignore[no-untyped-call]


def _registries() -> tuple[CollectorRegistry, CollectorRegistry]:
    return CollectorRegistry(), CollectorRegistry()


@pytest.mark.parametrize("names", [(), ("model",), ("endpoint", "stream")])
@pytest.mark.parametrize("write", [generate_latest, openmetrics])
def test_a_counters_text_is_the_clients_own(names: tuple[str, ...], write: Write) -> None:
    """Name with `_total`, help, labels escaped, the order of series, numbers as Go writes them."""
    ours, theirs = _registries()
    one = Counter("x", 'What "this" is.\nTwo lines.', names, ours)
    other = TheirCounter("x", 'What "this" is.\nTwo lines.', names, registry=theirs)
    for number, amount in enumerate((1, 2.5, 3_000_000, 0)):
        labels = [f'v"{name}\n{number % 3}' for name in names]
        one.labels(*labels).inc(amount)
        (other.labels(*labels) if names else other).inc(amount)
    assert write(ours) == write(theirs)


@pytest.mark.parametrize("write", [generate_latest, openmetrics])
def test_a_gauges_text_is_the_clients_own(write: Write) -> None:
    """Up, down, replaced, no number, infinite, true; removed, cleared and there again."""
    ours, theirs = _registries()
    one = Gauge("x_seconds", "What.", ("model",), ours)
    other = TheirGauge("x_seconds", "What.", ("model",), registry=theirs)
    for family in (one, other):
        family.labels("gone").set(1)
        family.clear()
        family.labels("up").inc(3)
        family.labels("down").dec()
        family.labels("removed").set(2)
        for number, value in enumerate((math.nan, math.inf, -math.inf, True, 1_700_000_000.125)):
            family.labels(f"v{number}").set(value)
        family.remove("removed")
        family.remove("never there")
    assert write(ours) == write(theirs)
    assert b"removed" not in write(ours)


def test_a_function_is_asked_at_each_scrape() -> None:
    """The number is the function's, not the series' own."""
    registry, numbers = CollectorRegistry(), iter((1.0, math.nan))
    Gauge("x", "What.", (), registry).labels().set_function(lambda: next(numbers))
    assert registry.get_sample_value("x") == 1
    assert math.isnan(registry.get_sample_value("x") or 0)


def test_an_exemplar_names_the_last_event() -> None:
    """OpenMetrics shows it beside the count; Prometheus's older text has no place for it."""
    registry = CollectorRegistry()
    series = Counter("x", "What.", ("model",), registry).labels("a")
    for name in ("first", "last"):
        series.inc()
        series.keep_exemplar({"request_id": name})
    series.inc()
    write: Write = openmetrics
    assert b'\nx_total{model="a"} 3.0 # {request_id="last"} 1.0 ' in write(registry)
    assert b"last" not in generate_latest(registry)


def test_a_series_is_there_once_it_is_named() -> None:
    """An alert on an increase needs the 0 before the first event; the name is taken in its registry."""
    registry = CollectorRegistry()
    family = Counter("x", "What.", ("model",), registry)
    assert family.labels("a") is family.labels("a")
    assert registry.get_sample_value("x_total", {"model": "a"}) == 0
    with pytest.raises(ValueError, match="x"):
        Gauge("x_total", "What.", (), registry)
    with pytest.raises(ValueError, match="model"):
        family.labels("a", "b")


@pytest.mark.parametrize("make", FAMILIES)
def test_series_may_come_during_a_scrape(make: Callable[[CollectorRegistry], Collector]) -> None:
    """A scrape runs in another thread, and while it allocates, the garbage collector may let the loop run."""
    registry = CollectorRegistry()
    family = make(registry)
    assert isinstance(family, Counter | Gauge | Histogram)
    for number in range(200):
        family.labels(f"v{number}")
    added = iter(range(1_000_000))

    def add_series(phase: str, _info: dict[str, int]) -> None:
        if phase == "stop":
            family.labels(f"late{next(added)}")

    before = gc.get_threshold()
    gc.callbacks.append(add_series)
    gc.set_threshold(1, 1, 1000)
    try:
        families = list(registry.collect())
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(add_series)
    assert next(added) > 0
    assert len(families[0].samples) >= 200
