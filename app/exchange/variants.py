"""The ways in which one chat request can be asked, and when another one is tried.

Source: docs/gigachat-api.md, "Function results" and "Structured output". A fallback changes the request, so it is taken
only before an event has gone to the client, never in strict mode, each at most once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from app.exchange.format_memory import FormatMemory
from app.exchange.required_calls import find_choice, must_choose
from app.exchange.verdicts import Seen
from app.translate.dialogue import Call, Note, Request
from app.translate.field_names import FieldNames
from app.translate.gigachat.refusals import sentence
from app.upstream.failures import Refused

_STATE = re.compile(r"state", re.IGNORECASE)
_FORMAT = re.compile(r"response_format|json_schema|json format|schema", re.IGNORECASE)
INSTRUCTION = "Answer with one JSON object and nothing else: no words around it, no code fence."


@dataclass(frozen=True, slots=True)
class Variant:
    """How a request is asked."""

    state_echo: bool = True
    as_function: bool = False  # the wanted format as a forced function
    instructed: bool = False  # the wanted JSON in words
    unformatted: bool = False  # in words only: GigaChat refused the format, and a forced function would bar the tools
    choosing: bool = False  # a required call brought none: which function is it to be?
    chosen: str | None = None  # the function that was chosen so, forced

    def notes(self, fields: FieldNames) -> list[Note]:
        """What the client is told of a fallback."""
        notes = []
        if self.choosing or self.chosen is not None:
            notes.append(Note("adapted", f"{fields.choice}=required->auto", fields.choice))
        if self.as_function:
            notes.append(Note("adapted", f"{fields.format}->function", fields.format))
        elif self.instructed:
            notes.append(Note("adapted", f"{fields.format}->instruction", fields.format))
        return notes


class Fallbacks:
    """Decides on another variant. What is remembered of formats is a tenant's own."""

    def __init__(self, structured_output: str, *, state_echo: bool) -> None:
        self._pinned = structured_output
        self._usual = Variant(state_echo)
        self._by_function = Variant(state_echo, as_function=True)
        self._memory = FormatMemory()

    def first(self, request: Request, tenant: str, *, strict: bool = False) -> Variant:
        """How to begin: in strict mode never with what a model did before."""
        wanted, function = request.format, False
        # with tools beside it a forced function would keep them from being called
        if wanted is not None and not request.tools:
            function = self._pinned == "function" or (
                self._pinned != "native" and not strict and self._memory.avoids(tenant, request.model, wanted.schema)
            )
        return self._by_function if function else self._usual

    def after_refusal(self, request: Request, variant: Variant, refusal: Refused, tenant: str) -> Variant | None:
        """Another variant after GigaChat's refusal; None: the refusal stands."""
        if refusal.status not in {400, 422}:
            return None
        words = sentence(refusal.body)
        if refusal.status == 422 and variant.state_echo and _STATE.search(words) and _has_state(request):
            return replace(variant, state_echo=False)
        if request.format is None or self._pinned == "native" or not _FORMAT.search(words):
            return None
        if variant.as_function or variant.unformatted:
            return None
        if request.tools:
            return replace(variant, instructed=True, unformatted=True)
        self._memory.record_refusal(tenant, request.model, request.format.schema)
        return replace(variant, as_function=True)

    def after_answer(self, request: Request, variant: Variant, seen: Seen, tenant: str) -> Variant | None:
        """Another variant after an answer, or what has come of it; None: the answer stands."""
        if seen.finish == "filtered":  # GigaChat does not want to speak of this, in whatever form
            return None
        if variant.choosing:
            chosen = find_choice(request, seen.parts)
            return None if chosen is None else replace(variant, choosing=False, chosen=chosen)
        if seen.has_call:
            return None
        if must_choose(request):
            may_choose = variant.chosen is None and seen.finish is not None
            return replace(variant, choosing=True) if may_choose else None
        return self._after_words(request, variant, seen, tenant)

    def forget_models(self) -> None:
        """Forget which models answered prose."""
        self._memory.clear()

    def _after_words(self, request: Request, variant: Variant, seen: Seen, tenant: str) -> Variant | None:
        """Another variant where words came that are not the wanted JSON. A cut says nothing about formats."""
        wanted = request.format
        if wanted is None or variant.as_function or seen.finish == "length" or _demands_call(request):
            return None
        plain = not (variant.instructed or request.tools)
        if seen.verdict == "json":
            if plain:
                self._memory.record_success(tenant, request.model)
            return None
        if seen.is_cut and seen.verdict == "broken":
            return None
        if wanted.schema is None:
            return None if variant.instructed else replace(variant, instructed=True)
        if seen.verdict == "prose" and plain:
            self._memory.record_prose(tenant, request.model)
        if self._pinned == "native":
            return None
        return replace(variant, as_function=True, instructed=False, unformatted=False)


def _demands_call(request: Request) -> bool:
    """Whether a call is demanded: no function can stand in for a format then."""
    return request.choice.mode in ("named", "required") and bool(request.tools)


def _has_state(request: Request) -> bool:
    return any(isinstance(part, Call) for turn in request.turns for part in turn.parts)
