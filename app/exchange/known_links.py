"""What links of clients led to: a conversation repeats them with every turn, and some do not live that long.

In an old turn a link is the file that it was for this client before, for as long as GigaChat has it; one that led to
nothing is not waited for again for a while. A new link is always fetched.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from time import monotonic
from typing import NamedTuple

from app.exchange.failures import UnusableFile

MAX_LINKS = 10_000
FAILED_SECONDS = 300.0


class LinkedFile(NamedTuple):
    """The file that a link led to: its content's digest, and its size in bytes."""

    digest: str
    size: int


class KnownLinks:
    """By client and URL, the one used longest ago first."""

    def __init__(self, max_links: int = MAX_LINKS) -> None:
        self._max_links = max_links
        self._links: OrderedDict[tuple[str, str], tuple[LinkedFile | UnusableFile, float]] = OrderedDict()

    def find(self, client: str, url: str) -> LinkedFile | UnusableFile | None:
        """What was there, or why nothing was a short while ago; None: it must be fetched."""
        key = _key(client, url)
        found, at = self._links.get(key, (None, 0.0))
        if found is None or (isinstance(found, UnusableFile) and monotonic() > at + FAILED_SECONDS):
            return None
        self._links.move_to_end(key)
        return found

    def remember(self, client: str, url: str, found: LinkedFile | UnusableFile) -> None:
        """What a link has just led to."""
        key = _key(client, url)
        self._links[key] = (found, monotonic())
        self._links.move_to_end(key)
        if len(self._links) > self._max_links:
            self._links.popitem(last=False)


def _key(client: str, url: str) -> tuple[str, str]:
    return client, hashlib.sha256(url.encode(errors="replace")).hexdigest()
