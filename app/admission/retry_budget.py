"""How many requests may be sent again after a failure: a tenth of all, so that retries never double a load.

Source: "Handling Overload" in Site Reliability Engineering (sre.google/sre-book): a budget of 10 % for a client.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

FLOOR = 10  # retries a minute that are allowed whatever the number of requests
SHARE = 0.1
_PART_SECONDS, _PARTS = 10.0, 6


class RetryBudget:
    """Counts requests and their retries over the last minute."""

    __slots__ = ("_clock", "_part_ends", "_requests", "_retries")

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._part_ends = 0.0
        self._requests = [0] * _PARTS  # in parts of the minute, of which the last is the present one
        self._retries = [0] * _PARTS

    def count_request(self, now: float) -> None:
        """A request comes. `now`: on the monotonic clock; it may be a little old."""
        if now >= self._part_ends:
            self._begin_parts(now)
        self._requests[-1] += 1

    def take(self) -> bool:
        """Use one retry; False: there are none left for the moment."""
        now = self._clock()
        if now >= self._part_ends:
            self._begin_parts(now)
        if sum(self._retries) >= max(FLOOR, SHARE * sum(self._requests)):
            return False
        self._retries[-1] += 1
        return True

    def _begin_parts(self, now: float) -> None:
        """Begin the part of the present moment; those of the minute before are forgotten."""
        passed = int((now - self._part_ends) / _PART_SECONDS) + 1
        self._part_ends += passed * _PART_SECONDS
        passed = min(passed, _PARTS)
        for counts in (self._requests, self._retries):
            counts[:] = [*counts[passed:], *[0] * passed]
