"""The wire of a streamed answer: when its status line goes out, and what is sent while GigaChat is silent.

The status line waits for GigaChat's first event or refusal, so that a refusal is a real status, but no longer than the
commit time; from then on a comment line keeps proxies from cutting the connection.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from aiohttp import web

from app import sse
from app.observe.facts import Facts

_HEADERS = {"Content-Type": sse.CONTENT_TYPE, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


class ClientGone(Exception):
    """The client has left."""


class EventStream:
    """An async context around a streamed answer. Every write may raise ClientGone."""

    def __init__(self, request: web.Request, facts: Facts, *, commit_seconds: float, keepalive_seconds: float) -> None:
        self.response = web.StreamResponse(headers=_HEADERS)
        self._request = request
        self._facts = facts
        self._loop = asyncio.get_running_loop()
        self._keepalive = keepalive_seconds
        self._due = self._loop.time() + commit_seconds  # when silence has lasted too long
        self._lock = asyncio.Lock()
        self._timer = self._loop.call_at(self._due, self._keep)
        self._keeper: asyncio.Task[None] | None = None

    @property
    def committed(self) -> bool:
        """Whether the status line has gone out."""
        return self.response.prepared

    async def __aenter__(self) -> EventStream:
        """Begin to watch over the silence."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching, whatever happened."""
        self._timer.cancel()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def write(self, data: bytes) -> None:
        """Send framed events, the status line first if it has not gone out."""
        try:
            if not self.response.prepared:
                await self._commit()
            await self.response.write(data)
        except ConnectionError as fault:
            raise ClientGone from fault
        self._due = self._loop.time() + self._keepalive

    async def _commit(self) -> None:
        async with self._lock:  # the keeper may be committing at the same moment
            if not self.response.prepared:
                await self.response.prepare(self._request)
                self._facts.wire_status = self.response.status

    def _keep(self) -> None:
        """The timer's end: a stream that is silent for so long gets a task that writes comments until it ends."""
        if self._loop.time() < self._due:
            self._timer = self._loop.call_at(self._due, self._keep)
        else:
            self._keeper = asyncio.create_task(self._keep_alive(), name="stream-keepalive")

    async def _keep_alive(self) -> None:
        while True:
            silence = self._due - self._loop.time()
            if silence > 0:
                await asyncio.sleep(silence)
                continue
            try:
                await self.write(sse.KEEPALIVE)
            except ClientGone:
                return  # the handler hears of it by its cancellation
            self._facts.keepalives += 1
