"""The wire of a streamed answer: when its status line goes out, and what is sent while GigaChat is silent.

The status line waits for GigaChat's first event or refusal, so that a refusal is a real status, but no longer than the
commit time; from then on a sign of life in each silence keeps proxies from cutting the connection. Once it has gone
out, a failure is an event inside the stream: a second response would be written into the first one's body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

from aiohttp import web

from app import errors, sse
from app.errors import GatewayError
from app.observe.logs import LOGGER, fields
from app.observe.request_record import RequestRecord
from app.server.app_keys import DRAIN
from app.server.deadlines import read_timeout
from app.server.drain import UNFINISHED, leaving
from app.server.middlewares import record_error
from app.server.routes import protocol_of

# Without the charset `requests` reads ISO-8859-1, in which a Russian letter ends a line.
_CONTENT_TYPE = f"{sse.CONTENT_TYPE}; charset=utf-8"
_HEADERS = {"Content-Type": _CONTENT_TYPE, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
# No client, whatever it tells, has signs of life written to it more often than this. Seconds.
_SHORTEST_SILENCE = 0.1
# A client that takes nothing for so long is gone: it must not hold GigaChat's stream.
STUCK_SECONDS = 60.0
# A client that does not read gets no longer to take the stream's last event.
_LAST_WORDS_SECONDS = 1.0


class ClientGone(Exception):
    """The client has left."""


class Progress:
    """Watches whether a client takes what it is sent: slowly is enough."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._since = asyncio.get_running_loop().time()
        self._taken = self._bytes()

    def stuck(self) -> bool:
        """Whether nothing has been taken for too long, as far as this was asked in between."""
        now, taken = asyncio.get_running_loop().time(), self._bytes()
        if taken != self._taken:
            self._since, self._taken = now, taken
        return now > self._since + STUCK_SECONDS

    def cut_off(self, record: RequestRecord | None, why: str = "") -> None:
        """End the connection; the log says why."""
        if record is not None:
            record.record_cut_off(why or f"it took nothing for {STUCK_SECONDS:g} s")
        if self._request.transport is not None:
            self._request.transport.abort()

    def _bytes(self) -> int:
        transport = self._request.transport
        return self._request.writer.output_size - (0 if transport is None else transport.get_write_buffer_size())


class EventStream:
    """An async context around a streamed answer. Every write may raise ClientGone.

    `keepalive` gives what is sent in a silence, framed; nothing sends the status line alone, when it is due.
    What its block leaves open once the status line is out ends here: a bug of the gateway's own, and the end of the
    time that a shutdown gives.
    """

    def __init__(
        self,
        request: web.Request,
        record: RequestRecord,
        *,
        commit_seconds: float,
        keepalive_seconds: float,
        keepalive: Callable[[], bytes],
    ) -> None:
        self.response = web.StreamResponse(headers=_HEADERS)
        self._request = request
        self._record = record
        self._loop = asyncio.get_running_loop()
        self._keepalive = keepalive
        self._silence = _patience(request, keepalive_seconds)
        self._due = self._loop.time() + _patience(request, commit_seconds)  # when silence has lasted too long
        self._lock = asyncio.Lock()
        self._writing = False
        self._ending = False
        self._progress: Progress | None = None  # while a client keeps a write waiting
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
            LOGGER.error("a bug of the gateway's own", exc_info=fault, extra=fields(request_id=self._record.request_id))
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
        self._due = self._loop.time() + self._silence

    async def finish(self, data: bytes) -> None:
        """Send the last of a whole answer and end the response: what GigaChat does after it concerns no client."""
        await self.write(data)
        self._ending = True  # nothing may follow the end; the watch goes on, since the end waits for a client to read
        if self._request.transport is not None:
            self._request.transport.set_write_buffer_limits(0)  # the end is when the last byte is written
        try:
            await self.response.write_eof()
        except ConnectionError as fault:
            raise ClientGone from fault
        self._timer.cancel()
        self._record.deliver(self.response.status)

    async def break_off(self, error: GatewayError, data: bytes) -> None:
        """The answer ends by this error, whose framed event is `data`; no status line can tell it any more."""
        record_error(self._record, error)
        if self._record.aborted_by is None:
            self._record.record_abort("client" if error.kind is errors.DEADLINE_EXCEEDED else "upstream")
        try:
            await self.write(data)
        except ClientGone:
            self._record.record_departure()

    async def _commit(self) -> None:
        async with self._lock:  # the keeper may be committing at the same moment
            if not self.response.prepared:
                await self.response.prepare(self._request)
                self._record.begin_response(self.response.status)
                self._watch(self._loop.time() + self._silence)

    async def _fail(self, error: GatewayError, side: str | None = None) -> None:
        record_error(self._record, error)
        self._record.record_abort(side)
        try:
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                await self.write(protocol_of(self._request).stream_error(error))
        except ClientGone:
            self._record.record_departure()
        except TimeoutError:
            return  # the event lies in the connection's buffer, for whoever reads on

    def _watch(self, due: float) -> None:
        """From the first byte on silence is measured by the keep-alive time, not by the commit time."""
        self._due = due
        self._timer.cancel()
        self._timer = self._loop.call_at(due, self._keep)

    def _keep(self) -> None:
        """The timer's end: a silent stream gets a sign of life; a client that has long read nothing is cut off."""
        now = self._loop.time()
        if now >= self._due:
            if not self._busy:
                self._progress = None
                self._keeper = asyncio.create_task(self._keep_alive(), name="stream-keepalive")
            elif self._progress is None:
                self._progress = Progress(self._request)
            elif self._progress.stuck():
                self._progress.cut_off(self._record)
        self._timer = self._loop.call_at(max(self._due, now + _SHORTEST_SILENCE), self._keep)

    @property
    def _busy(self) -> bool:
        return self._writing or self._ending

    async def _keep_alive(self) -> None:
        if self._busy:  # since the timer's end: this task begins a little later
            return
        data = self._keepalive()
        if not data and self.committed:
            self._due = self._loop.time() + self._silence
            return
        try:
            await self.write(data)
        except ClientGone:
            return  # the handler hears of it by its cancellation
        if data:
            self._record.record_keepalive()


def _patience(request: web.Request, seconds: float) -> float:
    """A silence that the client bears: at most half of the time that it waits for a byte, where it tells that."""
    return min(seconds, max(_SHORTEST_SILENCE, read_timeout(request.headers) / 2))
