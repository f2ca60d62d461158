"""The share of answers whose usage GigaChat itself told, over the last minutes."""

from __future__ import annotations

import math
from collections.abc import Callable
from time import monotonic

_STEPS = 30


class Capture:
    """Counts in steps of a few seconds; a step that is a whole window old counts no more. `seconds`: the window."""

    def __init__(self, seconds: float = 300.0, clock: Callable[[], float] = monotonic) -> None:
        self._step = seconds / _STEPS
        self._clock = clock
        self._counts = [(-_STEPS, 0, 0)] * _STEPS  # the step's number, all answers, exact ones

    def add(self, *, exact: bool) -> None:
        """One more answer; `exact`: with GigaChat's own usage."""
        now = int(self._clock() / self._step)
        number, every, exacts = self._counts[now % _STEPS]
        if number != now:
            every = exacts = 0
        self._counts[now % _STEPS] = (now, every + 1, exacts + exact)

    def ratio(self) -> float:
        """Exact ones to all; NaN while there were none."""
        oldest = int(self._clock() / self._step) - _STEPS
        counted = [(every, exact) for number, every, exact in self._counts if number > oldest]
        every = sum(count for count, _ in counted)
        return sum(exact for _, exact in counted) / every if every else math.nan
