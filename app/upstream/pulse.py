"""Is GigaChat there? What requests last saw, and a question of our own only when none has asked for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from app.upstream.wire import survived

IDLE_SECONDS = 30.0  # without a request for so long, GigaChat is asked
_GONE_PAUSES = (1.0, 2.0, 5.0, 10.0)  # while it is gone, it is asked soon, then less often
_TICK = 0.5
_DOUBT_PAUSE = 0.1
_FAILURES = 3  # requests that failed one after another


class PulseObserver(Protocol):
    """Who is told that GigaChat has gone or come back."""

    def gone(self, detail: str) -> None:
        """GigaChat does not answer."""

    def back(self, seconds: float | None) -> None:
        """GigaChat answers, for the first time or again after so many seconds."""


class Pulse:
    """The last word on GigaChat's API. `available` is None until it was heard of."""

    def __init__(self, observer: PulseObserver) -> None:
        self.available: bool | None = None
        self.last_success: float | None = None  # Unix seconds
        self.detail: str | None = None
        self._observer = observer
        self._heard = 0.0  # monotonic
        self._gone_since = 0.0
        self._asked_while_gone = 0
        self._failures = 0  # in a row
        self._doubted = asyncio.Event()

    def alive(self, *, success: bool = True) -> None:
        """GigaChat answered; `success`: with what it was asked for, not with a refusal."""
        self._heard, self._failures = time.monotonic(), 0
        if success:
            self.last_success = time.time()
        if not self.available:
            seconds = self._heard - self._gone_since if self.available is False else None
            self.available, self.detail, self._asked_while_gone = True, None, 0
            self._observer.back(seconds)

    def suspect(self, detail: str) -> None:
        """One request failed, which may be its own fault: GigaChat is asked at once, and a third in a row decides."""
        self._failures += 1
        if self._failures >= _FAILURES or not self.available:
            self.gone(detail)
        else:
            self._doubted.set()

    def gone(self, detail: str) -> None:
        """GigaChat cannot be reached, or what answers is none."""
        self._heard = time.monotonic()
        if self.available is not False:
            self.available, self._gone_since = False, self._heard
            self._observer.gone(detail)
        self.detail = detail

    async def run(self, ask: Callable[[], Awaitable[None]]) -> None:
        """The background task: `ask` makes a small request, whose outcome comes back through `alive` and `gone`."""
        while True:
            if self._doubted.is_set() or time.monotonic() - self._heard >= self._patience():
                self._doubted.clear()
                self._asked_while_gone += self.available is False
                try:
                    await ask()
                except Exception as bug:  # noqa: BLE001 - a task that died would never see GigaChat come back
                    survived(bug, "GigaChat could not be asked whether it is there")
            try:
                async with asyncio.timeout(_TICK):
                    await self._doubted.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(_DOUBT_PAUSE)  # however many requests fail, the question is asked a few times a second

    def _patience(self) -> float:
        if self.available is None:
            return 0.0
        if self.available:
            return IDLE_SECONDS
        return _GONE_PAUSES[min(self._asked_while_gone, len(_GONE_PAUSES) - 1)]
