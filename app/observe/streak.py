"""Requests that failed one after another: what a probe of GigaChat's list of models can't see.

A model that is stopped, a package that is used up or a chat that answers nonsense leaves that list as it is. Only a
request that is served ends a streak; the client's own mistakes neither end nor lengthen it.
"""

from __future__ import annotations

from time import monotonic

from prometheus_client import Gauge

from app.observe.facts import Facts

# One such refusal tells of all requests; other failures may be one request's own.
_DECISIVE = frozenset({"upstream_402", "upstream_stop", "upstream_4xx"})
_ENOUGH = 2


class Streak:
    """How many of the latest requests failed through GigaChat's or the gateway's fault, and how the last one did."""

    def __init__(self, gauge: Gauge) -> None:
        self.count = 0
        self._gauge = gauge
        self._error_type = ""
        self._detail = ""
        self._last = 0.0  # monotonic

    def tell(self, facts: Facts) -> None:
        """A request has ended that was to reach GigaChat."""
        if facts.error_type is None:
            if self.count:
                self.count = 0
                self._gauge.set(0)
        elif facts.slo_bad:
            self.count += 1
            self._gauge.set(self.count)
            self._error_type, self._detail = facts.error_type, facts.detail or facts.error_type
            self._last = monotonic()

    def worry(self) -> str | None:
        """What an operator should hear of it."""
        if self.count < _ENOUGH and not (self.count and self._error_type in _DECISIVE):
            return None
        ago = monotonic() - self._last
        return f"requests fail: {self.count} in a row, the last one {ago:.0f} s ago ({self._detail})"
