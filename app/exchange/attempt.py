"""A chat request that may be asked, the variant in which it is asked now, and the payload of that.

The variant that brought an answer stays for the choices after it: what one choice has cost is not paid again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from app import sse
from app.admission.tickets import Ticket
from app.exchange.notes import ToldNotes
from app.exchange.payload import encode
from app.exchange.required_calls import ask_for_call, ask_for_choice, must_choose
from app.exchange.sender import Job
from app.exchange.tries import Asking
from app.exchange.variants import INSTRUCTION, Fallbacks, Variant
from app.exchange.verdicts import Opening, Seen
from app.observe.request_record import RequestRecord
from app.translate import lost_files
from app.translate.abilities import Abilities
from app.translate.dialogue import Call, Note, Request, Text, Turn, Uploaded
from app.translate.gigachat.contract import AnswerReader, Contract
from app.translate.gigachat.leaked_calls import LeakedCalls, LeakReader
from app.translate.identity_headers import derive_client_id, derive_session_id
from app.translate.notes import refuse_if_strict
from app.translate.turn_media import list_media
from app.translate.wanted_json import wanted_json
from app.upstream.failures import Refused


@dataclass(slots=True)
class Question:
    """What GigaChat is asked for one choice, by one variant, and what reads its answer."""

    index: int
    variant: Variant
    job: Job
    payload: Mapping[str, Any]
    reader: AnswerReader


class Attempt:
    """One client's request on its way to an answer: all that can be refused for free has been."""

    def __init__(
        self,
        request: Request,
        notes: Sequence[Note],
        record: RequestRecord,
        *,
        contract: Contract,
        abilities: Abilities,
        fallbacks: Fallbacks,
        strict: bool,
        ticket: Ticket,
    ) -> None:
        """The dry write: decides whether GigaChat can be asked at all. Raises GatewayError."""
        self.record = record
        self.ticket = ticket
        self._contract = contract
        self._abilities = abilities
        self._fallbacks = fallbacks
        self._strict = strict
        contract.refuse_too_large(request, record.body_bytes)
        media = list_media(request.turns)
        self.has_files = bool(media)
        self._files: Mapping[str, Uploaded] | None = None  # by their paths, once they are at GigaChat
        self._asked, self._notes = request, [*notes]
        # of what the client sent: no variant and no lost file makes another conversation of it
        self._session = derive_session_id(record.tenant, request)
        self._file_notes: list[Note] = []  # what was done to its files
        self._fit(images=any(one.kind == "image" for one in media))
        self.variant = fallbacks.first(self.request, record.tenant, strict=strict)
        # strict mode alters no answer, and asks for no other
        self.wanted = None if request.format is None or strict else wanted_json(request.format)
        self.is_light = False  # it holds nothing large any more
        self.told = ToldNotes(record)
        self.asked_bytes = 0  # of the payload that was written last
        self._question = self._write(0)

    @property
    def can_call(self) -> bool:
        """Whether an answer may call one of the client's functions."""
        return bool(self.request.tools) and self.request.choice.mode != "none"

    @property
    def is_judged(self) -> bool:
        """Whether it depends on a whole answer if another one is asked for."""
        return self.wanted is not None or (not self._strict and must_choose(self.request))

    def asking(self, index: int) -> Asking:
        """Who asks, for which choice."""
        ticket = self.ticket if index == 0 else self.ticket.renew(monotonic())
        return Asking(ticket, self.record, self.request.model, self.request.stream, goes_on=index > 0)

    def opening(self) -> Opening | None:
        """What tells when a stream of the present variant can be judged; None: nothing of it decides."""
        if self._strict:
            return None
        required = must_choose(self.request) and self.variant.chosen is None
        wanted = None if self.variant.as_function else self.wanted
        if wanted is None and not required:
            return None
        # what chooses a function is read to its end, so that its usage is known
        needs_end = self.variant.choosing
        return Opening(None if required else wanted, waits_for_call=self.can_call, needs_end=needs_end)

    def attach(self, files: Mapping[str, Uploaded], missing: Collection[str] = ()) -> None:
        """Put in the files that GigaChat has now, by what they are, and words for those that are missing.

        Raises GatewayError where strict mode objects.
        """
        if missing:
            self._asked = replace(self._asked, turns=lost_files.replace(self._asked.turns, missing))
            self._notes += [Note("adapted", lost_files.RULE, path) for path in missing]
        self._files = files
        self._file_notes = [Note("adapted", file.note, path) for path, file in files.items() if file.note is not None]
        self._fit(images=any(file.kind == "image" for file in files.values()))
        self._question = self._write(0)

    def begin_choice(self, index: int) -> None:
        """Another choice is asked for. Each may be asked which function it calls."""
        if index:
            self.variant = replace(self.variant, choosing=False, chosen=None)

    def return_to(self, variant: Variant, index: int) -> None:
        """An answer to this variant stands after all."""
        self.variant = variant
        self.question(index)

    def question(self, index: int) -> Question:
        """What is asked now for this choice; the dry write's own where that is the same."""
        if (self._question.index, self._question.variant) != (index, self.variant):
            self._question = self._write(index)
        return self._question

    def let_go_of_question(self) -> None:
        """Its answer has begun, and nothing will be asked again: a stream lasts, and need not hold its question.

        What reads calls is still needed: the functions, the wanted format, and the past calls with their names.
        """
        asked, request = self._asked, self.request
        self._question.payload = {}
        self._question.job.body = None
        if request.tools or request.format is not None:
            asked.turns = request.turns = [turn for turn in request.turns if _has_call(turn)]
            return
        asked.turns = request.turns = []
        asked.extra = request.extra = {}
        asked.session = request.session = None
        self._notes, self.told = [], ToldNotes(self.record)
        self.is_light = True

    def change_after_refusal(self, refusal: Refused) -> bool:
        """Take another variant after GigaChat's refusal; False: the refusal stands."""
        return not self._strict and self._change(
            self._fallbacks.after_refusal(self.request, self.variant, refusal, self.record.tenant)
        )

    def change_after_answer(self, seen: Seen) -> bool:
        """Take another variant after an answer, or what has come of it; False: the answer stands."""
        return not self._strict and self._change(
            self._fallbacks.after_answer(self.request, self.variant, seen, self.record.tenant)
        )

    def _fit(self, *, images: bool) -> None:
        """Choose the model by what the client asked for: without an image left, its own answers after all."""
        self.request, self._fitted = self._abilities.fit(self._asked, images=images)
        self.record.record_plan(self.request.model, stream=self.request.stream)

    def _change(self, other: Variant | None) -> bool:
        if other is None:
            return False
        self.variant = other
        return True

    def _write(self, index: int) -> Question:
        asked, stream = _as_asked(self.request, self.variant), self.request.stream or bool(self.request.stop)
        payload, written = self._contract.write(
            replace(asked, stream=stream) if stream is not asked.stream else asked,
            state_echo=self.variant.state_echo,
            as_function=self.variant.as_function,
            files=self._files,
        )
        notes = [*self._notes, *self._fitted, *self._file_notes, *written, *self.variant.notes(self.request.fields)]
        if self._strict:
            refuse_if_strict(notes)
        self.told.replace(notes)
        request_id = self.record.request_id
        seed = request_id if index == 0 else f"{request_id}/{index}"
        reader = self._contract.answer_reader(asked, seed, as_function=self.variant.as_function)
        if self.can_call:
            reader = LeakReader(reader, LeakedCalls(asked, seed, self.told.add_leaked_calls))
        body = encode(payload, asked.fields)
        self.asked_bytes = len(body)
        # The client reads along with a stream that it asked for; one that is read for its stop sequences comes whole.
        job = Job("chat", self._contract.chat_path, body, self._headers(stream), self.request.stream)
        return Question(index, self.variant, job, payload, reader)

    def _headers(self, stream: bool) -> dict[str, str]:
        headers = {
            "Accept": sse.CONTENT_TYPE if stream else "application/json",
            "X-Request-ID": self.record.request_id,
            "X-Session-ID": self._session,
        }
        if self.has_files:
            headers["X-Client-ID"] = derive_client_id(self.record.tenant)  # GigaChat binds files to it
        return headers


def _has_call(turn: Turn) -> bool:
    return any(type(part) is Call for part in turn.parts)


def _as_asked(request: Request, variant: Variant) -> Request:
    """The request as a variant asks it: its call in two steps, its JSON in words where a format is of no use."""
    if variant.choosing:
        request = ask_for_choice(request)
    elif variant.chosen is not None:
        request = ask_for_call(request, variant.chosen)
    if not variant.instructed:
        return request
    turns = [Turn("system", [Text(INSTRUCTION)], request.fields.format), *request.turns]
    return replace(request, turns=turns, format=None if variant.unformatted else request.format)
