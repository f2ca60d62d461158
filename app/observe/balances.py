"""What is left of the packages of tokens, and for how long: gauges that are absent while there is nothing to tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic

from app.observe.forecast import Forecast
from app.observe.logs import LOGGER, fields
from app.observe.metrics import Metrics


class BalanceObserver:
    """Told of each look at one credential's balance."""

    def __init__(self, metrics: Metrics, credential: str, clock: Callable[[], float] = monotonic) -> None:
        self._metrics = metrics
        self._credential = metrics.credential(credential)
        self._clock = clock
        self._forecasts: dict[str, Forecast] = {}
        self._known: bool | None = None

    def told(self, packages: Iterable[tuple[str, float]]) -> None:
        """GigaChat told what is left of each package; one that it leaves out is gone."""
        now, left = self._clock(), dict[str, float]()
        for name, value in packages:
            label = self._metrics.package(name)
            left[label] = left.get(label, 0.0) + value
        for label in self._forecasts.keys() - left.keys():
            self._remove(label)
        for label, value in left.items():
            forecast = self._forecasts.setdefault(label, Forecast())
            forecast.look(now, value)
            self._metrics.balance.labels(label, self._credential).set(value)
            self._metrics.exhaustion.labels(label).set(forecast.seconds())
        self._known = True

    def none(self, status: int) -> None:
        """GigaChat tells this account no balance: it pays as it goes."""
        for label in list(self._forecasts):
            self._remove(label)
        if self._known is not False:
            self._known = False
            LOGGER.info("GigaChat tells no balance for this account", extra=fields(status=status))

    def _remove(self, label: str) -> None:
        del self._forecasts[label]
        self._metrics.balance.remove(label, self._credential)
        self._metrics.exhaustion.remove(label)
