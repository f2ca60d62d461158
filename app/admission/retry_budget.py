"""How many requests may be sent again after a failure: a tenth of all, so that retries never double a load.

Source: "Handling Overload" in Site Reliability Engineering (sre.google/sre-book): a budget of 10 % for a client.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from app.admission.recent_counts import RecentCounts

FLOOR = 10  # retries a minute that are allowed whatever the number of requests
SHARE = 0.1
_PART_SECONDS, _PARTS = 10.0, 6


class RetryBudget:
    """Counts requests and their retries over the last minute."""

    __slots__ = ("_clock", "_counts")

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._counts = RecentCounts(_PARTS, _PART_SECONDS)

    def count_request(self, now: float) -> None:
        """A request comes. `now`: on the monotonic clock; it may be a little old."""
        counts = self._counts
        if now >= counts.part_ends:
            counts.begin_parts(now)
        counts.all[-1] += 1

    def take(self) -> bool:
        """Use one retry; False: there are none left for the moment."""
        counts, now = self._counts, self._clock()
        if now >= counts.part_ends:
            counts.begin_parts(now)
        if sum(counts.some) >= max(FLOOR, SHARE * sum(counts.all)):
            return False
        counts.some[-1] += 1
        return True
