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

    __slots__ = ("_clock", "_part", "_requests", "_retries")

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._part = 0
        self._requests = [0] * _PARTS
        self._retries = [0] * _PARTS

    def count_request(self, now: float) -> None:
        """A request comes. `now`: on the monotonic clock."""
        self._requests[self._find_part(now)] += 1

    def take(self) -> bool:
        """Use one retry; False: there are none left for the moment."""
        part = self._find_part(self._clock())
        if sum(self._retries) >= max(FLOOR, SHARE * sum(self._requests)):
            return False
        self._retries[part] += 1
        return True

    def _find_part(self, now: float) -> int:
        """The index of the present part of the minute; parts of the minute before are set to 0."""
        number = max(int(now / _PART_SECONDS), self._part)  # a request may come slowly: parts since are not forgotten
        if number != self._part:
            for passed in range(max(self._part + 1, number - _PARTS + 1), number + 1):
                self._requests[passed % _PARTS] = self._retries[passed % _PARTS] = 0
            self._part = number
        return number % _PARTS
