"""A chat request's life between the client's protocol and GigaChat: a dry write, the attempts, the answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import replace
from time import monotonic
from typing import NamedTuple

from app import errors, sse
from app.errors import GatewayError
from app.exchange.attempts import Attempts, Job
from app.exchange.files import Attached, Files
from app.exchange.outcomes import stream_error, to_error, unreadable, whole
from app.exchange.payload import encoded
from app.exchange.plans import Asked, Plan, Planner
from app.exchange.stops import cut, gathered, only_json
from app.exchange.stream import Stream, spent, told
from app.exchange.variants import Fallbacks, Variant
from app.observe.facts import Facts
from app.translate.dialogue import Answer, Event, Failed, Note, Part, Request, Text, Thought, Usage
from app.translate.fences import JsonOnly
from app.translate.gigachat import answers, counting
from app.upstream import client
from app.upstream.failures import Refused, UpstreamFailure

# The answer waits for what it has cost to be counted, and may do without.
_COUNT_SECONDS = 5.0
_WASTED_SECONDS = 1.0  # what was thrown away is counted behind the answer, on the connection's time


class Opened(NamedTuple):
    """A stream whose first words have come, the variant that brought them, and the words of answers thrown away."""

    stream: Stream
    variant: Variant
    asked: Asked
    wasted: list[tuple[Asked, str]]


class Chat:
    """Chat requests, whole and streamed."""

    def __init__(
        self, attempts: Attempts, fallbacks: Fallbacks, planner: Planner, files: Files, first_byte_seconds: float
    ) -> None:
        self._attempts = attempts
        self._fallbacks = fallbacks
        self._planner = planner
        self._files = files
        self._first_byte_seconds = first_byte_seconds

    def plan(self, request: Request, notes: list[Note], facts: Facts, *, strict: bool) -> Plan:
        """Decide whether GigaChat can be asked at all, before anything is paid. Raises GatewayError."""
        return self._planner.plan(request, notes, facts, strict=strict)

    async def answers(self, plan: Plan, facts: Facts) -> list[Answer]:
        """The whole answers, as many as were asked for. Raises GatewayError."""
        if not plan.has_files:
            return await self._all(plan, facts)
        async with self._attached(plan, facts) as attached:
            try:
                return await self._all(plan, facts)
            except GatewayError as error:
                if not attached.lost(error):
                    raise
        async with self._attached(plan, facts):
            return await self._all(plan, facts)

    @asynccontextmanager
    async def stream(self, plan: Plan, facts: Facts) -> AsyncIterator[AsyncIterator[list[Event]]]:
        """The events of a streamed answer, in batches, the first of which has come. Raises GatewayError.

        The upstream response lives in the caller's task and ends with this context: cleanly after its last event,
        else by closing the connection, so that GigaChat stops at once.
        """
        async with self._first(plan, facts) if plan.has_files else self._opened(plan, facts, 0) as opened:
            if plan.request.n == 1 and not plan.request.stop and not opened.variant.instructed:
                yield opened.stream
            else:
                async with aclosing(self._choices(plan, facts, opened)) as batches:
                    yield batches

    async def _all(self, plan: Plan, facts: Facts) -> list[Answer]:
        return [await self._one(plan, facts, index) for index in range(plan.request.n)]

    @asynccontextmanager
    async def _attached(self, plan: Plan, facts: Facts) -> AsyncIterator[Attached]:
        """The plan's files, at GigaChat for as long as this context lasts."""
        async with self._files.of(plan.request.turns, facts) as attached:
            self._planner.attach(plan, attached.files, facts)
            yield attached

    @asynccontextmanager
    async def _first(self, plan: Plan, facts: Facts) -> AsyncIterator[Opened]:
        """The first choice of a request with files."""
        async with AsyncExitStack() as stack:
            attached = await stack.enter_async_context(self._attached(plan, facts))
            try:
                opened = await stack.enter_async_context(self._opened(plan, facts, 0))
            except GatewayError as error:
                if not attached.lost(error):
                    raise
                await stack.enter_async_context(self._attached(plan, facts))
                opened = await stack.enter_async_context(self._opened(plan, facts, 0))
            yield opened

    async def _choices(self, plan: Plan, facts: Facts, first: Opened) -> AsyncGenerator[list[Event], None]:
        """The batches of every choice, one choice after another: an account may have one request at a time."""
        async for events in self._batches(plan, facts, first):
            yield events
        for index in range(1, plan.request.n):
            async with self._opened(plan, facts, index) as opened:
                async for events in self._batches(plan, facts, opened):
                    yield events

    def _batches(self, plan: Plan, facts: Facts, opened: Opened) -> AsyncIterator[list[Event]]:
        batches: AsyncIterator[list[Event]] = opened.stream
        if opened.variant.instructed:
            batches = only_json(batches)
        if not plan.request.stop:
            return batches

        async def ended(said: str) -> Usage | None:
            opened.stream.close()
            usage = await self._counted(opened.asked, said, facts)
            told(facts, "stop", usage, cut=True)
            return usage

        return cut(batches, plan.request.stop, ended)

    async def _one(self, plan: Plan, facts: Facts, index: int) -> Answer:
        if plan.request.stop:  # read as a stream, so that it can be cut where the sequence comes
            async with self._opened(plan, facts, index) as opened:
                try:
                    return await gathered(self._batches(plan, facts, opened))
                except GatewayError as error:
                    raise whole(error) from error.__cause__
        variant, asked = plan.variant, self._planner.numbered(plan, facts, index)
        while True:
            other: Variant | None = None
            try:
                answer = await self._answer(asked, facts)
            except GatewayError as error:
                other = self._after_refusal(plan, variant, error)
                if other is None:
                    raise
            else:
                if not plan.strict:
                    other = self._fallbacks.after_answer(plan.request, variant, answer.parts)
                if other is None:
                    return _fitted(answer, variant)
            variant, asked = other, self._planner.again(plan, other, facts, index)

    async def _answer(self, asked: Asked, facts: Facts) -> Answer:
        response = await self._attempts.open(asked.job, facts)
        try:
            answer = answers.read(await client.read(response), asked.calls)
        except UpstreamFailure as failure:
            raise to_error(failure) from failure
        except answers.UnreadableError as fault:
            raise unreadable(fault) from None
        finally:
            facts.upstream_ended = monotonic()
        if isinstance(answer, Failed):
            raise stream_error(answer, begun=False)
        told(facts, answer.raw_finish, answer.usage)
        return answer

    @asynccontextmanager
    async def _opened(self, plan: Plan, facts: Facts, index: int) -> AsyncIterator[Opened]:
        opened: Opened | None = None
        try:
            try:
                async with asyncio.timeout(self._first_byte_seconds):
                    opened = await self._begun(plan, facts, index)
            except TimeoutError:
                message = f"GigaChat began no answer in {self._first_byte_seconds:g} seconds."
                self._attempts.silent(message)
                raise GatewayError(errors.UPSTREAM_TIMEOUT, message) from None
            yield opened
            await opened.stream.drain()
            with suppress(TimeoutError):
                async with asyncio.timeout(_WASTED_SECONDS):
                    for asked, said in opened.wasted:
                        spent(facts, await self._counted(asked, said, facts))
        finally:
            facts.upstream_ended = facts.upstream_ended or monotonic()
            if opened is not None:
                opened.stream.close()

    async def _begun(self, plan: Plan, facts: Facts, index: int) -> Opened:
        """Open the stream, and another one in its place while a fallback says so."""
        facts.upstream_ended = None  # GigaChat works again, for another choice
        variant, asked = plan.variant, self._planner.numbered(plan, facts, index)
        judged = not plan.strict and (plan.request.format is not None or plan.request.choice.mode == "required")
        wasted: list[tuple[Asked, str]] = []
        while True:
            stream: Stream | None = None
            try:
                stream = await self._stream(asked, facts, index)
                parts = await stream.begin(decisive=judged)
                other = self._fallbacks.after_answer(plan.request, variant, parts) if judged else None
                if other is None:
                    opened, stream = Opened(stream, variant, asked, wasted), None
                    return opened
                if not stream.over:
                    wasted.append((asked, _words(parts, Text, Thought)))
                facts.first_token = facts.upstream_ended = None
            except GatewayError as error:
                other = self._after_refusal(plan, variant, error)
                if other is None:
                    raise
            finally:
                if stream is not None:
                    stream.close()
            variant, asked = other, self._planner.again(plan, other, facts, index)

    async def _stream(self, asked: Asked, facts: Facts, index: int) -> Stream:
        response = await self._attempts.open(asked.job, facts)
        if response.content_type != sse.CONTENT_TYPE:
            response.close()
            raise GatewayError(errors.UPSTREAM_ERROR, "GigaChat's answer is no stream. Try again later.")
        return Stream(response, answers.StreamReader(asked.calls, index), facts)

    async def _counted(self, asked: Asked, said: str, facts: Facts) -> Usage | None:
        """What a request that was cut off has cost, counted by GigaChat; None when it can't count."""
        body = counting.write(asked.payload, said)
        job = Job("tokens", "tokens/count", encoded(body), {"X-Request-ID": facts.request_id})
        try:
            async with asyncio.timeout(_COUNT_SECONDS):
                return counting.read(await client.read(await self._attempts.open(job, facts)))
        except (GatewayError, UpstreamFailure, TimeoutError):
            return None

    def _after_refusal(self, plan: Plan, variant: Variant, error: GatewayError) -> Variant | None:
        refusal = error.__cause__
        if plan.strict or not isinstance(refusal, Refused):
            return None
        return self._fallbacks.after_refusal(plan.request, variant, refusal)


def _words(parts: Iterable[Part], *kinds: type[Text | Thought]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Text | Thought) and type(part) in kinds)


def _fitted(answer: Answer, variant: Variant) -> Answer:
    """The answer, without the words around its JSON where only words had asked for JSON."""
    if not variant.instructed:
        return answer
    text = _words(answer.parts, Text)
    others = [part for part in answer.parts if not isinstance(part, Text)]
    return replace(answer, parts=[*others, Text(JsonOnly().feed(text) or text)])
