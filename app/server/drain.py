"""The end of the process: first no new requests, then no more time for those under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.errors import DRAINING, GatewayError


class Drain:
    """Counts the requests under way and can end them all, so that each still tells its client."""

    def __init__(self) -> None:
        self.draining = False
        self._deadlines: set[asyncio.Timeout] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """One request's time. Raises GatewayError at the door while draining, and inside when the time is up."""
        if self.draining:
            raise _leaving("takes no new requests: it is shutting down")
        deadline = asyncio.timeout(None)
        self._deadlines.add(deadline)
        self._idle.clear()
        try:
            async with deadline:
                yield
        except TimeoutError:
            if deadline.expired():
                raise _leaving("is shutting down and could not finish this answer") from None
            raise
        finally:
            self._deadlines.discard(deadline)
            if not self._deadlines:
                self._idle.set()

    @property
    def under_way(self) -> int:
        """Requests that have not ended yet."""
        return len(self._deadlines)

    async def finish(self, seconds: float) -> None:
        """Refuse new requests, give those under way some time, then end each with an error."""
        self.draining = True
        if not await self._wait(seconds):
            now = asyncio.get_running_loop().time()
            for deadline in self._deadlines:
                deadline.reschedule(now)
            # Each has only its error to write; one whose client does not read must not hold up the process.
            await self._wait(2.0)

    async def _wait(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True


def _leaving(what: str) -> GatewayError:
    return GatewayError(DRAINING, f"This gateway {what}. Try again: another instance or the next start will serve it.")
