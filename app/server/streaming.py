"""The wire of a streamed answer: when its status line goes out, and what is sent while GigaChat is silent.

The status line waits for GigaChat's first event or refusal, so that a refusal is a real status, but no longer than the
commit time; from then on a comment line keeps proxies from cutting the connection. Once it has gone out, a failure is
an event inside the stream: a second response would be written into the first one's body.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from aiohttp import web

from app import errors, sse
from app.errors import GatewayError
from app.observe.facts import Facts
from app.observe.logs import LOGGER, fields
from app.server.drain import UNFINISHED, leaving
from app.server.keys import DRAIN
from app.server.middlewares import client_gone, note
from app.translate.openai.failure import envelope

_HEADERS = {"Content-Type": sse.CONTENT_TYPE, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
# OpenAI's Python package tells how long it waits for the next byte, in seconds.
_READ_TIMEOUT = "x-stainless-read-timeout"
# No client, whatever it tells, has comments written to it more often than this. Seconds.
_SHORTEST_SILENCE = 0.1
# A client that takes nothing for so long is gone: it must not hold GigaChat's stream.
_STUCK_SECONDS = 60.0
# A client that does not read gets no longer to take the stream's last event.
_LAST_WORDS_SECONDS = 1.0


class ClientGone(Exception):
    """The client has left."""


class EventStream:
    """An async context around a streamed answer. Every write may raise ClientGone.

    What its block leaves open once the status line is out ends here: a bug of the gateway's own, and the end of the
    time that a shutdown gives.
    """

    def __init__(self, request: web.Request, facts: Facts, *, commit_seconds: float, keepalive_seconds: float) -> None:
        self.response = web.StreamResponse(headers=_HEADERS)
        self._request = request
        self._facts = facts
        self._loop = asyncio.get_running_loop()
        self._keepalive = _patience(request, keepalive_seconds)
        self._due = self._loop.time() + _patience(request, commit_seconds)  # when silence has lasted too long
        self._lock = asyncio.Lock()
        self._writing = False
        self._ending = False
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
    ) -> bool:
        """Stop watching, whatever happened; tell the client of a failure that nobody has told it."""
        self._timer.cancel()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if fault is None or not self.committed:
            return False
        if isinstance(fault, asyncio.CancelledError):
            if not self._request.app[DRAIN].overdue:
                return False  # the client has left
            await self._fail(leaving(UNFINISHED), "shutdown")
            return True
        if isinstance(fault, Exception):
            LOGGER.error("a bug of the gateway's own", exc_info=fault, extra=fields(request_id=self._facts.request_id))
            message = "The gateway failed inside this answer: this is a bug of its own."
            await self._fail(GatewayError(errors.INTERNAL_ERROR, message))
            return True
        return False

    async def write(self, data: bytes) -> None:
        """Send framed events, the status line first if it has not gone out."""
        self._writing = True
        try:
            if not self.response.prepared:
                await self._commit()
            await self.response.write(data)
        except ConnectionError as fault:
            raise ClientGone from fault
        self._writing = False
        self._due = self._loop.time() + self._keepalive

    async def finish(self, data: bytes) -> None:
        """Send the last of a whole answer and end the response: what GigaChat does after it concerns no client."""
        await self.write(data)
        self._ending = True  # nothing may follow the end; the watch goes on, since the end waits for a client to read
        try:
            await self.response.write_eof()
        except ConnectionError as fault:
            raise ClientGone from fault
        self._timer.cancel()
        self._facts.status, self._facts.delivered = self.response.status, True

    async def _commit(self) -> None:
        async with self._lock:  # the keeper may be committing at the same moment
            if not self.response.prepared:
                await self.response.prepare(self._request)
                self._facts.wire_status = self.response.status
                self._watch(self._loop.time() + self._keepalive)

    async def _fail(self, error: GatewayError, side: str | None = None) -> None:
        note(self._facts, error)
        self._facts.aborted_by = side
        try:
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                await self.write(sse.encode(envelope(error)))
        except ClientGone:
            client_gone(self._facts)
        except TimeoutError:
            return  # the event lies in the connection's buffer, for whoever reads on

    def _watch(self, due: float) -> None:
        """From the first byte on silence is measured by the keep-alive time, not by the commit time."""
        self._due = due
        self._timer.cancel()
        self._timer = self._loop.call_at(due, self._keep)

    def _keep(self) -> None:
        """The timer's end: a silent stream gets a comment; a client that has long read nothing is cut off."""
        now = self._loop.time()
        if now >= self._due:
            if not self._busy:
                self._keeper = asyncio.create_task(self._comment(), name="stream-keepalive")
            elif now > self._due + _STUCK_SECONDS and self._request.transport is not None:
                self._request.transport.abort()
        self._timer = self._loop.call_at(max(self._due, now + _SHORTEST_SILENCE), self._keep)

    @property
    def _busy(self) -> bool:
        return self._writing or self._ending

    async def _comment(self) -> None:
        if self._busy:  # since the timer's end: this task begins a little later
            return
        try:
            await self.write(sse.KEEPALIVE)
        except ClientGone:
            return  # the handler hears of it by its cancellation
        self._facts.keepalives += 1


def _patience(request: web.Request, seconds: float) -> float:
    """A silence that the client bears: at most half of the time that it waits for a byte, where it tells that."""
    try:
        told = float(request.headers[_READ_TIMEOUT])
    except (KeyError, ValueError):
        return seconds
    return min(seconds, max(_SHORTEST_SILENCE, told / 2)) if told > 0 else seconds
