"""Counters and gauges with cheap changes. Only the event loop changes them, so no lock is needed.

Prometheus's own client takes three calls and a lock for each change, and a request makes a dozen of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import time

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, Exemplar, GaugeMetricFamily
from prometheus_client.registry import Collector


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


class _Family(Collector):
    """A metric family: the series of one name by their labels."""

    def __init__(self, name: str, text: str, names: Sequence[str], registry: CollectorRegistry) -> None:
        self._name = name
        self._text = text
        self._names = names
        self._series: dict[tuple[str, ...], Value] = {}
        if not names:
            self.labels()
        registry.register(self)

    def labels(self, *values: str) -> Value:
        """The series with these labels. It is created, and exposed from now on, if it does not exist."""
        series = self._series.get(values)
        if series is None:
            if len(values) != len(self._names):
                raise ValueError(f"{self._name} has the labels {self._names}, not {len(values)}")
            series = self._series[values] = Value()
        return series

    def remove(self, *values: str) -> None:
        """Expose the series with these labels no more."""
        self._series.pop(values, None)

    def clear(self) -> None:
        """Expose none of the series that exist."""
        self._series = {}


class Counter(_Family):
    """A family of numbers that only grow."""

    def describe(self) -> Iterator[CounterMetricFamily]:
        """The family without its series, as the registry needs it to find duplicate names."""
        yield CounterMetricFamily(self._name, self._text, labels=self._names)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The family with the current numbers."""
        family = CounterMetricFamily(self._name, self._text, labels=self._names)
        for values, series in self._series.copy().items():  # made in one step: another thread may collect
            family.add_metric(values, series.current(), exemplar=series.exemplar)
        yield family


class Gauge(_Family):
    """A family of numbers that grow and shrink."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """The family without its series."""
        yield GaugeMetricFamily(self._name, self._text, labels=self._names)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The family with the current numbers."""
        family = GaugeMetricFamily(self._name, self._text, labels=self._names)
        for values, series in self._series.copy().items():  # made in one step: another thread may collect
            family.add_metric(values, series.current())
        yield family
