"""A whole answer's way to its client: a request is under way until the last byte of its answer is written.

An answer that the connection takes at once, as almost all are, costs no timer. One that it does not take counts as a
request under way and in the memory that requests share, for as long as its client reads; a client that takes nothing
for a minute is cut off. Streams (`streaming`) write themselves.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from aiohttp import web
from aiohttp.http import StreamWriter
from aiohttp.typedefs import Handler, Middleware

from app.admission.memory import Memory
from app.errors import GatewayError
from app.observe.request_record import RequestRecord
from app.server.app_keys import RECORD
from app.server.drain import Drain
from app.server.http_connection import HttpConnection
from app.server.middlewares import record_error
from app.server.streaming import ClientGone, Progress

# How often a client that does not read is looked at.
_LOOK_SECONDS = 1.0
# After so long an answer gives way to requests of others, where its tenant holds too much.
PATIENT_SECONDS = 10.0


def delivery(drain: Drain, memory: Memory) -> Middleware:
    """The middleware that writes whole answers."""

    @web.middleware
    async def deliver(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        record = request.get(RECORD)
        try:
            if not (_is_flushed(request) if response.prepared else await _write(request, response)):
                await _await_taking(request, record, drain, memory)
        except (ClientGone, ConnectionError):
            if record is not None:
                record.record_departure()
        except GatewayError as error:  # the process ends, and no second answer can follow the first one's beginning
            _abort(request)
            if record is not None:
                record_error(record, error)
                record.record_abort("shutdown")
        return response

    return deliver


def _is_flushed(request: web.Request) -> bool:
    """Whether the connection has taken all of a stream, which has written itself; one that failed may leave some."""
    transport = request.transport
    if transport is None or not transport.get_write_buffer_size():
        return True
    transport.set_write_buffer_limits(0)
    return False


async def _write(request: web.Request, response: web.StreamResponse) -> bool:
    """Write the answer; whether the connection took all of it."""
    transport = request.transport
    if transport is None:
        raise ClientGone
    protocol = request.protocol
    if isinstance(protocol, HttpConnection) and protocol.ends_with(request, response):
        response.force_close()
    transport.set_write_buffer_limits(0)  # writing is paused until the connection has taken the last byte
    writer = await response.prepare(request)
    assert isinstance(writer, StreamWriter)  # noqa: S101 - aiohttp's server has no other
    if isinstance(response, web.Response) and isinstance(response.body, bytes) and request.method != "HEAD":
        await writer.write(response.body, drain=False)
        response.body = None  # the connection holds what it has not taken
    else:
        writer.send_headers()
    return not request.protocol.writing_paused


async def _await_taking(request: web.Request, record: RequestRecord | None, drain: Drain, memory: Memory) -> None:
    """Wait until the client has taken the answer. Raises ClientGone, and GatewayError when a shutdown can't wait."""
    transport = request.transport
    if transport is None:
        raise ClientGone
    with drain.writing(), memory.reserve("" if record is None else record.tenant) as share:
        share.hold(transport.get_write_buffer_size())
        progress, begun = Progress(request), monotonic()
        drained = asyncio.ensure_future(request.writer.drain())
        try:
            while not drained.done():
                await asyncio.wait({drained}, timeout=_LOOK_SECONDS)
                share.give(share.taken - transport.get_write_buffer_size())
                if not drained.done() and progress.stuck():
                    progress.cut_off(record)
                    raise ClientGone
                if monotonic() > begun + PATIENT_SECONDS:
                    share.allow_eviction(lambda: progress.cut_off(record, "others needed the memory of its answer"))
            drained.result()
        finally:
            drained.cancel()
            if record is not None:
                record.record_unread(monotonic() - begun)


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
