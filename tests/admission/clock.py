"""A clock that stands still until a test moves it."""

from __future__ import annotations


class Clock:
    """Seconds, on a clock of the test's own. It begins late enough for all that happened long before."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """The time now."""
        return self.now

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
