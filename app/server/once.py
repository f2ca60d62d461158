"""Requests with an `Idempotency-Key`: each is answered once, whoever asks again gets the same bytes.

The answer is made by a run of its own, which goes on though its client leaves or its deadline passes: a worker that has
crashed comes back for it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from app import errors
from app.admission.idempotency import IdempotencyStore, Recording, check_key
from app.admission.tickets import Ticket
from app.background import report_bug
from app.errors import GatewayError, drop_frames
from app.exchange.runs import Runs
from app.observe.request_record import RequestRecord
from app.server.bodies import HeldBody
from app.server.deadlines import within
from app.server.drain import UNFINISHED, leaving
from app.server.routes import protocol_of
from app.server.streaming import ClientGone, EventStream

HEADER = "Idempotency-Key"
Work = Callable[[Recording], Awaitable[None]]


@dataclass(slots=True)
class Asked:
    """A request with a key: whose it is, and what tells it from others."""

    tenant: str
    key: str
    digest: bytes


def read_key(request: web.Request, data: bytes | bytearray, tenant: str) -> Asked | None:
    """The request's key; None if it has none. `data` is its body. Raises GatewayError."""
    key = request.headers.get(HEADER)
    if not key:  # an empty one, of a worker whose template has no value, would be one key for all
        return None
    check_key(key)
    digest = hashlib.blake2b(data, digest_size=16)
    digest.update(request.path.encode("utf-8", "replace"))
    digest.update(request.headers.get("X-Gateway-Strict", "").encode("utf-8", "replace"))
    return Asked(tenant, key, digest.digest())


def find(store: IdempotencyStore, asked: Asked, record: RequestRecord) -> Recording | None:
    """The answer that is there or is being made; None: nobody has asked yet. Raises GatewayError for another body."""
    recording = store.find(asked.tenant, asked.key, asked.digest)
    if recording is not None:
        record.record_idempotent("replayed" if recording.is_whole else "joined")
    return recording


def begin(
    runs: Runs, store: IdempotencyStore, asked: Asked, work: Work, record: RequestRecord, held: HeldBody
) -> Recording:
    """Have the answer made. `work` adds it to the recording, and raises GatewayError."""
    recording = store.begin(asked.tenant, asked.key, asked.digest)

    async def make() -> None:
        fault: GatewayError | None = GatewayError(
            errors.INTERNAL_ERROR, "The gateway failed: this is a bug of its own."
        )
        try:
            await work(recording)
            fault = None
        except GatewayError as error:
            fault = error
            drop_frames(error)
        except Exception as bug:  # noqa: BLE001 - those who wait are told of a failure, operators of its cause
            report_bug(bug, "an answer with an idempotency key")
        except asyncio.CancelledError:
            fault = leaving(UNFINISHED)
            raise
        finally:
            recording.notes = record.adapted, record.dropped
            store.finish(asked.tenant, asked.key, fault)

    runs.begin(make(), record, held.hand_over())
    return recording


async def deliver_whole(recording: Recording, ticket: Ticket, record: RequestRecord) -> web.Response:
    """A whole answer. Raises GatewayError."""
    with _Leaving(recording, record):
        async with within(ticket):
            body = b"".join([piece async for piece in _follow(recording, record)])
    _tell_notes(recording, record)
    return web.Response(body=body, content_type="application/json")


async def deliver_stream(
    request: web.Request, out: EventStream, recording: Recording, ticket: Ticket, record: RequestRecord
) -> web.StreamResponse:
    """A streamed answer, from its beginning. Raises GatewayError before the status line is out."""
    async with out:
        try:
            with _Leaving(recording, record):
                async with within(ticket):
                    async for piece in _follow(recording, record):
                        _tell_notes(recording, record)
                        await out.write(piece)
                    await out.finish(b"")
        except ClientGone:
            record.record_departure()
        except GatewayError as error:
            if not out.committed:
                raise
            await out.break_off(error, protocol_of(request).stream_error(error))
    return out.response


class _Leaving:
    """A context of waiting: whoever leaves before the end hears of the usage of its run later."""

    __slots__ = ("_record", "_recording")

    def __init__(self, recording: Recording, record: RequestRecord) -> None:
        self._recording = recording
        self._record = record

    def __enter__(self) -> None:
        """The client waits."""

    def __exit__(self, kind: type[BaseException] | None, *_fault: object) -> None:
        """It does not wait any more."""
        is_over = self._recording.is_whole or self._recording.fault is not None
        if kind is not None and not is_over and self._record.upstream_started is not None:
            self._record.expect_usage()


async def _follow(recording: Recording, record: RequestRecord) -> AsyncIterator[bytes]:
    """The answer's pieces. Who has joined waits for another request: that is not the gateway's own time."""
    if record.idempotent is None:
        async for piece in recording.follow():
            yield piece
        return
    record.begin_waiting()
    try:
        async for piece in recording.follow():
            record.record_first_piece()
            record.end_waiting()
            yield piece
            record.begin_waiting()
    finally:
        record.end_waiting()


def _tell_notes(recording: Recording, record: RequestRecord) -> None:
    if record.idempotent is not None:
        record.record_notes(*recording.notes, {})
