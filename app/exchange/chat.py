"""A chat request's life between the client's protocol and GigaChat: its files, its tries, its answers.

Failures of the wire are typed inside. They become the client's errors where `answers` and `stream` end.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, nullcontext
from typing import TypeVar

from app.admission.tickets import Ticket
from app.exchange.attempt import Attempt
from app.exchange.catalog import Catalog
from app.exchange.choices import Choices
from app.exchange.open_stream import OpenStream
from app.exchange.outcomes import ClientErrors
from app.exchange.request_files import FilesOfRequest, RequestFiles
from app.exchange.tries import CredentialLease, Tries
from app.exchange.unfinished import TokenRatios
from app.exchange.variants import Fallbacks
from app.observe.request_record import RequestRecord
from app.translate.abilities import Abilities
from app.translate.dialogue import Answer, Event, Note, Request
from app.translate.gigachat.contract import Contract
from app.translate.missing_models import refuse_wrong_use
from app.upstream.failures import Refused

T = TypeVar("T")


class Chat:
    """Chat requests, whole and streamed."""

    def __init__(
        self,
        contract: Contract,
        tries: Tries,
        choices: Choices,
        files: RequestFiles,
        fallbacks: Fallbacks,
        abilities: Abilities,
        catalog: Catalog,
        ratios: TokenRatios,
    ) -> None:
        self._contract = contract
        self._tries = tries
        self._choices = choices
        self._files = files
        self.fallbacks = fallbacks
        self._abilities = abilities
        self._catalog = catalog
        self._ratios = ratios

    def plan(
        self, request: Request, notes: list[Note], record: RequestRecord, ticket: Ticket, *, strict: bool
    ) -> Attempt:
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
            ticket=ticket,
        )

    async def answers(self, attempt: Attempt) -> list[Answer]:
        """The whole answers, as many as were asked for. Raises GatewayError."""
        with ClientErrors(attempt.request.fields, "turns", self._say_missing(attempt)):
            if not attempt.has_files:
                return await self._answer_all(attempt, None)
            async with self._files.of(attempt.request.turns, attempt.record) as files:
                return await self._answer_all(attempt, files)

    @asynccontextmanager
    async def stream(self, attempt: Attempt) -> AsyncIterator[AsyncIterator[list[Event]]]:
        """The events of a streamed answer, in batches, the first of which has come. Raises GatewayError.

        The upstream response lives in the caller's task and ends with this context: cleanly after its last event,
        else by closing the connection, so that GigaChat stops at once.
        """
        with ClientErrors(attempt.request.fields, "turns", self._say_missing(attempt), streamed=True):
            if attempt.has_files:
                async with self._stream_with_files(attempt) as batches:
                    yield batches
            else:
                # another context around both would cost as much as all else here
                opened = await self._open(attempt, 0, None)
                async with self._choices.reading(attempt, opened), self._batches(attempt, opened, None) as batches:
                    yield batches
        self._learn(attempt)

    def _say_missing(self, attempt: Attempt) -> Callable[[], str]:
        return lambda: self._catalog.say_missing(attempt.request.model, attempt.record.model_asked, "chat")

    async def _answer_all(self, attempt: Attempt, files: FilesOfRequest | None) -> list[Answer]:
        answers = []
        for index in range(attempt.request.n):

            async def ask(lease: CredentialLease, index: int = index) -> Answer:
                await _attach(attempt, files, lease)
                return await self._choices.answer(attempt, index, lease)

            answer, lease = await self._ask(attempt, index, files, ask)
            lease.end()
            answers.append(answer)
        return answers

    async def _open(self, attempt: Attempt, index: int, files: FilesOfRequest | None) -> OpenStream:
        """A choice's stream, whose first words have come."""

        async def ask(lease: CredentialLease) -> OpenStream:
            await _attach(attempt, files, lease)
            return await self._choices.begin(attempt, index, lease)

        return (await self._ask(attempt, index, files, ask))[0]

    async def _ask(
        self,
        attempt: Attempt,
        index: int,
        files: FilesOfRequest | None,
        ask: Callable[[CredentialLease], Awaitable[T]],
    ) -> tuple[T, CredentialLease]:
        """What `ask` gives. Files that GigaChat has lost are loaded and uploaded once more."""
        try:
            return await self._tries.run(attempt.asking(index), ask)
        except Refused as refusal:
            if files is None or not files.forget_if_lost(refusal):
                raise
        await files.load()
        return await self._tries.run(attempt.asking(index), ask)

    @asynccontextmanager
    async def _stream_with_files(self, attempt: Attempt) -> AsyncIterator[AsyncIterator[list[Event]]]:
        """The batches of a request with files."""
        async with self._files.of(attempt.request.turns, attempt.record) as files:
            opened = await self._open(attempt, 0, files)
            async with self._choices.reading(attempt, opened), self._batches(attempt, opened, files) as batches:
                yield batches

    def _batches(
        self, attempt: Attempt, opened: OpenStream, files: FilesOfRequest | None
    ) -> AbstractAsyncContextManager[AsyncIterator[list[Event]]]:
        """The batches of every choice, in a context. A stream that is handed on as it comes holds no question."""
        if attempt.request.n > 1 or attempt.request.stop or attempt.wanted is not None:
            return aclosing(self._stream_choices(attempt, opened, files))
        attempt.let_go_of_question()
        if files is not None:
            files.let_go()
        return nullcontext(opened.stream)

    async def _stream_choices(
        self, attempt: Attempt, first: OpenStream, files: FilesOfRequest | None
    ) -> AsyncGenerator[list[Event], None]:
        """The batches of every choice, one choice after another: an account may have one request at a time."""
        async for events in self._choices.filter(attempt, first):
            yield events
        if attempt.request.n > 1:
            await self._choices.finish(attempt, first)
        for index in range(1, attempt.request.n):
            opened = await self._open(attempt, index, files)
            async with self._choices.reading(attempt, opened):
                async for events in self._choices.filter(attempt, opened):
                    yield events

    def _learn(self, attempt: Attempt) -> None:
        """What an exact answer has cost tells what one costs whose usage GigaChat does not tell."""
        record = attempt.record
        if record.tokens is not None and record.tries == 1 and not (attempt.has_files or record.awaits_usage):
            self._ratios.learn(attempt.request.model, attempt.asked_bytes, record.tokens.prompt)


async def _attach(attempt: Attempt, files: FilesOfRequest | None, lease: CredentialLease) -> None:
    """Have the request's files at GigaChat, and in what is asked."""
    if files is not None and await files.bring(lease):
        attempt.attach(files.files, files.lost)
