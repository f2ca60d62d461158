"""The exceptions of files that cannot be used."""

from __future__ import annotations

from typing import Literal

Reason = Literal["unsupported", "too_large", "download", "busy"]


class MediaError(Exception):
    """A file cannot be used. The message is for the client. It may name a host, but never an IP address.

    `reason` is "unsupported" (an unsupported type; unreadable, truncated, a decompression bomb, wrong base64),
    "too_large", "download" (a URL that is not allowed, or a failed download) or "busy" (too many files at once).
    `detail` is the cause, for the operator's log.
    """

    def __init__(self, reason: Reason, message: str, detail: str | None = None) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.detail = detail


class NoProcess(MediaError):
    """No process can be started to read an image, for the reason that `fault` gives: "busy" for the client."""

    def __init__(self, message: str, fault: OSError) -> None:
        super().__init__("busy", message)
        self.fault = fault


class Broken(ValueError):
    """An image is truncated, inconsistent, or larger than real images."""
