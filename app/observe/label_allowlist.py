"""The values that a label may have. Each list is limited. A value that is not in it becomes `other` and is counted."""

from __future__ import annotations

from collections.abc import Iterable

from app.observe.counters import Counter


class LabelAllowlist:
    """The allowed values of one label: the `known` ones, and as many of the first others as `capacity` says."""

    def __init__(self, label: str, overflow: Counter, known: Iterable[str] = (), *, capacity: int = 0) -> None:
        self._known = set(known)
        self._left = capacity
        self._overflow = overflow.labels(label)

    def allow(self, names: Iterable[str]) -> None:
        """Add values while there is room. A value is never removed."""
        for name in names:
            if name not in self._known and self._left > 0:
                self._known.add(name)
                self._left -= 1

    def label_for(self, value: str) -> str:
        """The label for a value: the value itself if it is allowed, else `other`."""
        if value in self._known:
            return value
        if value != "other":
            self._overflow.inc()
        return "other"
