"""The ready token: the second level, given by the operator, from a setting or from a file that may change.

It may live 30 minutes only and nothing tells when it ends, so GigaChat is asked about it every few minutes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from app.upstream.wire import survived

# How often GigaChat is asked about a ready token that works, and about one that it has refused. Seconds.
PROBE_SECONDS = 300.0
PROBE_REFUSED_SECONDS = 60.0
_LOOK_SECONDS = 1.0  # at the file


class ReadyToken:
    """A token whose end nobody knows. `usable` is GigaChat's last word on it; None before the first."""

    def __init__(self, value: str, path: Path | None, told: Callable[[bool], None]) -> None:
        self.value = value
        self.usable: bool | None = None if value else False  # a file may be empty at the start
        self._path = path
        self._told = told
        self._seen: tuple[int, int, int] | None = None  # the first look reads: it may have changed since the start
        self._asked = 0.0

    def __repr__(self) -> str:
        return f"ReadyToken(usable={self.usable})"

    def judge(self, value: str, *, usable: bool) -> None:
        """GigaChat has accepted or refused this token; a word on one that was replaced meanwhile is too late."""
        if value == self.value:
            self._asked = time.monotonic()
            if usable is not self.usable:
                self.usable = usable
                self._told(usable)

    async def run(self, probe: Callable[[str], Awaitable[bool | None]]) -> None:
        """The background task: look at the file, ask GigaChat now and then. Ends only by cancellation.

        `probe` asks GigaChat about a token: True, False, or None when GigaChat could not be asked.
        """
        while True:
            self._look()
            if self.value and self._due():
                await self._judged_by(probe)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _judged_by(self, probe: Callable[[str], Awaitable[bool | None]]) -> None:
        value = self.value
        self._asked = time.monotonic()
        try:
            verdict = await probe(value)
        except Exception as bug:  # noqa: BLE001 - a task that died would never read the file again
            survived(bug, "GigaChat could not be asked about the ready token")
            return
        if verdict is not None:
            self.judge(value, usable=verdict)

    def _due(self) -> bool:
        pause = PROBE_SECONDS if self.usable else PROBE_REFUSED_SECONDS
        return self._asked == 0.0 or time.monotonic() - self._asked >= pause

    def _look(self) -> None:
        """Read the file again when it has changed; while it can't be read the last token stays."""
        stamp = self._stamp()
        if self._path is None or stamp is None or stamp == self._seen:
            return
        try:
            value = self._path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return
        self._seen = stamp
        if value and value != self.value and value.isascii() and value.isprintable():
            self.value, self.usable, self._asked = value, None, 0.0

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat() if self._path else None
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None
