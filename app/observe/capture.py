"""The ratio of answers whose token usage was reported by GigaChat, over the last minutes."""

from __future__ import annotations

import math
from collections.abc import Callable
from time import monotonic

_STEPS = 30


class UsageCapture:
    """Counts answers in a sliding window of `seconds`, which is divided into steps."""

    def __init__(self, seconds: float = 300.0, clock: Callable[[], float] = monotonic) -> None:
        self._step_seconds = seconds / _STEPS
        self._clock = clock
        self._steps = [(-_STEPS, 0, 0)] * _STEPS  # the earlier steps: number, all answers, answers with exact usage
        self._number = -_STEPS  # of the present step, as its two counts
        self._total = self._exact = 0

    def add(self, *, exact: bool) -> None:
        """Count an answer. `exact`: GigaChat reported its usage."""
        number = self._clock() // self._step_seconds
        if number != self._number:
            self._begin_step(int(number))
        self._total += 1
        self._exact += exact

    def ratio(self) -> float:
        """Answers with exact usage divided by all answers; NaN if there were none. Another thread may ask."""
        oldest = self._clock() // self._step_seconds - _STEPS
        steps = [*self._steps, (self._number, self._total, self._exact)]
        total = sum(total for number, total, _ in steps if number > oldest)
        return sum(exact for number, _, exact in steps if number > oldest) / total if total else math.nan

    def _begin_step(self, number: int) -> None:
        """Keep the step that is over, in the place of one that left the window."""
        self._steps[self._number % _STEPS] = (self._number, self._total, self._exact)
        self._number, self._total, self._exact = number, 0, 0
