"""The ready token: the second level, which the operator gives in a setting or in a file that may change.

It may live only 30 minutes, and nothing tells when it ends: GigaChat is asked about it every few minutes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from app.background import report_bug
from app.setting_files import read_secret_file
from app.upstream.times import TIMES, UpstreamTimes


class ReadyToken:
    """A token whose end nobody knows. `usable` is GigaChat's last verdict on it; None before the first.

    `on_verdict` hears each verdict that differs from the one before.
    """

    def __init__(
        self,
        value: str,
        path: Path | None,
        on_verdict: Callable[[bool], None],
        *,
        times: UpstreamTimes = TIMES,
    ) -> None:
        self.value = value
        self.usable: bool | None = None if value else False  # a file may be empty at the start
        self._path = path
        self._on_verdict = on_verdict
        self._times = times
        self._seen: tuple[int, int, int] | None = None  # None: the first look reads the file, which may have changed
        self._asked = 0.0

    def __repr__(self) -> str:
        return f"ReadyToken(usable={self.usable})"

    def judge(self, value: str, *, usable: bool) -> None:
        """GigaChat has accepted or refused this token; a verdict on one that was replaced meanwhile is too late."""
        if value == self.value:
            self._asked = time.monotonic()
            if usable is not self.usable:
                self.usable = usable
                self._on_verdict(usable)

    async def run(self, probe: Callable[[str], Awaitable[bool | None]]) -> None:
        """The background task: look at the file, ask GigaChat now and then. Ends only by cancellation.

        `probe` asks GigaChat about a token: True, False, or None when GigaChat could not be asked.
        """
        while True:
            self._read_changed_file()
            if self.value and self._probe_is_due():
                await self._ask_gigachat(probe)
            await asyncio.sleep(self._times.file_look)

    async def _ask_gigachat(self, probe: Callable[[str], Awaitable[bool | None]]) -> None:
        value = self.value
        self._asked = time.monotonic()
        try:
            verdict = await probe(value)
        except Exception as bug:  # noqa: BLE001 - a task that died would never read the file again
            report_bug(bug, "GigaChat could not be asked about the ready token")
            return
        if verdict is not None:
            self.judge(value, usable=verdict)

    def _probe_is_due(self) -> bool:
        pause = self._times.probe if self.usable else self._times.probe_refused
        return self._asked == 0.0 or time.monotonic() - self._asked >= pause

    def _read_changed_file(self) -> None:
        """Read the file again when it has changed; while it can't be read the last token stays."""
        stamp = self._stamp_file()
        if self._path is None or stamp is None or stamp == self._seen:
            return
        try:
            value = read_secret_file(self._path)
        except (OSError, ValueError):
            return
        self._seen = stamp
        if value and value != self.value and value.isascii() and value.isprintable():
            self.value, self.usable, self._asked = value, None, 0.0

    def _stamp_file(self) -> tuple[int, int, int] | None:
        """What changes with the file's content; None when there is no file."""
        try:
            found = self._path.stat() if self._path else None
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None
