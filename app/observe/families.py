"""What counters, gauges and histograms have in common: the series of one name, by their labels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector

S = TypeVar("S")


class Family(Collector, Generic[S]):
    """A metric family with series of one kind. Without labels it has one series from the start."""

    def __init__(self, name: str, text: str, names: Sequence[str], registry: CollectorRegistry) -> None:
        self._name = name
        self._text = text
        self._names = names
        self._series: dict[tuple[str, ...], S] = {}
        if not names:
            self.labels()
        registry.register(self)

    def labels(self, *values: str) -> S:
        """The series with these labels. It is created, and exposed from now on, if it does not exist."""
        series = self._series.get(values)
        if series is None:
            if len(values) != len(self._names):
                raise ValueError(f"{self._name} has the labels {self._names}, not {len(values)}")
            series = self._series[values] = self._make_series()
        return series

    def describe(self) -> Iterator[Metric]:
        """The family without its series, as the registry needs it to find duplicate names."""
        yield self._make_family()

    def _copy_series(self) -> dict[tuple[str, ...], S]:
        """The series of this moment, copied in one step: another thread may collect."""
        return self._series.copy()

    @abstractmethod
    def _make_series(self) -> S:
        """A series that has counted nothing."""

    @abstractmethod
    def _make_family(self) -> Metric:
        """The family as a scrape shows it, without its series."""
