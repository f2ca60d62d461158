"""One upstream stream: batches of events, one batch for each read from GigaChat, so that each wakes the writer once."""

from __future__ import annotations

import asyncio
from time import monotonic

import aiohttp

from app.errors import GatewayError
from app.exchange.outcomes import stream_error, to_error
from app.observe.facts import Facts, Tokens
from app.observe.gaps import Gaps
from app.translate.dialogue import Call, Delta, End, Event, Failed, Part, Text, Usage
from app.translate.gigachat.answers import StreamReader
from app.upstream.failures import unreachable

# After `[DONE]` GigaChat ends its response at once; a connection that stays open longer is not worth keeping.
_TRAILER_SECONDS = 0.25


class Stream:
    """The events of one streamed answer. The owner calls `begin`, iterates, then `drain` and `close`."""

    __slots__ = ("_begun", "_content", "_error", "_facts", "_first", "_gaps", "_over", "_reader", "_response")

    def __init__(self, response: aiohttp.ClientResponse, reader: StreamReader, facts: Facts) -> None:
        self._response = response
        self._content = response.content
        self._facts = facts
        self._reader = reader
        self._first: list[Event] = []
        self._error: GatewayError | None = None
        self._over = False
        self._begun = False  # the first batch was handed on: a failure is no status any more
        self._gaps: Gaps | None = None  # from the first word on

    async def begin(self, *, decisive: bool = False) -> list[Part]:
        """Wait for the first batch, so that a refusal inside the stream is still a real status. Raises GatewayError.

        `decisive`: wait until words, a call or the end have come. Gives the parts that came.
        """
        self._first = await self._read()
        while decisive and not (self._over or self._error or self._decided()):
            self._first += await self._read()
        if self._error is not None and self._facts.first_token is None:
            raise self._error
        self._begun = True
        return [event.part for event in self._first if type(event) is Delta]

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

    @property
    def over(self) -> bool:
        """Whether GigaChat's answer has come to its end."""
        return self._over

    def close(self) -> None:
        """End the upstream request at once; nothing is left to end when its body was read to the end."""
        self._response.close()

    def _decided(self) -> bool:
        return any(
            isinstance(event.part, Call) or (isinstance(event.part, Text) and event.part.text.strip())
            for event in self._first
            if type(event) is Delta
        )

    async def _read(self) -> list[Event]:
        """The events of the next read that has any; a failure is taken off the batch and kept for its turn."""
        events: list[Event] = []
        asked = monotonic()
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
        if self._gaps is not None:
            self._gaps.add(monotonic() - asked)
        elif any(type(event) is Delta for event in events):
            self._facts.first_token = self._facts.first_token or monotonic()
            self._gaps = self._facts.gaps = self._facts.gaps or Gaps()
        last = events[-1]
        if type(last) is Failed:
            self._error = stream_error(last, begun=self._begun or self._facts.first_token is not None)
            events.pop()
        elif type(last) is End:
            self._over = True
            self._facts.upstream_ended = monotonic()
            told(self._facts, last.raw_finish, last.usage)
        return events


def told(facts: Facts, finish: str | None, usage: Usage | None, *, cut: bool = False) -> None:
    """Put an answer's end into the facts; several answers of one request add up. `cut`: the usage is a count."""
    facts.finish, facts.cut = finish, facts.cut or cut
    spent(facts, usage)


def spent(facts: Facts, usage: Usage | None) -> None:
    """Put tokens into the facts, as far as they are known."""
    if usage is not None:
        before = facts.tokens or Tokens(0, 0, 0)
        facts.tokens = Tokens(
            before.prompt + usage.prompt, before.completion + usage.completion, before.cached + (usage.cached or 0)
        )
