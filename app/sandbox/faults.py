"""Faults on demand: what can go wrong between a gateway and GigaChat, one row for each kind.

A fault stands until it has fired `times` times (null: until cleared). It fires, and is counted, only where it has
an effect: a kind that concerns streams waits for a stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PLACES = ("oauth", "chat", "embeddings", "models", "tokens", "balance", "files", "files/delete", "other", "any")
_EVERYWHERE = frozenset(PLACES)
_CHAT = frozenset({"chat", "any"})
_OAUTH = frozenset({"oauth", "any"})


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault; `breaks` tells that the caller did not get what it asked for."""

    line: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    places: frozenset[str] = _EVERYWHERE
    breaks: bool = True


_AFTER: Mapping[str, Any] = {"after": 1}

# `after` counts the chunks of a stream that are sent before the fault; `rst` ends with a TCP reset instead of a FIN.
KINDS: Mapping[str, Kind] = {
    "status": Kind(
        "An error status: JSON in GigaChat's shape, `body` as given, or nginx's HTML; with extra headers.",
        {"status": 500, "message": "", "html": False, "headers": {}, "body": None},
    ),
    "html_200": Kind("Status 200, but a page of HTML in place of the answer."),
    "slow": Kind("So many seconds pass before the first byte.", {"seconds": 1.0}, breaks=False),
    "down": Kind("The TCP connection closes without an answer.", {"rst": False}),
    "cut": Kind(
        "Stream: the TCP connection closes after some chunks. Whole: in the middle of the body.",
        {**_AFTER, "rst": False},
    ),
    "drop_idle": Kind(
        "After this answer the connection is dead: the next request on it gets no byte, only the end.",
        {"rst": False},
        breaks=False,
    ),
    "clock": Kind(
        "The server's clock is off by so many seconds (`Date`, `created`, `expires_at`).",
        {"seconds": 0.0},
        breaks=False,
    ),
    "seconds_unit": Kind("`expires_at` of OAuth in whole seconds.", places=_OAUTH, breaks=False),
    "end": Kind("The stream ends cleanly after some chunks: no `finish_reason`, no [DONE].", _AFTER, _CHAT),
    "no_done": Kind("The stream ends cleanly after `finish_reason`, without [DONE].", places=_CHAT),
    "event_error": Kind(
        "After some chunks an event with `status_code` and `message`, then the stream ends.",
        {**_AFTER, "status": 500, "message": "Internal Server Error"},
        _CHAT,
    ),
    "stall": Kind("The stream pauses after some chunks.", {**_AFTER, "seconds": 1.0}, _CHAT, breaks=False),
    "garbage": Kind(
        "After some chunks an event that is not JSON; then the stream goes on.",
        {**_AFTER, "text": '{"choices":[{'},
        _CHAT,
    ),
    "bom": Kind("The stream begins with a byte order mark.", places=_CHAT, breaks=False),
    "crlf": Kind("The stream's lines end in CR LF.", places=_CHAT, breaks=False),
    "surrogate": Kind("An emoji comes in two deltas of one escaped surrogate each.", places=_CHAT, breaks=False),
    "null_content": Kind("The answer's `content` is null.", places=_CHAT, breaks=False),
    "no_usage": Kind("The answer has no `usage`.", places=_CHAT, breaks=False),
    "cached_exceeds_prompt": Kind(
        "`precached_prompt_tokens` is greater than `prompt_tokens`.", places=_CHAT, breaks=False
    ),
    "call_text": Kind("A call's `arguments` are a string that holds the JSON.", places=_CHAT, breaks=False),
    "call_broken": Kind("A call's `arguments` are a string that is no JSON.", {"text": '{"city": "Ом'}, _CHAT),
    "call_unfit": Kind("A call's `arguments` do not fit the schema.", {"arguments": {"unasked": [1, None]}}, _CHAT),
    "call_stranger": Kind("A call is of a function that was not given.", {"name": "no_such_function"}, _CHAT),
    "call_after_text": Kind("There is text before the call.", {"text": "Сейчас посмотрю. "}, _CHAT, breaks=False),
    "call_bare": Kind("Stream: the call's delta has neither `role` nor `content`.", places=_CHAT, breaks=False),
    "call_apart": Kind(
        "Stream: `finish_reason` and `usage` come in a chunk of their own, after the call's.",
        places=_CHAT,
        breaks=False,
    ),
    "no_state": Kind("A call comes without `functions_state_id`.", places=_CHAT, breaks=False),
    "call_error": Kind(
        "The model failed to write arguments: `finish_reason` is error, the call is `shown` or not.",
        {"shown": False},
        _CHAT,
    ),
    "files_lost": Kind("The files that the request attaches are lost: 404, now and later.", places=_CHAT),
    "state_refused": Kind("422 for any `functions_state_id` in the history.", places=_CHAT),
    "ignore_format": Kind("Prose where JSON was asked for.", places=_CHAT),
    "fenced_json": Kind("The JSON stands in a ``` fence.", places=_CHAT, breaks=False),
    "format_refused": Kind(
        "An error status for a `json_schema` format.",
        {"status": 422, "message": "Invalid params: response_format is not supported"},
        _CHAT,
    ),
}


@dataclass(slots=True)
class Fault:
    """A fault that stands, with all its parameters and how often it has fired."""

    kind: str
    where: str
    times: int | None
    values: dict[str, Any]
    fired: int = 0

    def shown(self) -> dict[str, Any]:
        """The fault as the control side tells it."""
        return {"where": self.where, "kind": self.kind, "times": self.times, "fired": self.fired, **self.values}


class UnknownFault(ValueError):
    """A kind, place or parameter that no row of the table has."""


class Faults:
    """The faults that stand, oldest first."""

    __slots__ = ("_standing",)

    def __init__(self) -> None:
        self._standing: list[Fault] = []

    def __iter__(self) -> Any:
        return iter(self._standing)

    def __len__(self) -> int:
        return len(self._standing)

    def add(self, kind: str, where: str = "any", times: int | None = 1, **parameters: Any) -> Fault:
        """Let a fault stand; raises UnknownFault where the table knows no such thing."""
        row = KINDS.get(kind)
        if row is None:
            raise UnknownFault(f"kind must be one of: {', '.join(KINDS)}")
        if where not in row.places:
            raise UnknownFault(f"where must be one of: {', '.join(place for place in PLACES if place in row.places)}")
        if times is not None and (type(times) is not int or times < 1):
            raise UnknownFault("times must be a positive number, or null")
        for name, value in parameters.items():
            if name not in row.parameters or not _alike(row.parameters[name], value):
                raise UnknownFault(f"{kind} takes: {dict(row.parameters)}")
        fault = Fault(kind, where, times, {**row.parameters, **parameters})
        self._standing.append(fault)
        return fault

    def take(self, kind: str, place: str) -> Fault | None:
        """The oldest standing fault of this kind for this place: it fires now."""
        for fault in self._standing:
            if fault.kind == kind and fault.where in (place, "any"):
                fault.fired += 1
                if fault.times is not None and fault.fired >= fault.times:
                    self._standing.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Let no fault stand."""
        self._standing.clear()


def _alike(default: object, value: object) -> bool:
    if default is None:
        return True
    if isinstance(default, float):
        return type(value) in (int, float)
    return type(value) is type(default)
