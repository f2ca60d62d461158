"""A chat answer on the wire: the whole object, or the script of a stream, with the faults that spoil it.

Source: gigachat-api, sections 3.2 and 4.1: key order, no `id`, `role` with the first text only, `finish_reason` and
`usage` in the last chunk alone. A call is in that chunk: its name, all its arguments and its state id in one delta.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app import sse
from app.sandbox.answers import Answer, split

OBJECT = "chat.completion"
MERGED = 3  # phrases in a chunk where `update_interval` asks for bigger ones

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Talk:
    """All that an answer is made of; no usage and no content by fault."""

    answer: Answer
    model: str
    created: int
    usage: Mapping[str, int] | None
    null_content: bool = False
    merged: int = 1


@dataclass(frozen=True, slots=True)
class Sever:
    """The step that closes the connection."""

    rst: bool


Step = bytes | float | Sever  # write an event, pause, close the connection
Steps = list[Step]
Edit = Callable[[Steps, Mapping[str, Any], Talk], Steps]


def whole(talk: Talk) -> dict[str, Any]:
    """The answer as one object."""
    message: dict[str, Any] = {"content": None if talk.null_content else talk.answer.text, "role": "assistant"}
    if talk.answer.reasoning:
        message["reasoning_content"] = talk.answer.reasoning
    message |= _called(talk)
    return _around(talk, {"message": message, "index": 0, "finish_reason": talk.answer.finish}, last=True)


def stream(talk: Talk) -> Steps:
    """The answer as events, [DONE] among them."""
    return [*(sse.encode(orjson.dumps(chunk)) for chunk in _chunks(talk)), sse.encode(sse.DONE)]


def _chunks(talk: Talk) -> Iterator[dict[str, Any]]:
    for thought in split(talk.answer.reasoning):
        yield _delta(talk, {"reasoning_content": thought})
    role = {"role": "assistant"}
    for text in _texts(talk):
        yield _delta(talk, {"content": text, **role})
        role = {}
    delta = {"content": None if talk.null_content else ""}
    call = talk.answer.call
    if call:
        delta = _called(talk) if call.bare else delta | role | _called(talk)
    if call and call.apart:
        yield _delta(talk, delta)
        delta = {"content": ""}
    yield _around(talk, {"delta": delta, "index": 0, "finish_reason": talk.answer.finish}, last=True)


def _called(talk: Talk) -> dict[str, Any]:
    """What a call adds to a message, or to the delta that bears it."""
    call = talk.answer.call
    if call is None:
        return {}
    state = {} if call.state is None else {"functions_state_id": call.state}
    return {"function_call": call.shown, **state}


def _texts(talk: Talk) -> Iterator[str | None]:
    if talk.null_content and talk.answer.call is None:
        yield None
        return
    phrases, size = talk.answer.phrases, talk.merged
    for start in range(0, len(phrases), size):
        yield "".join(phrases[start : start + size])


def _delta(talk: Talk, delta: dict[str, Any]) -> dict[str, Any]:
    return _around(talk, {"delta": delta, "index": 0}, last=False)


def _around(talk: Talk, choice: dict[str, Any], *, last: bool) -> dict[str, Any]:
    payload = {"choices": [choice], "created": talk.created, "model": talk.model, "object": OBJECT}
    if last and talk.usage is not None:
        payload["usage"] = talk.usage
    return payload


def _at(steps: Steps, after: int) -> int:
    """The place behind so many events."""
    for place, step in enumerate(steps):
        if isinstance(step, bytes):
            if after <= 0:
                return place
            after -= 1
    return len(steps)


def _insert(steps: Steps, after: int, *added: Step) -> Steps:
    place = _at(steps, after)
    return [*steps[:place], *added, *steps[place:]]


def _stop(steps: Steps, after: int, *added: Step) -> Steps:
    return [*steps[: _at(steps, after)], *added]


def _surrogate(steps: Steps, _: Mapping[str, Any], talk: Talk) -> Steps:
    halves = (json.dumps(_delta(talk, {"content": half}), separators=(",", ":")) for half in ("\ud83d", "\ude00"))
    return _insert(steps, 1, *(sse.encode(half.encode()) for half in halves))


def _event_error(steps: Steps, values: Mapping[str, Any], _: Talk) -> Steps:
    event = orjson.dumps({"status_code": values["status"], "message": values["message"]})
    return _stop(steps, values["after"], sse.encode(event))


def _no_done(steps: Steps, _: Mapping[str, Any], __: Talk) -> Steps:
    return [step for step in steps if step != sse.encode(sse.DONE)]


def _crlf(steps: Steps, _: Mapping[str, Any], __: Talk) -> Steps:
    return [step.replace(b"\n", b"\r\n") if isinstance(step, bytes) else step for step in steps]


def _bom(steps: Steps, _: Mapping[str, Any], __: Talk) -> Steps:
    first, *others = steps
    return [_BOM + first if isinstance(first, bytes) else first, *others]


# The faults that spoil a stream, in the order in which they are applied.
EDITS: Mapping[str, Edit] = {
    "surrogate": _surrogate,
    "garbage": lambda steps, values, _: _insert(steps, values["after"], sse.encode(values["text"].encode())),
    "no_done": _no_done,
    "end": lambda steps, values, _: _stop(steps, values["after"]),
    "event_error": _event_error,
    "cut": lambda steps, values, _: _stop(steps, values["after"], Sever(values["rst"])),
    "crlf": _crlf,
    "bom": _bom,
    "stall": lambda steps, values, _: _insert(steps, values["after"], float(values["seconds"])),
}
