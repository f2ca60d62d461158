"""The end of the process: first no new requests, then no more time for those under way."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any

from app.errors import DRAINING, GatewayError

UNFINISHED = "is shutting down and could not finish this answer"


class Drain:
    """Counts the requests under way and can end them all, so that each still tells its client."""

    def __init__(self) -> None:
        self.draining = False
        self.overdue = False  # the time of those under way is up as well
        self._tasks: set[asyncio.Task[Any]] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def admitted(self) -> _UnderWay:
        """One request's time, a context. Raises GatewayError at once while draining, and when the time is up."""
        if self.draining:
            raise leaving("takes no new requests: it is shutting down")
        return _UnderWay(self)

    def writing(self) -> _UnderWay:
        """The time that a client takes to read its answer, a context. Raises GatewayError when the time is up."""
        return _UnderWay(self)

    def begin(self) -> asyncio.Task[Any]:
        """The running task has a request under way."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a handler runs in a task
        self._tasks.add(task)
        self._idle.clear()
        return task

    def end(self, task: asyncio.Task[Any]) -> None:
        """It has none any more."""
        self._tasks.discard(task)
        if not self._tasks:
            self._idle.set()

    @property
    def under_way(self) -> int:
        """Requests that have not ended yet."""
        return len(self._tasks)

    async def finish(self, seconds: float) -> None:
        """Refuse new requests, give those under way some time, then end each with an error."""
        self.draining = True
        if not await self._wait(seconds):
            if not self.overdue:  # an impatient operator's second signal finds them ending already
                self.overdue = True
                for task in self._tasks:
                    task.cancel()
            # Each has only its error to write; one whose client does not read must not hold up the process.
            await self._wait(2.0)

    async def _wait(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                while self._tasks:  # a request that has been handled may have its answer yet to be written
                    await self._idle.wait()
        except TimeoutError:
            return False
        return True


class _UnderWay:
    """One request under way. Overdue, its cancellation becomes the error that its client is told."""

    __slots__ = ("_drain", "_task")

    def __init__(self, drain: Drain) -> None:
        self._drain = drain

    def __enter__(self) -> None:
        self._task = self._drain.begin()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drain.end(self._task)
        if self._drain.overdue and isinstance(fault, asyncio.CancelledError):
            self._task.uncancel()
            raise leaving(UNFINISHED) from None


def leaving(what: str) -> GatewayError:
    """The error of a gateway that shuts down."""
    return GatewayError(DRAINING, f"This gateway {what}. Try again: another instance or the next start will serve it.")
