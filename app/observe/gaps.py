"""How evenly a stream's words come: the wait for each next piece, counted in the request, added up at its end."""

from __future__ import annotations

from app.observe.histograms import Bins

# Upper bounds of the waits, in seconds.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 10.0)


class Gaps(Bins):
    """The waits of one stream. Seconds."""

    __slots__ = ("longest",)

    def __init__(self) -> None:
        super().__init__(BOUNDS)
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """One more wait."""
        self.observe(seconds)
        if seconds > self.longest:
            self.longest = seconds
