"""Forecasts when a package of tokens will be used up, from its use in the last hours."""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise

# Older balances are dropped. A balance loses half of its weight within the half-life.
_HISTORY_SECONDS = 12 * 3600.0
_HALF_LIFE_SECONDS = 2 * 3600.0
_MAX_BALANCES = 1024


class Forecast:
    """The recent balances of one package. A balance that has grown (a top-up) restarts the forecast."""

    def __init__(self) -> None:
        self.balances: deque[tuple[float, float]] = deque(maxlen=_MAX_BALANCES)

    def add_balance(self, now: float, value: float) -> None:
        """Add the tokens left at this time. `now`: seconds of a monotonic clock."""
        balances = self.balances
        if balances and value > balances[-1][1]:
            balances.clear()
        while balances and now - balances[0][0] > _HISTORY_SECONDS:
            balances.popleft()
        balances.append((now, value))

    def seconds_left(self) -> float:
        """The seconds from the last balance until no tokens are left: infinite if none are used, 0 if none are left.

        The rate is the used tokens divided by the time, and recent hours have more weight. A burst changes the rate at
        once and is forgotten within hours. A fitted line would react too strongly to a single balance.
        """
        if not self.balances:
            return math.inf
        last, left = self.balances[-1]
        if left <= 0:
            return 0.0
        used = time = 0.0
        for (before, previous), (now, value) in pairwise(self.balances):
            weight = 0.5 ** ((last - now) / _HALF_LIFE_SECONDS)
            used += weight * (previous - value)
            time += weight * (now - before)
        return left * time / used if used > 0 else math.inf
