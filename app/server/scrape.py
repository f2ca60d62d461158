"""GET /metrics, beside the event loop: a thousand series take prometheus_client ten milliseconds and more to write.

In a thread they hold up no stream for longer than Python's switch interval, five milliseconds, however many there are.
"""

from __future__ import annotations

import asyncio

from aiohttp import web
from prometheus_async.aio.web import server_stats


class Scrape:
    """The handler; one answer is written at a time, so that a flood of scrapes takes one thread."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def get(self, request: web.Request) -> web.Response:
        """Prometheus's text, or OpenMetrics for whoever asks for it."""
        async with self._turn:
            return await asyncio.to_thread(_written, request)


def _written(request: web.Request) -> web.Response:
    """What prometheus-async answers: its handler awaits nothing, so that one step ends it."""
    try:
        server_stats(request).send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    raise RuntimeError("prometheus-async's handler waits for something")
