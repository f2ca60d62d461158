"""A chat request's life between the client's protocol and GigaChat: a dry write, the attempts, the answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

import aiohttp
import orjson

from app import errors, sse
from app.errors import GatewayError
from app.exchange.attempts import Attempts, Job
from app.exchange.outcomes import stream_error, to_error
from app.observe.facts import Facts, Tokens
from app.translate.dialogue import Answer, Delta, End, Event, Failed, Note, Request, Usage
from app.translate.gigachat import answers, v1
from app.translate.notes import header, refuse_if_strict
from app.translate.session import session_id
from app.upstream import client
from app.upstream.failures import UpstreamFailure, unreachable

_PATH = "chat/completions"
# After `[DONE]` GigaChat ends its response at once; a connection that stays open longer is not worth keeping.
_TRAILER_SECONDS = 0.25


@dataclass(slots=True)
class Plan:
    """A request that may be asked: all that can be refused for free has been."""

    job: Job
    request: Request


class Chat:
    """Chat requests, whole and streamed."""

    def __init__(self, attempts: Attempts, first_byte_seconds: float) -> None:
        self._attempts = attempts
        self._first_byte_seconds = first_byte_seconds

    def plan(self, request: Request, notes: list[Note], facts: Facts, *, strict: bool) -> Plan:
        """The dry write: decides whether GigaChat can be asked at all, before anything is paid. Raises GatewayError."""
        payload, written = v1.write(request)
        notes = notes + written
        if strict:
            refuse_if_strict(notes)
        if notes:
            facts.adapted, facts.dropped = header(notes, "adapted"), header(notes, "dropped")
            facts.dropped_params = Counter(note.rule for note in notes if note.kind == "dropped")
        facts.model, facts.stream = request.model, request.stream
        headers = {
            "Accept": sse.CONTENT_TYPE if request.stream else "application/json",
            "X-Request-ID": facts.request_id,
            "X-Session-ID": session_id(facts.tenant, request),
        }
        return Plan(Job("chat", _PATH, _encoded(payload), headers, request.stream), request)

    async def answer(self, plan: Plan, facts: Facts) -> Answer:
        """The whole answer. Raises GatewayError."""
        response = await self._attempts.open(plan.job, facts)
        try:
            answer = answers.read(await client.read(response))
        except UpstreamFailure as failure:
            facts.detail = str(failure)
            raise to_error(failure) from failure
        except answers.UnreadableError as fault:
            raise GatewayError(errors.UPSTREAM_ERROR, f"{fault}. Try again later.") from None
        finally:
            facts.upstream_ended = monotonic()
        if isinstance(answer, Failed):
            raise stream_error(answer, begun=False)
        _told(facts, answer.raw_finish, answer.usage)
        return answer

    @asynccontextmanager
    async def stream(self, plan: Plan, facts: Facts) -> AsyncIterator[Stream]:
        """The events of a streamed answer, in batches, the first of which has come. Raises GatewayError.

        The upstream response lives in the caller's task and ends with this context: cleanly after its last event,
        else by closing the connection, so that GigaChat stops at once.
        """
        response: aiohttp.ClientResponse | None = None
        try:
            try:
                async with asyncio.timeout(self._first_byte_seconds):
                    response = await self._attempts.open(plan.job, facts)
                    if response.content_type != sse.CONTENT_TYPE:
                        raise GatewayError(errors.UPSTREAM_ERROR, "GigaChat's answer is no stream. Try again later.")
                    stream = Stream(response, facts)
                    await stream.begin()
            except TimeoutError:
                raise GatewayError(
                    errors.UPSTREAM_TIMEOUT, f"GigaChat began no answer in {self._first_byte_seconds:g} seconds."
                ) from None
            yield stream
            await stream.drain()
        finally:
            facts.upstream_ended = facts.upstream_ended or monotonic()
            if response is not None:
                response.close()  # nothing is left to close when the body was read to its end


class Stream:
    """Batches of events: one batch for each read from GigaChat, so that each wakes the writer once."""

    __slots__ = ("_begun", "_content", "_error", "_facts", "_first", "_over", "_reader")

    def __init__(self, response: aiohttp.ClientResponse, facts: Facts) -> None:
        self._content = response.content
        self._facts = facts
        self._reader = answers.StreamReader()
        self._first: list[Event] = []
        self._error: GatewayError | None = None
        self._over = False
        self._begun = False  # the first batch was handed on: a failure is no status any more

    async def begin(self) -> None:
        """Wait for the first batch, so that a refusal inside the stream is still a real status. Raises GatewayError."""
        self._first = await self._read()
        if self._error is not None and self._facts.first_token is None:
            raise self._error
        self._begun = True

    def __aiter__(self) -> Stream:
        """The stream is its own iterator."""
        return self

    async def __anext__(self) -> list[Event]:
        """The next batch. Raises GatewayError when the stream does not come to its end."""
        events, self._first = self._first, []
        while not events:
            if self._error is not None:
                raise self._error
            if self._over:
                raise StopAsyncIteration
            events = await self._read()
        return events

    async def drain(self) -> None:
        """Read the response's own end, so that the connection can serve the next request."""
        try:
            async with asyncio.timeout(_TRAILER_SECONDS):
                while not self._content.at_eof():
                    await self._content.readany()
        except (TimeoutError, aiohttp.ClientError):
            return

    async def _read(self) -> list[Event]:
        """The events of the next read that has any; a failure is taken off the batch and kept for its turn."""
        events: list[Event] = []
        while not events:
            try:
                chunk = await self._content.readany()
            except (aiohttp.ClientError, OSError) as fault:
                failure = unreachable(fault)
                if failure.cause == "timeout":
                    self._error, self._facts.aborted_by = to_error(failure), "idle_timeout"
                    return []
                chunk = b""
            events = self._reader.feed(chunk) if chunk else self._reader.finish()
        if self._facts.first_token is None and any(type(event) is Delta for event in events):
            self._facts.first_token = monotonic()
        last = events[-1]
        if type(last) is Failed:
            self._error = stream_error(last, begun=self._begun or self._facts.first_token is not None)
            events.pop()
        elif type(last) is End:
            self._over = True
            self._facts.upstream_ended = monotonic()
            _told(self._facts, last.raw_finish, last.usage)
        return events


def _encoded(payload: dict[str, Any]) -> bytes:
    """The payload as JSON. What a client nests too deep, and a whole number of more than 64 bits, has no JSON here."""
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError:
        name = next((name for name, value in payload.items() if not _encodable({name: value})), None)
        message = f"'{name}' is nested too deep, or holds a number that is too large."
        raise GatewayError(errors.INVALID_VALUE, message, param=name) from None


def _encodable(value: object) -> bool:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return False
    return True


def _told(facts: Facts, finish: str | None, usage: Usage | None) -> None:
    facts.finish = finish
    if usage is not None:
        facts.tokens = Tokens(usage.prompt, usage.completion, usage.cached or 0)
