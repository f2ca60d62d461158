"""When a package of tokens will be used up, by what was used in the last hours."""

from __future__ import annotations

import math
from collections import deque

# Older looks tell nothing of today's pace, and half of a look's weight is gone after the half-life. Seconds.
_KEPT = 12 * 3600.0
_HALF_LIFE = 2 * 3600.0
_MOST_LOOKS = 1024


class Forecast:
    """Looks at one package's balance. A top-up starts it anew."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, float]] = deque(maxlen=_MOST_LOOKS)

    def look(self, now: float, value: float) -> None:
        """What was left at this moment; `now` in seconds of any steady clock."""
        looks = self._looks
        if looks and value > looks[-1][1]:
            looks.clear()
        while looks and now - looks[0][0] > _KEPT:
            looks.popleft()
        looks.append((now, value))

    def seconds(self) -> float:
        """From the last look until nothing is left: infinite while nothing is used, 0 when nothing is left.

        The pace is what was used by the time that it took, recent hours weighing more: a burst moves it at once and is
        forgotten in hours, and single looks cannot throw it off as they could a fitted line.
        """
        if not self._looks:
            return math.inf
        last, left = self._looks[-1]
        if left <= 0:
            return 0.0
        used = time = 0.0
        before, had = self._looks[0]
        for now, value in self._looks:
            weight = 0.5 ** ((last - now) / _HALF_LIFE)
            used += weight * (had - value)
            time += weight * (now - before)
            before, had = now, value
        return left * time / used if used > 0 else math.inf
