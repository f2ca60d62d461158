"""One upstream stream: batches of events, one batch for each read from GigaChat, so that each wakes the writer once.

Nothing here grows with the length of a stream. Bytes that are no event, as comments are, do not keep a stream alive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

import aiohttp

from app.errors import drop_frames
from app.exchange.failures import NO_CALL, BrokenAnswer, Failure
from app.exchange.notes import tell_usage
from app.observe.gaps import Gaps
from app.observe.request_record import RequestRecord
from app.translate.dialogue import Delta, End, Event, Failed, Text
from app.translate.gigachat.contract import StreamReader
from app.translate.joining import Joiner
from app.upstream.failures import classify_fault, refuse_large_answer

# After `[DONE]` GigaChat ends its response at once; a connection that stays open longer is not worth keeping.
_TRAILER_SECONDS = 0.25
# What may come before it is known whether an answer is the wanted one: thoughts, of which 64K tokens are such a size.
_UNDECIDED_BYTES = 16 * 1024 * 1024
# aiohttp gives up to 400 KB at once, which may hold 100,000 comments: others get their turn after so much.
_TURN_BYTES = 64 * 1024


class Stream:
    """The events of one streamed answer. The owner calls `begin`, iterates, then `read_trailer` and `close`."""

    __slots__ = (
        "_content",
        "_failure",
        "_first",
        "_gaps",
        "_over",
        "_reader",
        "_record",
        "_response",
        "_silence",
        "_silence_timer",
        "_unread",
        "_waiting_since",
    )

    def __init__(
        self, response: aiohttp.ClientResponse, reader: StreamReader, record: RequestRecord, silence_seconds: float
    ) -> None:
        self._response = response
        self._content = response.content
        self._record = record
        self._reader = reader
        self._first: list[Event] = []
        self._failure: Failure | None = None
        self._over = False
        self._gaps: Gaps | None = None  # from the first word on
        self._unread = b""  # of what was read, more than one turn's
        self._waiting_since: float | None = None  # since when the next event is waited for
        self._silence = silence_seconds
        self._silence_timer = asyncio.get_running_loop().call_later(silence_seconds / 4, self._check_silence)

    async def begin(
        self, on_first_event: Callable[[], None], is_decided: Callable[[list[Event]], bool] | None = None
    ) -> list[Event]:
        """Wait for the first batch, so that a refusal inside the stream is still a real status. Raises the failure.

        `on_first_event` is called at the first event of any kind. `is_decided` hears the next events, and tells whether
        enough has come: a stream that fails before that can't be judged. Returns the events that came.
        """
        self._first = await self._read()
        on_first_event()
        if is_decided is not None:
            await self._read_until_decided(is_decided)
        failure = self._failure
        if failure is not None and (is_decided is not None or self._record.first_token is None):
            if isinstance(failure, BrokenAnswer):
                failure.begun = self._record.chunks > 0  # of choices before this one
            raise failure
        return self._first

    def __aiter__(self) -> Stream:
        """The stream is its own iterator."""
        return self

    async def __anext__(self) -> list[Event]:
        """The next batch. Raises the failure by which the stream does not come to its end."""
        events = self._first
        if events:
            self._first = []
            return events
        while not events:
            if self._failure is not None:
                raise self._failure
            if self._over:
                raise StopAsyncIteration
            events = await self._read()
        return events

    async def read_trailer(self) -> None:
        """Read the response's own end, so that the connection can serve the next request.

        Nothing is read of a closed response: aiohttp raises one exception object for all of them, and its traceback
        would grow with each.
        """
        try:
            async with asyncio.timeout(_TRAILER_SECONDS):
                while not (self._response.closed or self._content.at_eof()):
                    await self._content.readany()
        except (TimeoutError, aiohttp.ClientError):
            return

    def on_received(self, tell: Callable[[], None]) -> None:
        """Call this once all of GigaChat's response has come, be it read or not."""
        self._content.on_eof(tell)

    def words(self) -> str:
        """What GigaChat has said so far, to be counted."""
        return self._reader.words()

    @property
    def over(self) -> bool:
        """Whether GigaChat's answer has come to its end."""
        return self._over

    def replace_text(self, text: str) -> None:
        """The whole answer has come, and its text becomes this."""
        *before, end = [event for event in self._first if not (type(event) is Delta and type(event.part) is Text)]
        self._first = [*before, Delta(end.index if isinstance(end, End) else 0, Text(text)), end]

    def close(self) -> None:
        """End the upstream request at once; nothing is left to end when its body was read to the end."""
        self._silence_timer.cancel()
        self._response.close()

    def refuse_large(self, most: int) -> None:
        """Raise the failure of a whole answer that is larger, if more has come."""
        if self._content.total_bytes > most:
            raise refuse_large_answer(most)

    async def _read_until_decided(self, is_decided: Callable[[list[Event]], bool]) -> None:
        """Read on until it is known what answer this is; what came is joined, so that little is held."""
        held, events = Joiner(), self._first
        while not (
            is_decided(events)
            or self._over
            or self._failure is not None
            or self._content.total_bytes > _UNDECIDED_BYTES
        ):
            held.feed(events)
            events = await self._read()
        if events is not self._first:
            held.feed(events)
            self._first = held.events()

    def _check_silence(self) -> None:
        """Fail a read that has waited too long for an event, whatever bytes have come meanwhile; else look again."""
        if self._waiting_since is not None and monotonic() - self._waiting_since >= self._silence:
            self._content.set_exception(aiohttp.SocketTimeoutError("no event in time"))
        else:
            self._silence_timer = asyncio.get_running_loop().call_later(self._silence / 4, self._check_silence)

    def _take_turn(self, chunk: bytes) -> bytes:
        """As much as is read at once; the rest has to wait."""
        self._unread = chunk[_TURN_BYTES:]
        return chunk[:_TURN_BYTES]

    async def _read(self) -> list[Event]:
        """The events of the next read that has any; a failure is taken off the batch and kept for its turn."""
        events: list[Event] = []
        self._waiting_since = asked = monotonic()
        while not events:
            if self._unread:
                await asyncio.sleep(0)
                chunk = self._take_turn(self._unread)
            else:
                try:
                    chunk = await self._content.readany()
                except (aiohttp.ClientError, OSError) as fault:
                    drop_frames(fault)  # the response keeps it, and it would keep this stream
                    if self._has_timed_out(fault):
                        return []
                    chunk = b""
                if len(chunk) > _TURN_BYTES:
                    chunk = self._take_turn(chunk)
            events = self._reader.feed(chunk) if chunk else self._reader.finish()
        self._waiting_since = None
        if self._gaps is not None:
            self._gaps.add(monotonic() - asked)
        elif any(type(event) is Delta for event in events):
            self._gaps = self._record.begin_answer()
        self._take_last(events)
        return events

    def _has_timed_out(self, fault: aiohttp.ClientError | OSError) -> bool:
        """Whether a read failed because nothing came in time; any other failure shows by what is missing."""
        failure = classify_fault(fault)
        if failure.cause != "timeout":
            return False
        self._failure = failure
        self._record.record_abort("idle_timeout")
        return True

    def _take_last(self, events: list[Event]) -> None:
        """Take a failure off a batch, and hear of the end."""
        last = events[-1]
        if type(last) is Failed:
            self._fail(events, last)
        elif type(last) is End:
            self._over = True
            self._record.end_upstream()
            self._record.record_finish(last.raw_finish)
            tell_usage(self._record, last.usage)
            if last.finish == "uncalled":
                self._fail(events, NO_CALL)

    def _fail(self, events: list[Event], failed: Failed) -> None:
        self._failure = BrokenAnswer(failed, begun=True)
        events.pop()
