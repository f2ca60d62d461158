"""One choice of a chat: asked by one variant after another, whole or as a stream, until an answer stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from functools import partial
from typing import TypeVar

from app import sse
from app.exchange.attempt import Attempt, Question
from app.exchange.failures import (
    FAILURES,
    NO_CALL,
    BrokenAnswer,
    NoFirstEvent,
    NoJson,
    NoStream,
    explain_unreadable,
)
from app.exchange.json_filter import keep_json
from app.exchange.notes import tell_usage
from app.exchange.open_stream import OpenStream
from app.exchange.sender import Sender
from app.exchange.stream import Stream
from app.exchange.stream_filters import cut_at_stop, gather
from app.exchange.tries import CredentialLease
from app.exchange.unfinished import UnfinishedAnswer, UnfinishedAnswers
from app.exchange.variants import Variant
from app.exchange.verdicts import Seen, see
from app.observe.request_record import RequestRecord
from app.translate.dialogue import Answer, End, Event, Failed, Note, Text, Usage
from app.translate.gigachat.contract import UnreadableError
from app.upstream import client
from app.upstream.failures import Refused

# The answer waits for what it has cost to be counted, and may do without.
COUNT_SECONDS = 1.0

T = TypeVar("T")


class Choices:
    """Asks for choices."""

    def __init__(
        self, sender: Sender, unfinished: UnfinishedAnswers, *, first_byte_seconds: float, silence_seconds: float
    ) -> None:
        self._sender = sender
        self._unfinished = unfinished
        self._first_byte_seconds = first_byte_seconds
        self._silence_seconds = silence_seconds

    async def answer(self, attempt: Attempt, index: int, lease: CredentialLease) -> Answer:
        """One choice's whole answer. Raises a failure."""

        async def ask(question: Question) -> tuple[Seen | None, tuple[Seen | None, Answer], str | None]:
            # read as a stream where it may have to be cut
            read = self._gather if attempt.request.stop else self._read_answer
            answer, seen = await read(question, attempt, lease), None
            if attempt.is_judged:
                seen = await see(answer.parts, answer.finish, attempt.wanted, is_cut=answer.stop_sequence is not None)
            return seen, (seen, answer), answer.raw_finish

        seen, answer = await self._try(attempt, index, ask)
        return answer if seen is None else _settle(attempt, seen, answer)

    async def begin(self, attempt: Attempt, index: int, lease: CredentialLease) -> OpenStream:
        """A choice's stream, whose first words have come: the caller ends it by `reading`. Raises a failure."""

        async def ask(question: Question) -> tuple[Seen | None, OpenStream, str | None]:
            opening = attempt.opening()
            if opening is None:
                return None, await self._begin_stream(question, attempt, lease, None), None
            opened = await self._begin_stream(question, attempt, lease, opening.is_decided)
            end, finish, raw_finish = opened.end, None, None
            if end is not None:
                finish, raw_finish = end.finish, end.raw_finish
            try:
                seen = await see(opened.parts, finish, attempt.wanted)
            except BaseException:  # the client has left
                self._discard(attempt, opened)
                raise
            if finish == "stop":
                _settle_stream(attempt, seen, opened)
            return seen, opened, raw_finish

        opened: OpenStream = await self._try(attempt, index, ask, partial(self._discard, attempt))
        # a client that reads slowly holds no slot once GigaChat has sent all
        opened.stream.on_received(opened.end_lease)
        return opened

    @asynccontextmanager
    async def reading(self, attempt: Attempt, opened: OpenStream) -> AsyncIterator[None]:
        """A context in which a stream is read. It ends the stream and its lease, unless `finish` has."""
        try:
            yield
            await opened.stream.read_trailer()
        finally:
            self._end(attempt, opened)

    async def finish(self, attempt: Attempt, opened: OpenStream) -> None:
        """A stream has been read to its end."""
        await opened.stream.read_trailer()
        self._end(attempt, opened)

    def filter(self, attempt: Attempt, opened: OpenStream) -> AsyncIterator[list[Event]]:
        """A stream's batches as the client gets them."""
        batches: AsyncIterator[list[Event]] = opened.stream
        wanted = attempt.wanted
        if wanted is not None and not (wanted.is_scalar or opened.question.variant.as_function):
            batches = keep_json(batches, wanted.extractor(), partial(attempt.told.add, _extracted(attempt)))
        if not attempt.request.stop:
            return batches

        async def end(said: str, ended: End | None) -> Usage | None:
            attempt.record.record_finish("stop", cut=ended is None)
            if ended is not None:  # its usage is told already
                return ended.usage
            opened.stream.close()
            return await self._count(opened, said, attempt)

        return cut_at_stop(batches, attempt.request.stop, end, may_call=attempt.can_call)

    async def _try(
        self,
        attempt: Attempt,
        index: int,
        ask: Callable[[Question], Awaitable[tuple[Seen | None, T, str | None]]],
        discard: Callable[[T], None] = lambda _: None,
    ) -> T:
        """Ask for a choice, by one variant after another, until an answer or a refusal stands.

        `ask` gives what decides (None: nothing does), the answer, and GigaChat's finish; `discard` ends an answer that
        is not used. Where a required call is asked for in other ways and none brings it, the first answer stands:
        better than an error.
        """
        attempt.begin_choice(index)
        first: tuple[Variant, T, str | None] | None = None
        while True:
            try:
                seen, answer, finish = await ask(attempt.question(index))
            except FAILURES as failure:
                if isinstance(failure, Refused) and attempt.change_after_refusal(failure):
                    continue
                if first is None:
                    raise
                break
            if seen is None:
                return answer
            variant = attempt.variant
            if not attempt.change_after_answer(seen):
                if not variant.choosing or first is None:
                    return answer
                discard(answer)
                break
            discard(answer)
            if attempt.variant.choosing:
                first = variant, answer, finish
        variant, answer, finish = first
        attempt.return_to(variant, index)
        attempt.record.record_finish(finish)
        return answer

    async def _read_answer(self, question: Question, attempt: Attempt, lease: CredentialLease) -> Answer:
        """One whole answer. All choices together have the size of one at most: each is held until the last has come."""
        response = await self._sender.send(question.job, attempt.record, lease.credential)
        try:
            answer = question.reader.read(
                await client.read_body(response, client.MAX_ANSWER_BYTES // attempt.request.n)
            )
        except UnreadableError as fault:
            raise explain_unreadable(response, fault) from None
        finally:
            attempt.record.end_upstream()
        if isinstance(answer, Failed):
            raise BrokenAnswer(answer, begun=False)
        attempt.record.record_finish(answer.raw_finish)
        tell_usage(attempt.record, answer.usage)
        if answer.finish == "uncalled":
            raise BrokenAnswer(NO_CALL, begun=False)
        return answer

    async def _gather(self, question: Question, attempt: Attempt, lease: CredentialLease) -> Answer:
        """One whole answer, read as a stream, so that it can be cut where a stop sequence comes."""
        opened: OpenStream | None = None
        try:
            opened = await self._begin_stream(question, attempt, lease, None)
            with closing(opened.stream):
                limit = partial(opened.stream.refuse_large, client.MAX_ANSWER_BYTES // attempt.request.n)
                answer = await gather(self.filter(attempt, opened), limit)
                await opened.stream.read_trailer()
        finally:
            attempt.record.end_upstream()
            if opened is not None:
                self._count_broken(attempt, opened)
        return answer

    async def _begin_stream(
        self,
        question: Question,
        attempt: Attempt,
        lease: CredentialLease,
        is_decided: Callable[[list[Event]], bool] | None,
    ) -> OpenStream:
        """Ask for a stream, and wait for its first event of any kind, and for what decides."""
        try:
            async with asyncio.timeout(self._first_byte_seconds) as limit:
                stream = await self._open_stream(question, attempt.record, lease)
                try:
                    events = await stream.begin(partial(limit.reschedule, None), is_decided)
                except BaseException:
                    stream.close()
                    self._unfinished.add(_unfinished(question, attempt, stream.words()))
                    raise
        except TimeoutError:
            silence = NoFirstEvent(self._first_byte_seconds)
            self._sender.report_silence(str(silence))
            raise silence from None
        return OpenStream(question, stream, events, lease)

    async def _open_stream(self, question: Question, record: RequestRecord, lease: CredentialLease) -> Stream:
        response = await self._sender.send(question.job, record, lease.credential)
        if response.content_type != sse.CONTENT_TYPE:
            response.close()
            raise explain_unreadable(response, NoStream())
        return Stream(response, question.reader.open_stream(question.index), record, self._silence_seconds)

    async def _count(self, opened: OpenStream, said: str, attempt: Attempt) -> Usage | None:
        """What an answer has cost that the gateway cut off: the client waits for it, though not long."""
        opened.is_counted = True
        answer = _unfinished(opened.question, attempt, said)
        lease = opened.lease
        usage = None
        if lease is not None:
            usage = await self._unfinished.count(answer, lease, attempt.record, COUNT_SECONDS)
        tell_usage(attempt.record, usage)
        if usage is None:
            self._unfinished.add(answer)
        return usage

    def _end(self, attempt: Attempt, opened: OpenStream) -> None:
        """End a stream and its lease, once."""
        if not opened.is_ended:
            opened.is_ended = True
            opened.stream.close()
            opened.end_lease()
            attempt.record.end_upstream()
            self._count_broken(attempt, opened)

    def _count_broken(self, attempt: Attempt, opened: OpenStream) -> None:
        """Have a stream counted later that has ended before GigaChat told its usage."""
        if not (opened.stream.over or opened.is_counted):
            self._unfinished.add(_unfinished(opened.question, attempt, opened.stream.words()))

    def _discard(self, attempt: Attempt, opened: OpenStream) -> None:
        """End a stream that is not used."""
        self._count_broken(attempt, opened)
        attempt.record.discard_answer()
        opened.stream.close()


def _unfinished(question: Question, attempt: Attempt, said: str) -> UnfinishedAnswer:
    """An answer of which GigaChat has not told what it has cost."""
    return UnfinishedAnswer(attempt.record, attempt.request.model, said, attempt.asked_bytes, question.payload or None)


def _settle(attempt: Attempt, seen: Seen, answer: Answer) -> Answer:
    """The answer with its JSON alone, where that is wanted. Raises NoJson where no way of asking has brought any."""
    if seen.verdict is None or seen.has_call or seen.finish == "filtered":
        return answer
    if seen.verdict != "json" and not (seen.is_cut or seen.finish == "length"):
        raise NoJson
    if not _is_altered(attempt, seen):
        return answer
    others = [part for part in answer.parts if not isinstance(part, Text)]
    return replace(answer, parts=[*others, Text(seen.json)])


def _settle_stream(attempt: Attempt, seen: Seen, opened: OpenStream) -> None:
    """Leave its JSON alone of a stream that was judged by all its words."""
    if seen.verdict == "json" and not seen.has_call and _is_altered(attempt, seen):
        opened.stream.replace_text(seen.json)


def _is_altered(attempt: Attempt, seen: Seen) -> bool:
    """Whether the JSON is not all of the answer's text; told where words were left out."""
    text = "".join(part.text for part in seen.parts if isinstance(part, Text))
    if len(seen.json) < len(text.strip()):
        attempt.told.add(_extracted(attempt))
    return seen.json != text


def _extracted(attempt: Attempt) -> Note:
    path = attempt.request.fields.format
    return Note("adapted", f"{path}.extracted", path)
