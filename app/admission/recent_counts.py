"""Counts of the last while, kept in parts: what is older than all parts is forgotten, a part at a time."""

from __future__ import annotations


class RecentCounts:
    """Two counts, of which one may be a part of the other. `all[-1]` and `some[-1]` are those of the present part.

    Whoever counts looks at `part_ends` first, and calls `begin_parts` when that has passed: a request counts by an
    addition then, and by no call. Times are on the monotonic clock.
    """

    __slots__ = ("_seconds", "all", "part_ends", "some")

    def __init__(self, parts: int, seconds: float) -> None:
        self._seconds = seconds  # of a part
        self.part_ends = 0.0
        self.all = [0] * parts
        self.some = [0] * parts

    def begin_parts(self, now: float) -> None:
        """Begin the part of this moment."""
        passed = int((now - self.part_ends) / self._seconds) + 1
        self.part_ends += passed * self._seconds
        for counts in (self.all, self.some):
            kept = counts[passed:]
            counts[:] = [*kept, *[0] * (len(counts) - len(kept))]
