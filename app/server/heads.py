"""The heads of requests that have not ended yet, bounded one by one and all together."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

# One head, with all its headers; one header, or the request line.
HEAD_BYTES = 256 * 1024
LINE_BYTES = 64 * 1024
# A usual head is far smaller: it is not counted.
SMALL_BYTES = 4 * 1024
# The parser holds about three times as much.
_ALL_BYTES = 8 * 1024**2


class Sender(Protocol):
    """Whose head it is."""

    def drop_head(self) -> None:
        """Give up the head, and with it the connection."""


class HeadBudget:
    """The long unfinished heads of one port. The oldest goes first: honest ones come at once."""

    def __init__(self, limit: int = _ALL_BYTES) -> None:
        self._limit = limit
        self._total = 0
        self._sizes: OrderedDict[Sender, int] = OrderedDict()

    def hold(self, sender: Sender, size: int) -> None:
        """So much of the sender's head has come in all."""
        self._total += size - self._sizes.get(sender, 0)
        self._sizes[sender] = size
        while self._total > self._limit:
            oldest = next(iter(self._sizes))
            self.release(oldest)
            oldest.drop_head()

    def release(self, sender: Sender) -> None:
        """The head has ended, or its connection."""
        self._total -= self._sizes.pop(sender, 0)
