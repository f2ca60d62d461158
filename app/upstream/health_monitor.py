"""Is GigaChat there? What requests last saw, and a request of our own only when none came for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from app.background import report_bug
from app.upstream.times import TIMES, UpstreamTimes

_DOUBT_PAUSE = 0.1
_FAILURES = 3  # requests that failed one after another


class HealthObserver(Protocol):
    """Hears that GigaChat has gone or come back."""

    def became_unavailable(self, detail: str) -> None:
        """GigaChat does not answer."""

    def became_available(self, seconds: float | None) -> None:
        """GigaChat answers, for the first time or again after so many seconds."""


class HealthMonitor:
    """What is known of GigaChat's API. `available` is None before the first answer or failure.

    `on_return` is called when it becomes available after nobody could reach it.
    """

    def __init__(
        self,
        observer: HealthObserver,
        *,
        times: UpstreamTimes = TIMES,
        on_return: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.available: bool | None = None
        self.last_success: float | None = None  # Unix seconds
        self.detail: str | None = None
        self._observer = observer
        self._times = times
        self._on_return = on_return
        self._clock = clock
        self._heard_at = 0.0  # by the clock
        self._gone_since = 0.0
        self._was_out_of_reach = False
        self._asked_while_gone = 0
        self._failures = 0  # in a row
        self._doubted = asyncio.Event()

    def mark_available(self, *, success: bool = True) -> None:
        """GigaChat answered; `success`: with what it was asked for, not with a refusal."""
        self._heard_at, self._failures = self._clock(), 0
        if success:
            self.last_success = time.time()
        if not self.available:
            seconds = self._heard_at - self._gone_since if self.available is False else None
            self.available, self.detail, self._asked_while_gone = True, None, 0
            self._observer.became_available(seconds)
            if self._was_out_of_reach:
                self._was_out_of_reach = False
                self._on_return()

    def report_failure(self, detail: str) -> None:
        """One request failed, perhaps by its own fault: GigaChat is asked at once, and a third failure decides."""
        self._failures += 1
        if self._failures >= _FAILURES or not self.available:
            self.mark_unavailable(detail, reached=True)
        else:
            self._doubted.set()

    def mark_unavailable(self, detail: str, *, reached: bool = False) -> None:
        """GigaChat cannot be reached, or something else answers in its place; `reached`: it fails."""
        self._was_out_of_reach = self._was_out_of_reach or not reached
        self._heard_at = self._clock()
        if self.available is not False:
            self.available, self._gone_since = False, self._heard_at
            self._observer.became_unavailable(detail)
        self.detail = detail

    async def run(self, ask: Callable[[], Awaitable[None]]) -> None:
        """The background task. `ask` makes a small request, and reports its outcome to this monitor."""
        while True:
            if self._doubted.is_set() or self._clock() - self._heard_at >= self._patience_seconds():
                self._doubted.clear()
                self._asked_while_gone += 1 if self.available is False else 0
                try:
                    await ask()
                except Exception as bug:  # noqa: BLE001 - a task that died would never see GigaChat come back
                    report_bug(bug, "GigaChat could not be asked whether it is there")
            try:
                async with asyncio.timeout(self._times.monitor_tick):
                    await self._doubted.wait()
            except TimeoutError:
                continue
            # However many requests fail, GigaChat is asked a few times a second at most.
            await asyncio.sleep(_DOUBT_PAUSE)

    def _patience_seconds(self) -> float:
        """How long to hear nothing of GigaChat before it is asked."""
        if self.available is None:
            return 0.0
        if self.available:
            return self._times.idle
        pauses = self._times.gone_pauses
        return pauses[min(self._asked_while_gone, len(pauses) - 1)]
