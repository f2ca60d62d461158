"""The waits between the pieces of a stream. They are counted per request and added to the metrics at its end."""

from __future__ import annotations

from bisect import bisect_left

from app.observe.histograms import Series

# Upper bounds of the waits, in seconds.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 10.0)


class Gaps(Series):
    """The waits of one stream. Seconds."""

    __slots__ = ("longest",)

    def __init__(self) -> None:
        super().__init__(BOUNDS)
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """Count a wait. It repeats the code of `observe`: it runs for every read of every stream, and a call costs."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds
        if seconds > self.longest:
            self.longest = seconds
