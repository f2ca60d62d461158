"""What counters, gauges and histograms share: series by their labels, one for each set of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from app.observe.counters import Counter, Gauge
from app.observe.families import Family
from app.observe.histograms import Histogram

Make = Callable[[Sequence[str], CollectorRegistry], Family[Any]]
KINDS: dict[str, Make] = {
    "counter": lambda names, registry: Counter("x", "text", names, registry),
    "gauge": lambda names, registry: Gauge("x", "text", names, registry),
    "histogram": lambda names, registry: Histogram("x", "text", (1.0,), names, registry),
}
kinds = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


@kinds
def test_the_same_labels_are_one_series(make: Make) -> None:
    """Others are another one."""
    family = make(["a", "b"], CollectorRegistry())
    assert family.labels("1", "2") is family.labels("1", "2")
    assert family.labels("1", "2") is not family.labels("2", "1")


@kinds
@pytest.mark.parametrize("values", [(), ("1",), ("1", "2", "3")])
def test_labels_too_many_or_too_few(make: Make, values: tuple[str, ...]) -> None:
    """A bug of ours is no series with odd labels."""
    with pytest.raises(ValueError, match="labels"):
        make(["a", "b"], CollectorRegistry()).labels(*values)


@kinds
def test_one_name_is_one_family(make: Make) -> None:
    """The registry refuses a second one, and shows the series of one without labels from the start."""
    registry = CollectorRegistry()
    make([], registry)
    with pytest.raises(ValueError, match="x"):
        make([], registry)
    (family,) = registry.collect()
    assert family.samples
