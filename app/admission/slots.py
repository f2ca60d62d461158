"""The slots of one credential: how many requests it may have at GigaChat at a time.

GigaChat tells its limit by refusals alone (429). Each wave of them halves the number of slots; after each quiet minute
one slot comes back, up to the number that is set.
Source: docs/gigachat-api.md, "Limits, models, prices".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from time import monotonic

QUIET_SECONDS = 60.0


class Slots:
    """The slots of one credential. `most`: how many it has while GigaChat refuses none; `in_use`: the gate's count."""

    __slots__ = ("_clock", "_limit", "_lowered_at", "_quiet_since", "_refused_at", "in_use", "most")

    def __init__(self, most: int, clock: Callable[[], float] = monotonic) -> None:
        self.most = self._limit = most
        self.in_use = 0
        self._clock = clock
        self._lowered_at = -1.0  # when the number was last halved
        self._quiet_since = 0.0  # since when nothing has changed it
        self._refused_at = -math.inf  # when GigaChat refused a request last

    @property
    def limit(self) -> int:
        """How many slots there are now."""
        if self._limit < self.most:
            self._regain()
        return self._limit

    @property
    def free(self) -> int:
        """How many requests may start now; less than 0 while there are more than the limit, which was lowered."""
        return (self._limit if self._limit == self.most else self.limit) - self.in_use

    @property
    def is_lowered(self) -> bool:
        """Whether GigaChat's refusals have taken slots."""
        return self.limit < self.most

    @property
    def is_refused(self) -> bool:
        """Whether GigaChat has refused a request in the last minute: the last slot is not taken for that."""
        return self._clock() - self._refused_at < QUIET_SECONDS

    @property
    def regain_seconds(self) -> float | None:
        """Seconds until the next slot comes back, if nothing is refused meanwhile; None while none is missing."""
        return self._quiet_since + QUIET_SECONDS - self._clock() if self.is_lowered else None

    def lower(self, sent: float) -> bool:
        """GigaChat refused a request of this time with 429. Returns whether that has changed the limit.

        Requests that were sent before the last halving belong to its wave, and change nothing.
        """
        self._regain()
        now = self._quiet_since = self._refused_at = self._clock()
        if sent <= self._lowered_at or self._limit == 1:
            return False
        self._lowered_at = now
        self._limit = max(1, self._limit // 2)
        return True

    def _regain(self) -> None:
        while self._limit < self.most and self._clock() - self._quiet_since >= QUIET_SECONDS:
            self._quiet_since += QUIET_SECONDS
            self._limit += 1
