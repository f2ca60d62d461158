"""GET /metrics, beside the event loop: a thousand series take prometheus_client ten milliseconds and more to write.

In a thread they hold up no stream for longer than Python's switch interval, five milliseconds, however many there are.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web
from prometheus_async.aio.web import server_stats

# Prometheus asks once in some seconds, each of its replicas for itself.
MOST_WAITING = 32


class Scrape:
    """The handler; one answer is written at a time, so that a flood of scrapes takes one thread.

    The thread is the handler's own and ends with it: what a scraper that hangs up leaves behind goes on there, while
    the loop's threads look up GigaChat's name.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scrape")
        self._waiting = 0

    async def get(self, request: web.Request) -> web.Response:
        """Prometheus's text, or OpenMetrics for whoever asks for it; 503 where too many wait for it."""
        if self._waiting >= MOST_WAITING:
            return web.Response(status=503, text="Too many scrapes at once.\n")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, _written, request)
        finally:
            self._waiting -= 1


def _written(request: web.Request) -> web.Response:
    """What prometheus-async answers: its handler awaits nothing, so that one step ends it."""
    try:
        server_stats(request).send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    raise RuntimeError("prometheus-async's handler waits for something")
