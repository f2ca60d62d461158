"""One client's connection: aiohttp's own class of it, with bounds, and with errors that clients can read.

aiohttp parses, calls the application and closes what is idle. Here is what it leaves open: the places of connections,
the size of heads, a broken body, clients that read nothing, and the answer to what is no HTTP. Only names that aiohttp
exports are used: `request_factory` of the server tells when a request begins, `finish_response` when it ends.
"""

from __future__ import annotations

import asyncio
from typing import cast

from aiohttp import EMPTY_PAYLOAD, StreamReader, hdrs, web
from aiohttp.http import HttpVersion11, RawRequestMessage

from app import errors
from app.errors import GatewayError
from app.server import refusals
from app.server.bodies import UNREAD_BYTES, is_waited_for
from app.server.chunks import ChunkedBody, find_body
from app.server.connection_table import full
from app.server.heads import HEAD_BYTES, LINE_BYTES, SMALL_BYTES
from app.server.port import Port
from app.server.routes import OPEN_PATHS

_MOST_HEADERS = 128
# These are looked up at every request: `isinstance` of aiohttp's answers alone takes half a microsecond.
_PARSE, _FINISH = web.RequestHandler.data_received, web.RequestHandler.finish_response
# What comes behind the last answer is thrown away: a connection that is closed over unread bytes is reset. So long
# after an error; behind a body, whose client may read at its end; where there are too many connections.
_LINGER_SECONDS = (1.0, 10.0, 0.2)
# Behind a request that is under way: the head of the next one, and what flow control lets come of its body.
_MOST_BEHIND = 512 * 1024


class HttpConnection(web.RequestHandler):
    """One connection. `refusal`: the error that its request gets instead of an answer, and the connection's end."""

    __slots__ = (
        "_checking",
        "_content",
        "_counted",
        "_deaf",
        "_discarded",
        "_head",
        "_opening",
        "_port",
        "_received",
        "_stuck_since",
        "_unsent",
        "_wire",
        "busy",
        "chunks",
        "extra",
        "refusal",
    )

    def __init__(self, server: web.Server, port: Port) -> None:
        super().__init__(
            server,
            loop=port.loop,
            keepalive_timeout=port.idle_seconds,
            access_log=None,  # type: ignore[arg-type] # as aiohttp's runner gives it
            max_line_size=LINE_BYTES,
            max_field_size=LINE_BYTES,
            max_headers=_MOST_HEADERS,
            read_bufsize=UNREAD_BYTES,
        )
        self._port = port
        self._wire: asyncio.Transport | None = None
        self.busy = self.extra = False  # a request is under way; it is beyond the limit
        self._deaf = False  # what still comes is thrown away
        self._discarded = 0  # how many bytes were
        self._counted = False  # the gateway has ended it, and the metrics know why
        self._content: StreamReader = EMPTY_PAYLOAD  # the body of the last request
        self.chunks: ChunkedBody | None = None  # its framing
        self._head: list[bytes] = []  # what has come since its end
        self._received = 0  # how many bytes, where these are many, or many pieces
        self._opening = b""  # the first of them, where they were no HTTP
        self._checking = False
        self._unsent, self._stuck_since = 0, 0.0
        self.refusal: GatewayError | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        super().connection_made(transport)
        self._wire = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._port.table.open(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It has left, or was ended: the gateway has counted why by now."""
        self._counted = True
        super().connection_lost(exc)
        self._port.table.close(self)
        self._port.heads.release(self)
        self._content, self._head = EMPTY_PAYLOAD, []

    def data_received(self, data: bytes) -> None:
        """Bytes have come: of a head, or of the body of the request under way."""
        if self._deaf:
            self._discard(data)
            return
        content = self._content
        if content is EMPTY_PAYLOAD or content.is_eof():
            if data:  # aiohttp says by nothing that a body has been read
                if not (self._head or self.busy or refusals.can_begin(data)):
                    self.refuse(refusals.of_fault(None, data[:16]))
                    return
                self._head.append(data)
            _PARSE(self, data)
            if len(self._head) > 1 or len(data) > SMALL_BYTES:
                self._weigh(data)
        else:
            _PARSE(self, data)
            if self.chunks is not None and not self.chunks.feed(data):
                self._break_body()

    def begin(self, message: RawRequestMessage, payload: StreamReader) -> None:
        """A whole head has come: its request is made in this very moment."""
        self.busy = True
        self._content = payload
        if (
            message.version is not HttpVersion11
            or message.chunked
            or message.upgrade
            or hdrs.CONTENT_ENCODING in message.headers
            or self._received
            or self.extra
            or len(message.path) > refusals.SHORT_PATH
        ):
            self._judge(message, payload)
        self._head.clear()

    def ends_with(self, request: web.BaseRequest, resp: web.StreamResponse) -> bool:
        """Whether this answer is the connection's last one."""
        if self.refusal is not None or self.extra or self._port.drain.draining:
            return True
        return not self._content.is_eof() and not is_waited_for(request, resp.status)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write the answer; then the connection is idle again, or ends."""
        ends = self.ends_with(request, resp)
        unread = ends and not self._content.is_eof()
        if ends:
            resp.force_close()
            self._content.feed_eof()  # else aiohttp waits for the rest of the body, and decodes it
        if type(resp) is not web.Response and isinstance(resp, web.HTTPException):
            resp = self._port.convert(request, resp)
        written = await _FINISH(self, request, resp, start_time)
        self.busy = False
        self._port.table.end(self)
        if unread or self.refusal is not None:
            crowded = self.refusal is not None and self.refusal.kind is errors.OVERLOADED
            await self._linger(_LINGER_SECONDS[2 if crowded else unread])
        return written

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, _message: str | None = None
    ) -> web.StreamResponse:
        """The answer to what the parser refused, and to a bug that nobody else has answered."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is out already")
        self._deaf = True
        if status >= 500:
            self.refusal = GatewayError(errors.INTERNAL_ERROR, "The gateway failed: this is a bug of its own.")
            return self._port.answer(request, self.refusal, exc)
        if self.refusal is None:
            self.refusal = refusals.of_fault(exc, self._opening)
        return self._port.answer(request, self.refusal)

    def evict(self) -> None:
        """End this connection for another one's sake."""
        self._count("evicted")
        self.force_close()
        if self._wire is not None and self._wire.get_write_buffer_size():
            self._wire.abort()

    def refuse(self, error: GatewayError) -> None:
        """Answer so to whatever the client was going to ask. A NUL is refused wherever a head is."""
        self.refusal = error
        if error.kind is errors.OVERLOADED:
            self._count("refused")
        super().data_received(b"\0\r\n\r\n")
        self._deaf = True

    def drop_head(self) -> None:
        """Too much is held of unfinished heads, and this one is the oldest: an answer would mean to hold it on."""
        if self.busy:
            self._ignore_the_rest()
        else:
            self.force_close()

    def cut_if_unread(self, now: float) -> None:
        """End the connection if its client has long taken nothing of what was sent.

        A stream that is being written and waits for nobody is not judged: what it sends hides what its client takes.
        """
        wire = self._wire
        if wire is None or not (size := wire.get_write_buffer_size()):
            self._unsent = 0
        elif size < self._unsent or not self._unsent or (self.busy and not self.writing_paused):
            self._unsent, self._stuck_since = size, now
        elif now - self._stuck_since >= self._port.idle_seconds:
            self._count("unread")
            wire.abort()

    def resume_writing(self) -> None:
        """The client has taken enough for more to be sent."""
        self._unsent = 0
        super().resume_writing()

    def force_close(self) -> None:
        """aiohttp ends the connection: when its idle time is up, when the process ends, when the client is gone."""
        if self.transport is not None and not self.busy and not self._port.table.ending:
            self._count("head" if self._head else "idle")
        super().force_close()

    def _weigh(self, data: bytes) -> None:
        """More has come than a small head, or in several pieces. What the parser has begun meanwhile goes first."""
        self._received = self._received + len(data) if self._received else sum(map(len, self._head))
        if self._received > SMALL_BYTES and not self._checking:
            self._checking = True
            self._port.loop.call_soon(self._check_head)

    def _count(self, cause: str) -> None:
        if not self._counted:
            self._counted = True
            self._port.table.observer.record_cut(cause)

    def _judge(self, message: RawRequestMessage, payload: StreamReader) -> None:
        """The rarer kinds of requests."""
        self._port.heads.release(self)
        self._received = 0
        if self.extra:
            self._port.table.begin_extra(self)
        self._opening = self._head[0][:16] if self._head else b""
        if self.refusal is None:
            self.refusal = refusals.of_message(message)
        if self.refusal is None and self.extra and message.url.path not in OPEN_PATHS:
            self.refusal = full()
            self._count("refused")
        if self.refusal is not None:
            self._deaf = True
        elif message.chunked and not payload.is_eof():
            self._follow_chunks(message)

    def _follow_chunks(self, message: RawRequestMessage) -> None:
        """Find where the body begins in what has come. Behind other requests in one packet it is not found."""
        body = find_body(b"".join(self._head), message)
        self.chunks = None if body is None else ChunkedBody()
        if self.chunks is not None and not self.chunks.feed(body or b""):
            self._break_body()

    def _break_body(self) -> None:
        """The body is broken: whoever reads it is told at once. Where the answer is out already, nobody reads it."""
        if self.busy:
            self.refusal = refusals.chunk_invalid()
            self._content.set_exception(self.refusal)
        self._ignore_the_rest()
        self._content.feed_eof()

    def _check_head(self) -> None:
        """After the loop's next turn: a whole head has begun its request by now, so that what is left is unfinished."""
        self._checking = False
        if self._received <= SMALL_BYTES or self.transport is None:
            return
        if self._received <= HEAD_BYTES:
            self._port.heads.hold(self, self._received)
        elif b"\r\n\r\n" in b"".join(self._head).lstrip(b"\r\n"):  # it is whole, and its request waits for its turn
            if self._received > _MOST_BEHIND:
                self._ignore_the_rest()
        elif self.busy:
            self._ignore_the_rest()
        else:
            self.refuse(refusals.head_too_large())

    def _ignore_the_rest(self) -> None:
        """The request under way is the connection's last one."""
        self._deaf = True
        self.close()

    def _discard(self, data: bytes) -> None:
        """Throw it away; a client that never stops sending is cut off."""
        self._discarded += len(data)
        if self._discarded > self._port.most_unread and self._wire is not None:
            self._wire.abort()

    async def _linger(self, seconds: float) -> None:
        """Let the client read its answer."""
        self._deaf = True
        wire = self._wire
        if wire is None or wire.is_closing():
            return
        if wire.can_write_eof():
            wire.write_eof()
        if not wire.is_reading():
            wire.resume_reading()
        await asyncio.sleep(seconds)
