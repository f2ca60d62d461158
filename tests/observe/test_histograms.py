"""Our own histograms are Prometheus's to whoever reads them: the same text for the same values."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Histogram as TheirHistogram
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from app.observe.histograms import Histogram, Series

BOUNDS = (0.005, 0.5, 1, 5, 1_000)
VALUES = (0.0, 0.005, 0.0051, 0.7, 1.0, 4.999, 1_000.0, 10_000.0)


@pytest.mark.parametrize("names", [(), ("model",), ("endpoint", "stream")])
@pytest.mark.parametrize("write", [generate_latest, openmetrics])
def test_the_text_is_the_clients_own(names: tuple[str, ...], write: Callable[[CollectorRegistry], bytes]) -> None:
    """Buckets, counts, sums, `le` as prometheus_client writes it; a value on a bound belongs below it."""
    registries = CollectorRegistry(), CollectorRegistry()
    ours = Histogram("x_seconds", "What.", BOUNDS, names, registries[0])
    theirs = TheirHistogram("x_seconds", "What.", names, buckets=BOUNDS, registry=registries[1])
    labels = tuple(f"v{number}" for number, _ in enumerate(names))
    for value in VALUES:
        ours.labels(*labels).observe(value)
        (theirs.labels(*labels) if names else theirs).observe(value)
    texts = [write(registry).decode().splitlines() for registry in registries]
    assert texts[0] == [line for line in texts[1] if "_created" not in line]


def test_an_exemplar_names_the_last_of_its_bin() -> None:
    """OpenMetrics shows it beside the bucket; Prometheus's older text has no place for it."""
    registry = CollectorRegistry()
    series = Histogram("x_seconds", "What.", BOUNDS, (), registry).labels()
    for value, name in ((0.7, "first"), (0.8, "last")):
        series.observe(value)
        series.keep_exemplar({"request_id": name}, value)
    series.observe(0.9)
    write: Callable[[CollectorRegistry], bytes] = openmetrics
    [line] = [line for line in write(registry).decode().splitlines() if " # " in line]
    assert line.startswith('x_seconds_bucket{le="1.0"} 3.0 # {request_id="last"} 0.8 ')
    assert "last" not in generate_latest(registry).decode()


def test_a_series_is_there_once_it_is_named() -> None:
    """An alert on an increase needs the 0 before the first value; the name is taken in its registry."""
    registry = CollectorRegistry()
    family = Histogram("x_seconds", "What.", BOUNDS, ("model",), registry)
    assert family.labels("a") is family.labels("a")
    assert registry.get_sample_value("x_seconds_count", {"model": "a"}) == 0
    with pytest.raises(ValueError, match="x_seconds"):
        Histogram("x_seconds", "What.", BOUNDS, (), registry)


def test_joined() -> None:
    """What two have counted is what one would have."""
    one, two, both = Series(BOUNDS), Series(BOUNDS), Series(BOUNDS)
    for number, value in enumerate(VALUES):
        (one if number % 2 else two).observe(value)
        both.observe(value)
    one.merge(two)
    assert one.counts == both.counts
    assert one.total == pytest.approx(both.total)
