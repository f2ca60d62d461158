"""Gauges of the balance of token packages: the tokens left, and the time until they are used up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic

from app.observe.forecast import Forecast
from app.observe.logs import LOGGER, fields
from app.observe.metrics import Metrics


class BalanceObserver:
    """Records each balance that GigaChat reports for one credential. The gauges are absent until the first one."""

    def __init__(self, metrics: Metrics, credential: str, clock: Callable[[], float] = monotonic) -> None:
        self._metrics = metrics
        self._credential = metrics.credential(credential)
        self._clock = clock
        self._forecasts: dict[str, Forecast] = {}
        self._known: bool | None = None

    def record_packages(self, packages: Iterable[tuple[str, float]]) -> None:
        """Record the tokens left, as pairs of a package's name and its tokens. Packages not listed are removed."""
        now = self._clock()
        left: dict[str, float] = {}
        for name, value in packages:
            label = self._metrics.package(name)
            left[label] = left.get(label, 0.0) + value
        for label in self._forecasts.keys() - left.keys():
            self._remove(label)
        for label, value in left.items():
            forecast = self._forecasts.setdefault(label, Forecast())
            forecast.add_balance(now, value)
            self._metrics.balance.labels(label, self._credential).set(value)
            self._metrics.exhaustion.labels(label).set(forecast.seconds_left())
        self._known = True

    def record_no_balance(self, status: int) -> None:
        """Record that GigaChat reports no balance for this account (pay as you go). `status`: of its answer."""
        for label in list(self._forecasts):
            self._remove(label)
        if self._known is not False:
            self._known = False
            LOGGER.info("GigaChat tells no balance for this account", extra=fields(status=status))

    def _remove(self, label: str) -> None:
        del self._forecasts[label]
        self._metrics.balance.remove(label, self._credential)
        self._metrics.exhaustion.remove(label)
