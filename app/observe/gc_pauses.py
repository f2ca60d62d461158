"""The pauses of Python's garbage collector: while it looks for cycles, nothing else runs.

A collection may begin in any thread, but no second one begins before it has ended, callbacks included: so there is
nothing to lock, and only the collector's callbacks change these series.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from app.observe.histograms import Histogram
from app.observe.labels import GENERATIONS


@contextmanager
def count_gc_pauses(pauses: Histogram) -> Iterator[None]:
    """Observe the seconds of each collection, by its generation, while the context lasts."""
    series = [pauses.labels(generation) for generation in GENERATIONS]
    begun: float | None = None  # None: no collection is under way, or it began before this context

    def note(phase: str, info: dict[str, int]) -> None:
        nonlocal begun
        if phase == "start":
            begun = perf_counter()
        elif begun is not None:
            series[info["generation"]].observe(perf_counter() - begun)
            begun = None

    gc.callbacks.append(note)
    try:
        yield
    finally:
        gc.callbacks.remove(note)
