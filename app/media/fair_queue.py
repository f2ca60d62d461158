"""A lock whose waiters are served in turn by party (client), and in order of arrival within a party."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FairQueue:
    """One holder at a time. A party with a hundred waiters delays another party by one turn, not by a hundred."""

    def __init__(self) -> None:
        self._held = False
        # Who waits, by party. Ordered: the next turn is the first party's.
        self.waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, party: str, seconds: float) -> AsyncIterator[None]:
        """Wait for a turn and hold it for the context. Raises TimeoutError where it does not come in time."""
        if self._held:
            await self._wait(party, seconds)
        self._held = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, party: str, seconds: float) -> None:
        place = asyncio.get_running_loop().create_future()
        self.waiting.setdefault(party, deque()).append(place)
        try:
            async with asyncio.timeout(seconds):
                await place
        except (TimeoutError, asyncio.CancelledError):
            if place.done() and not place.cancelled():  # the turn came at the same time, so it must be passed on
                self._pass_on()
            else:
                self._leave(party, place)
            raise

    def _leave(self, party: str, place: asyncio.Future[None]) -> None:
        places = self.waiting[party]
        places.remove(place)
        if not places:
            del self.waiting[party]

    def _pass_on(self) -> None:
        """Give the turn to the first waiter of the next party, and move that party to the end."""
        if not self.waiting:
            self._held = False
            return
        party, places = self.waiting.popitem(last=False)
        places.popleft().set_result(None)
        if places:
            self.waiting[party] = places
