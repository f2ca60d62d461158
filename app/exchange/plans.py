"""A chat request that may be asked: what is decided before anything is paid, and the payload of each attempt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app import sse
from app.exchange.attempts import Job
from app.exchange.payload import encoded
from app.exchange.variants import INSTRUCTION, Fallbacks, Variant
from app.observe.facts import Facts
from app.translate.abilities import Abilities
from app.translate.dialogue import Note, Request, Text, Turn, Uploaded
from app.translate.gigachat import attachments, functions, v1
from app.translate.gigachat.calls import Calls
from app.translate.notes import header, refuse_if_strict
from app.translate.session import client_id, session_id

_PATH = "chat/completions"


@dataclass(slots=True)
class Asked:
    """A request as one variant asks it."""

    job: Job
    calls: Calls | None  # how calls are read back; None where there can be none
    payload: dict[str, Any]


@dataclass(slots=True)
class Plan:
    """A request that may be asked: all that can be refused for free has been."""

    request: Request
    notes: list[Note]
    variant: Variant
    asked: Asked
    strict: bool
    has_files: bool
    files: Mapping[str, Uploaded] = field(default_factory=dict)  # once they are at GigaChat


class Planner:
    """Makes plans, and writes them anew for another choice, another variant, and the ids of files."""

    def __init__(self, fallbacks: Fallbacks, abilities: Abilities) -> None:
        self._fallbacks = fallbacks
        self._abilities = abilities

    def plan(self, request: Request, notes: list[Note], facts: Facts, *, strict: bool) -> Plan:
        """The dry write: decides whether GigaChat can be asked at all, before anything is paid. Raises GatewayError."""
        if facts.body_bytes > functions.LARGE_BYTES:
            functions.refuse_too_many(request)
        has_files = attachments.any_in(request.turns)
        images = has_files and any(
            media.kind == "image" for turn in request.turns for media in attachments.in_turn(turn)
        )
        request, fitted = self._abilities.fit(request, images=images)
        notes = [*notes, *fitted]
        variant = self._fallbacks.first(request, strict=strict)
        facts.model, facts.stream = request.model, request.stream
        asked, written = _write(request, variant, facts, 0, {} if has_files else None)
        told = [*notes, *written, *variant.notes()]
        if strict:
            refuse_if_strict(told)
        _tell(facts, told)
        return Plan(request, notes, variant, asked, strict, has_files)

    def attach(self, plan: Plan, files: Mapping[str, Uploaded], facts: Facts) -> None:
        """Put in the files that GigaChat has now, by what they are. Raises GatewayError where strict mode objects."""
        images = any(file.kind == "image" for file in files.values())
        plan.request, fitted = self._abilities.fit(plan.request, images=images)
        lost = [Note("adapted", file.note, path) for path, file in files.items() if file.note is not None]
        plan.files, plan.notes = files, [note for note in plan.notes if note not in lost] + fitted + lost
        facts.model = plan.request.model
        plan.asked, written = _write(plan.request, plan.variant, facts, 0, files)
        told = [*plan.notes, *written, *plan.variant.notes()]
        if plan.strict:
            refuse_if_strict(told)
        _tell(facts, told)

    def numbered(self, plan: Plan, facts: Facts, index: int) -> Asked:
        """What is asked for a choice: the plan's own for the first, one with ids of its own for the others."""
        return plan.asked if index == 0 else _write(plan.request, plan.variant, facts, index, _files(plan))[0]

    def again(self, plan: Plan, variant: Variant, facts: Facts, index: int) -> Asked:
        """What is asked by another variant."""
        asked, written = _write(plan.request, variant, facts, index, _files(plan))
        _tell(facts, [*plan.notes, *written, *variant.notes()])
        return asked


def _files(plan: Plan) -> Mapping[str, Uploaded] | None:
    return plan.files if plan.has_files else None


def _write(
    request: Request, variant: Variant, facts: Facts, index: int, files: Mapping[str, Uploaded] | None
) -> tuple[Asked, list[Note]]:
    stream = request.stream or bool(request.stop)
    if variant.instructed:
        turns = [Turn("system", [Text(INSTRUCTION)], "response_format"), *request.turns]
        request = replace(request, turns=turns, format=None if variant.unformatted else request.format)
    if stream is not request.stream:
        request = replace(request, stream=stream)
    payload, notes = v1.write(request, state_echo=variant.state_echo, as_function=variant.as_function, files=files)
    calls = None
    if request.tools or variant.as_function:
        seed = facts.request_id if index == 0 else f"{facts.request_id}/{index}"
        calls = Calls(request, seed, as_function=variant.as_function)
    headers = {
        "Accept": sse.CONTENT_TYPE if stream else "application/json",
        "X-Request-ID": facts.request_id,
        "X-Session-ID": session_id(facts.tenant, request),
    }
    if files is not None:
        headers["X-Client-ID"] = client_id(facts.tenant)  # GigaChat binds files to it
    return Asked(Job("chat", _PATH, encoded(payload), headers, stream), calls, payload), notes


def _tell(facts: Facts, notes: list[Note]) -> None:
    if notes:
        facts.adapted, facts.dropped = header(notes, "adapted"), header(notes, "dropped")
        facts.dropped_params = Counter(note.rule for note in notes if note.kind == "dropped")
