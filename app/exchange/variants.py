"""The ways in which one chat request can be asked, and when another one is tried.

Source: the rules of "Errors and tries" and "Sampling, limits, format": a fallback changes the request, so it is taken
only before an event has gone to the client, never in strict mode, each at most once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

from app.translate.dialogue import Call, Note, Part, Request, Text
from app.translate.fences import looks_like_json
from app.translate.gigachat.refusals import sentence
from app.upstream.failures import Refused

_STATE = re.compile(r"state", re.IGNORECASE)
_FORMAT = re.compile(r"response_format|json_schema|json format|schema", re.IGNORECASE)
# How long a model counts as one that answers prose.
_REMEMBERED_SECONDS = 3600.0
INSTRUCTION = "Answer with one JSON object and nothing else: no words around it, no code fence."


@dataclass(frozen=True, slots=True)
class Variant:
    """How a request is asked."""

    state_echo: bool = True
    as_function: bool = False  # the wanted format as a forced function
    instructed: bool = False  # the wanted JSON in words, taken out of what surrounds it
    unformatted: bool = False  # in words only: GigaChat refused the format, and a forced function would bar the tools
    insisted: bool = False  # a required call was asked for a second time

    def notes(self) -> list[Note]:
        """What the client is told of a fallback."""
        if self.as_function:
            return [Note("adapted", "response_format->function", "response_format")]
        if self.instructed:
            return [Note("adapted", "response_format->instruction", "response_format")]
        return []


class Fallbacks:
    """Decides on another variant, and remembers which models ignore a format."""

    def __init__(self, structured_output: str, *, state_echo: bool) -> None:
        self._pinned = structured_output
        self._state_echo = state_echo
        self._prosaic: dict[str, float] = {}  # models that answered prose, and when: GigaChat has few

    def first(self, request: Request, *, strict: bool = False) -> Variant:
        """How to begin: in strict mode never with what a model did before."""
        # with tools beside it a forced function would keep them from being called
        function = request.format is not None and (
            (self._pinned == "function" and not request.tools)
            or (request.format.schema is not None and self._is_prosaic(request.model) and not (strict or request.tools))
        )
        return Variant(self._state_echo, as_function=function)

    def after_refusal(self, request: Request, variant: Variant, refusal: Refused) -> Variant | None:
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
        return self._as_function(request, variant)

    def after_answer(self, request: Request, variant: Variant, parts: Sequence[Part]) -> Variant | None:
        """Another variant after an answer's first parts; None: the answer stands."""
        if any(isinstance(part, Call) for part in parts):
            return None
        if request.choice.mode == "required" and len(request.tools) > 1 and not variant.insisted:
            return replace(variant, insisted=True)
        words = "".join(part.text for part in parts if isinstance(part, Text))
        if request.format is None or variant.as_function or not words.strip():
            return None
        schema = request.format.schema
        if looks_like_json(words, None if schema is None else schema.get("type")):
            return None
        if schema is not None:
            return None if self._pinned == "native" or variant.unformatted else self._as_function(request, variant)
        return None if variant.instructed else replace(variant, instructed=True)

    def _as_function(self, request: Request, variant: Variant) -> Variant:
        if len(self._prosaic) < 64:
            self._prosaic[request.model] = monotonic()
        return replace(variant, as_function=True)

    def _is_prosaic(self, model: str) -> bool:
        """For a while: one odd answer, or a model's older build, must not decide for good."""
        return monotonic() - self._prosaic.get(model, -_REMEMBERED_SECONDS) < _REMEMBERED_SECONDS


def _has_state(request: Request) -> bool:
    return any(isinstance(part, Call) for turn in request.turns for part in turn.parts)
