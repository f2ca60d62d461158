"""Metrics and log lines of who may go to GigaChat: the queue for its slots, circuits, idempotency keys."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from app.observe.logs import LOGGER, fields
from app.observe.metrics import Metrics

_OPEN = 2
_LINE_SECONDS = 60.0  # between two lines of one kind


class QueueObserver:
    """Hears of requests that wait, of circuits that open, and of keys that come again."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._eviction_told_at = -_LINE_SECONDS
        self._admitted = metrics.queue_wait.labels("admitted")

    def admitted_at_once(self) -> None:
        """A request found a free slot."""
        self._admitted.counts[0] += 1

    def began_waiting(self, tenant: str) -> None:
        """A request of this tenant waits."""
        self._metrics.queue_depth.labels(self._metrics.tenant(tenant)).inc()

    def stopped_waiting(self, tenant: str, outcome: str, seconds: float) -> None:
        """It does not wait any more. `outcome`: a value of the metric's label; rejected: another took its place."""
        label = self._metrics.tenant(tenant)
        self._metrics.queue_depth.labels(label).dec()
        self._metrics.queue_wait.labels(outcome).observe(seconds)
        if outcome == "rejected":
            self._metrics.limit_rejections.labels(label, "queue_full").inc()

    def rejected(self, tenant: str, *, full: bool) -> None:
        """A request could not wait: the queue is full, or its time would not be enough."""
        self._metrics.queue_wait.labels("rejected").observe(0.0)
        if full:
            self._metrics.limit_rejections.labels(self._metrics.tenant(tenant), "queue_full").inc()

    def key_used(self, result: str) -> None:
        """What became of an idempotency key, a value of the metric's label. Evictions are told once a minute."""
        self._metrics.idempotent_replays.labels(result).inc()
        now = self._clock()
        if result == "evicted" and now - self._eviction_told_at >= _LINE_SECONDS:
            self._eviction_told_at = now
            remedy = "raise GPT2GIGA_IDEMPOTENCY_BYTES, and the container's mem_limit by as much"
            LOGGER.warning("an answer is kept no longer for its idempotency key", extra=fields(remedy=remedy))

    def circuit_changed(self, model: str, state: int, *, stopped: bool) -> None:
        """A model's circuit has this state now, a value of the metric; `stopped`: by a stop event."""
        label = self._metrics.model(model)
        self._metrics.circuits.labels("api", label).set(state)
        if state == _OPEN:
            why = "GigaChat has stopped it" if stopped else "most requests of the last half minute failed"
            LOGGER.error("a model is not asked for a while", extra=fields(model=label, why=why))
        elif state == 0:
            LOGGER.info("a model is asked again", extra=fields(model=label))
