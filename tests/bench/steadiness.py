"""Does the machine run at one speed? On shared hardware a core slows down by half for a second, and then does not.

A fixed piece of work is timed on the proxies' core around the turns; a pair of turns counts if these times agree.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass, field

TOLERANCE = 1.1
ONE_IN = 3  # one pair in so many must be steady
_STEPS = 30_000
_TRIES = 3


def probe(core: int) -> float:
    """CPU time of the fixed work on that core: a few milliseconds."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        return min(_work() for _ in range(_TRIES))
    finally:
        os.sched_setaffinity(0, before)


def _work() -> float:
    started = time.thread_time()
    total = 0
    for step in range(_STEPS):
        total += step * step % 7
    return time.thread_time() - started


def steady(probes: list[float]) -> bool:
    """The slowest is about as fast as the fastest."""
    return max(probes) <= min(probes) * TOLERANCE


@dataclass(slots=True)
class Ratios:
    """Gateway to bare, pair by pair, and whether the machine was steady meanwhile."""

    all: list[float] = field(default_factory=list)
    steady: list[float] = field(default_factory=list)

    def add(self, ratio: float, probes: list[float]) -> None:
        """One pair more."""
        self.all.append(ratio)
        if steady(probes):
            self.steady.append(ratio)

    @property
    def counted(self) -> list[float]:
        """Those of the steady pairs; all, where too few were steady."""
        return self.steady if len(self.steady) * ONE_IN >= len(self.all) else self.all

    @property
    def median(self) -> float:
        """The figure that counts."""
        return statistics.median(self.counted)
