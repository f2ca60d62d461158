"""Requests that failed one after another: what a probe of GigaChat's list of models can't see.

A model that is stopped, a package that is used up or a chat that answers nonsense leaves that list as it is. A request
that is served ends a streak; the client's own mistakes neither end nor lengthen it. What is seen to end without a
request, a GigaChat that was gone or a token that was missing, ends it too: at night no request may come for hours.
"""

from __future__ import annotations

from time import monotonic

from prometheus_client import Gauge

from app.observe.facts import Facts

# One such refusal tells of all requests; other failures may be one request's own.
_DECISIVE = frozenset({"upstream_402", "upstream_stop", "upstream_4xx"})
_ENOUGH = 2
# A request that fails so soon after its cause was seen to end says that it has not. Seconds.
_DOUBT_SECONDS = 60.0


class Streak:
    """How many of the latest requests failed through GigaChat's or the gateway's fault, and how the last one did."""

    def __init__(self, gauge: Gauge) -> None:
        self.count = 0
        self._gauge = gauge
        self._error_type = ""
        self._detail = ""
        self._last = 0.0  # monotonic
        self._over: float | None = None  # since when its cause is gone, monotonic
        self._doubted = False  # its cause was gone, and requests failed all the same

    def tell(self, facts: Facts) -> None:
        """A request has ended that was to reach GigaChat."""
        if facts.error_type is None:
            if self.count:
                self._end()
        elif facts.slo_bad:
            self._last = monotonic()
            if self._over is not None:
                if self._last - self._over > _DOUBT_SECONDS:
                    self._end()
                self._doubted, self._over = bool(self.count), None
            self.count += 1
            self._gauge.set(self.count)
            self._error_type, self._detail = facts.error_type, facts.detail or facts.error_type

    def over(self, error_type: str) -> None:
        """What requests failed by is gone; believed until one fails all the same."""
        if self.count and error_type == self._error_type and not self._doubted:
            self._over = monotonic()
            self._gauge.set(0)

    def worry(self) -> str | None:
        """What an operator should hear of it."""
        if self._over is not None:
            return None
        if self.count < _ENOUGH and not (self.count and self._error_type in _DECISIVE):
            return None
        ago = monotonic() - self._last
        return f"requests fail: {self.count} in a row, the last one {ago:.0f} s ago ({self._detail})"

    def _end(self) -> None:
        self.count, self._over, self._doubted = 0, None, False
        self._gauge.set(0)
