"""Faults on demand: what can go wrong between a gateway and GigaChat, one row for each kind.

A fault is active until it has fired `times` times, or until it is cleared if `times` is null. It fires only when it
has an effect: a fault of streams waits for a stream.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.sandbox.call_deltas import STATES, WAYS

PLACES = ("oauth", "chat", "embeddings", "models", "tokens", "balance", "files", "files/delete", "other", "any")
_EVERYWHERE = frozenset(PLACES)
_CHAT = frozenset({"chat", "any"})
_OAUTH = frozenset({"oauth", "any"})

# What a parameter may be, besides being of its default's type: numbers between two, or one of these words.
_RANGES: Mapping[str, tuple[float, float]] = {
    "status": (200, 999),
    "after": (0, 1_000_000),
    "size": (1, 1_000_000),
    "seconds": (-1e9, 1e9),
}
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_WORDS: Mapping[str, tuple[str, ...]] = {
    "how": tuple(WAYS),
    "state": tuple(STATES),
    "form": ("invoke", "cyrillic", "arabic", "json", "mark", "fenced"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault. `breaks`: whether the request fails because of it."""

    description: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    places: frozenset[str] = _EVERYWHERE
    breaks: bool = True

    def example(self, name: str) -> dict[str, Any]:
        """A body that adds this fault, once, with each parameter's default."""
        return {
            "kind": name,
            "where": next(place for place in ("chat", "oauth") if place in self.places),
            "times": 1,
            **self.parameters,
        }


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
    "call_pieces": Kind(
        f"Stream: a call comes in several deltas. how: {', '.join(_WORDS['how'])}; size: characters of a piece; state: "
        f"{', '.join(_WORDS['state'])}.",
        {"how": "string", "size": 7, "state": "first"},
        _CHAT,
        breaks=False,
    ),
    "no_state": Kind("A call comes without `functions_state_id`.", places=_CHAT, breaks=False),
    "call_error": Kind(
        "The model failed to write arguments: `finish_reason` is error, the call is `shown` or not.",
        {"shown": False},
        _CHAT,
    ),
    "call_missing": Kind("`finish_reason` is function_call, and there is no call.", places=_CHAT),
    "call_leaked": Kind(
        f"The call stands in the text, in this form: {', '.join(_WORDS['form'])} (an example in a fence).",
        {"form": "invoke", "finish": "stop"},
        _CHAT,
        breaks=False,
    ),
    "files_lost": Kind("The files that the request attaches are lost: 404, now and later.", places=_CHAT),
    "state_refused": Kind("422 for any `functions_state_id` in the history.", places=_CHAT),
    "ignore_format": Kind("Prose where JSON was asked for.", places=_CHAT),
    "fenced_json": Kind("The JSON stands in a ``` fence.", places=_CHAT, breaks=False),
    "json_in_words": Kind(
        "Words stand around the JSON.", {"before": "Вот ответ: ", "after": " Это всё."}, _CHAT, breaks=False
    ),
    "json_raw": Kind("The JSON has a raw line end and a tab in a string.", places=_CHAT, breaks=False),
    "json_broken": Kind("The JSON is cut off in its middle; `finish_reason` is stop.", places=_CHAT),
    "json_empty": Kind("The text is empty where JSON was asked for.", places=_CHAT),
    "json_in_list": Kind("The JSON stands in a list.", places=_CHAT),
    "too_long": Kind(
        "The refusal of a prompt that is too long, with the numbers of tokens.",
        {"status": 422, "message": "CONTEXT_TOO_LONG: context too long 270000, maximum allowed context is 261120"},
        _CHAT,
    ),
    "format_refused": Kind(
        "An error status for a `json_schema` format.",
        {"status": 422, "message": "Invalid params: response_format is not supported"},
        _CHAT,
    ),
}


@dataclass(slots=True)
class Fault:
    """An active fault, with all its parameters (`values`) and how often it has fired."""

    kind: str
    where: str
    times: int | None
    values: dict[str, Any]
    fired: int = 0

    def describe(self) -> dict[str, Any]:
        """The fault as JSON for the control API."""
        return {"where": self.where, "kind": self.kind, "times": self.times, "fired": self.fired, **self.values}


class UnknownFault(ValueError):
    """The table has no such kind, place or parameter."""


class Faults:
    """The active faults, oldest first."""

    __slots__ = ("_active",)

    def __init__(self) -> None:
        self._active: list[Fault] = []

    def __iter__(self) -> Any:
        return iter(self._active)

    def __len__(self) -> int:
        return len(self._active)

    def add(self, /, kind: object = None, where: object = "any", times: object = 1, **parameters: object) -> Fault:
        """Add a fault. Raises UnknownFault if it does not fit the table; the message says what does."""
        row = KINDS.get(kind) if isinstance(kind, str) else None
        if row is None or not isinstance(kind, str):
            raise UnknownFault(f"kind must be one of: {', '.join(KINDS)}. GET /sandbox has an example of each")
        if not isinstance(where, str) or where not in row.places:
            places = ", ".join(place for place in PLACES if place in row.places)
            raise UnknownFault(f"where must be one of: {places}")
        if times is not None and not (isinstance(times, int) and type(times) is int and times > 0):
            raise UnknownFault("times must be a positive number, or null, which means until it is cleared")
        for name, value in parameters.items():
            _check_parameter(kind, row, name, value)
        fault = Fault(kind, where, times, {**row.parameters, **parameters})
        self._active.append(fault)
        return fault

    def fire(self, kind: str, place: str) -> Fault | None:
        """Fire the oldest active fault of this kind for this place. Returns None if there is none."""
        for fault in self._active:
            if fault.kind == kind and fault.where in (place, "any"):
                fault.fired += 1
                if fault.times is not None and fault.fired >= fault.times:
                    self._active.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Remove all faults."""
        self._active.clear()


def _check_parameter(kind: str, row: Kind, name: str, value: object) -> None:
    if name not in row.parameters:
        takes = orjson.dumps(dict(row.parameters)).decode() if row.parameters else "no parameters"
        raise UnknownFault(f"{kind} has no {name[:64]!a}. It takes, besides where and times: {takes}")
    default = row.parameters[name]
    if not _has_type_of(default, value):
        raise UnknownFault(f"{name} must be of the same type as its default, {orjson.dumps(default).decode()}")
    if name in _WORDS and value not in _WORDS[name]:
        raise UnknownFault(f"{name} must be one of: {', '.join(_WORDS[name])}")
    if name in _RANGES and isinstance(value, int | float):
        least, most = _RANGES[name]
        if not least <= value <= most:
            raise UnknownFault(f"{name} must be between {least:.0f} and {most:.0f}")
    if name == "headers" and not _are_headers(value):
        raise UnknownFault('headers must be an object of names and strings, such as {"Retry-After": "7"}')


def _are_headers(value: object) -> bool:
    """Whether these can be sent: tokens as names, printable values. Source: RFC 9110, 5.1 and 5.5."""
    return isinstance(value, dict) and all(
        _HEADER_NAME.fullmatch(name) and isinstance(text, str) and text.isprintable() for name, text in value.items()
    )


def _has_type_of(default: object, value: object) -> bool:
    if default is None:
        return True
    if isinstance(default, float):
        return type(value) in (int, float)
    return type(value) is type(default)
