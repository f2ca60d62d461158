"""Why a file can't be used."""

from __future__ import annotations

from typing import Literal

Reason = Literal["unsupported", "too_large", "download", "busy"]


class MediaError(Exception):
    """A sentence for the client: whose fault it is and what to do. It names a host at most, never an address.

    `reason` is "unsupported" (a type that is not taken; unreadable, truncated, a bomb, no base64), "too_large",
    "download" (an address that is not fetched from, an answer that is none) or "busy" (too many files at once).
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason
