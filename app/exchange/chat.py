"""A chat request's life between the client's protocol and GigaChat: its files, its tries, its answers.

Failures of the wire are typed inside. They become the client's errors where `answers` and `stream` end.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

from app.exchange.attempt import Attempt
from app.exchange.catalog import Catalog
from app.exchange.choices import Choices, OpenStream
from app.exchange.outcomes import ClientErrors
from app.exchange.request_files import Attached, RequestFiles
from app.exchange.sender import Sender
from app.exchange.variants import Fallbacks
from app.observe.request_record import RequestRecord
from app.translate.abilities import Abilities
from app.translate.dialogue import Answer, Event, Note, Request
from app.translate.gigachat.contract import Contract
from app.translate.missing_models import refuse_wrong_use
from app.upstream.failures import Refused


class Chat:
    """Chat requests, whole and streamed."""

    def __init__(
        self,
        contract: Contract,
        sender: Sender,
        files: RequestFiles,
        fallbacks: Fallbacks,
        abilities: Abilities,
        catalog: Catalog,
        *,
        first_byte_seconds: float,
        silence_seconds: float,
    ) -> None:
        self._contract = contract
        self._choices = Choices(
            contract, sender, first_byte_seconds=first_byte_seconds, silence_seconds=silence_seconds
        )
        self._files = files
        self.fallbacks = fallbacks
        self._abilities = abilities
        self._catalog = catalog

    def plan(self, request: Request, notes: list[Note], record: RequestRecord, *, strict: bool) -> Attempt:
        """Decide whether GigaChat can be asked at all, before anything is paid. Raises GatewayError."""
        refuse_wrong_use(request.model, "chat", self._catalog.kinds, request.fields.model)
        return Attempt(
            request,
            notes,
            record,
            contract=self._contract,
            abilities=self._abilities,
            fallbacks=self.fallbacks,
            strict=strict,
        )

    async def answers(self, attempt: Attempt) -> list[Answer]:
        """The whole answers, as many as were asked for. Raises GatewayError."""
        with ClientErrors(attempt.request.fields, "turns", self._say_missing(attempt)):
            if not attempt.has_files:
                return await self._answer_all(attempt)
            async with self._attach(attempt) as attached:
                try:
                    return await self._answer_all(attempt)
                except Refused as refusal:
                    if not attached.forget_if_lost(refusal):
                        raise
            async with self._attach(attempt):
                return await self._answer_all(attempt)

    @asynccontextmanager
    async def stream(self, attempt: Attempt) -> AsyncIterator[AsyncIterator[list[Event]]]:
        """The events of a streamed answer, in batches, the first of which has come. Raises GatewayError.

        The upstream response lives in the caller's task and ends with this context: cleanly after its last event,
        else by closing the connection, so that GigaChat stops at once.
        """
        with ClientErrors(attempt.request.fields, "turns", self._say_missing(attempt), streamed=True):
            # An exit stack costs as much as all else here: requests without files do without.
            async with self._open_first(attempt) if attempt.has_files else self._choices.open(attempt, 0) as opened:
                if attempt.request.n == 1 and not attempt.request.stop and attempt.wanted is None:
                    attempt.let_go_of_question()
                    yield opened.stream
                else:
                    async with aclosing(self._stream_choices(attempt, opened)) as batches:
                        yield batches

    def _say_missing(self, attempt: Attempt) -> Callable[[], str]:
        return lambda: self._catalog.say_missing(attempt.request.model, attempt.record.model_asked, "chat")

    async def _answer_all(self, attempt: Attempt) -> list[Answer]:
        return [await self._choices.answer(attempt, index) for index in range(attempt.request.n)]

    @asynccontextmanager
    async def _attach(self, attempt: Attempt) -> AsyncIterator[Attached]:
        """The request's files, at GigaChat for as long as this context lasts."""
        async with self._files.of(attempt.request.turns, attempt.record) as attached:
            attempt.attach(attached.files, attached.lost)
            yield attached

    @asynccontextmanager
    async def _open_first(self, attempt: Attempt) -> AsyncIterator[OpenStream]:
        """The first choice of a request with files. Those that GigaChat has lost are uploaded once more."""
        async with AsyncExitStack() as stack:
            attached = await stack.enter_async_context(self._attach(attempt))
            try:
                opened = await stack.enter_async_context(self._choices.open(attempt, 0))
            except Refused as refusal:
                if not attached.forget_if_lost(refusal):
                    raise
                await stack.enter_async_context(self._attach(attempt))
                opened = await stack.enter_async_context(self._choices.open(attempt, 0))
            yield opened

    async def _stream_choices(self, attempt: Attempt, first: OpenStream) -> AsyncGenerator[list[Event], None]:
        """The batches of every choice, one choice after another: an account may have one request at a time."""
        async for events in self._choices.filter(attempt, first):
            yield events
        for index in range(1, attempt.request.n):
            async with self._choices.open(attempt, index) as opened:
                async for events in self._choices.filter(attempt, opened):
                    yield events
