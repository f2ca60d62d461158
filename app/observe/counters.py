"""Counters and gauges with cheap changes. Only the event loop changes them, so no lock is needed.

Prometheus's own client takes three calls and a lock for each change, and a request makes a dozen of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from time import time

from prometheus_client.core import CounterMetricFamily, Exemplar, GaugeMetricFamily

from app.observe.families import Family


class Value:
    """One series: a number. Where many are changed for each request, `number` is changed directly."""

    __slots__ = ("_read", "exemplar", "number")

    def __init__(self) -> None:
        self.number = 0.0
        self.exemplar: Exemplar | None = None
        self._read: Callable[[], float] | None = None

    def inc(self, amount: float = 1) -> None:
        """Count up."""
        self.number += amount

    def dec(self, amount: float = 1) -> None:
        """Count down: only a gauge may."""
        self.number -= amount

    def set(self, number: float) -> None:
        """Replace the number: only that of a gauge may be."""
        self.number = number

    def set_function(self, read: Callable[[], float]) -> None:
        """Call `read` for the number whenever the series is read, which another thread may do."""
        self._read = read

    def keep_exemplar(self, labels: Mapping[str, str], amount: float = 1) -> None:
        """Name the event that was counted last, for OpenMetrics: only a counter shows it."""
        self.exemplar = Exemplar(dict(labels), amount, time())

    def current(self) -> float:
        """The number that a scrape shows."""
        return self.number if self._read is None else self._read()


class _Numbers(Family[Value]):
    """A family whose series are numbers."""

    def remove(self, *values: str) -> None:
        """Expose the series with these labels no more."""
        self._series.pop(values, None)

    def clear(self) -> None:
        """Expose none of the series that exist."""
        self._series = {}

    def _make_series(self) -> Value:
        return Value()


class Counter(_Numbers):
    """A family of numbers that only grow."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The family with the current numbers."""
        family = self._make_family()
        for values, series in self._copy_series().items():
            family.add_metric(values, series.current(), exemplar=series.exemplar)
        yield family

    def _make_family(self) -> CounterMetricFamily:
        return CounterMetricFamily(self._name, self._text, labels=self._names)


class Gauge(_Numbers):
    """A family of numbers that grow and shrink."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The family with the current numbers."""
        family = self._make_family()
        for values, series in self._copy_series().items():
            family.add_metric(values, series.current())
        yield family

    def _make_family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(self._name, self._text, labels=self._names)
