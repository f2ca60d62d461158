"""The ratio of answers whose token usage was reported by GigaChat, over the last minutes."""

from __future__ import annotations

import math
from collections.abc import Callable
from time import monotonic

_STEPS = 30


class UsageCapture:
    """Counts answers in a sliding window of `seconds`, which is divided into steps."""

    def __init__(self, seconds: float = 300.0, clock: Callable[[], float] = monotonic) -> None:
        self._step = seconds / _STEPS
        self._clock = clock
        self._counts = [(-_STEPS, 0, 0)] * _STEPS  # the step's number, all answers, answers with exact usage

    def add(self, *, exact: bool) -> None:
        """Count an answer. `exact`: GigaChat reported its usage."""
        now = int(self._clock() / self._step)
        number, total, exact_total = self._counts[now % _STEPS]
        if number != now:  # the slot still holds a step of the previous window
            total = exact_total = 0
        self._counts[now % _STEPS] = (now, total + 1, exact_total + exact)

    def ratio(self) -> float:
        """Answers with exact usage divided by all answers; NaN if there were none."""
        oldest = int(self._clock() / self._step) - _STEPS
        steps = [(total, exact) for number, total, exact in self._counts if number > oldest]
        total = sum(count for count, _ in steps)
        return sum(exact for _, exact in steps) / total if total else math.nan
