"""Builds a chat answer as it is sent: the whole object, or the steps of a stream, which faults may change.

Source: docs/gigachat-api.md, "POST /chat/completions" and "Streams of v1": key order, no `id`, `role` with the first
text only, `finish_reason` and `usage` in the last chunk alone. A call is in that chunk: its name, all its arguments and
its state id in one delta.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app import sse
from app.sandbox.answers import Answer, split_phrases
from app.sandbox.call_deltas import cut_call

OBJECT = "chat.completion"
MERGED = 3  # phrases in a chunk where `update_interval` asks for bigger ones

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """The parts of an answer. Faults remove `usage` and set `null_content`. `merged`: the phrases of one chunk."""

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
Edit = Callable[[Steps, Mapping[str, Any], ChatAnswer], Steps]


def build_object(chat_answer: ChatAnswer) -> dict[str, Any]:
    """The answer as one object."""
    message: dict[str, Any] = {
        "content": None if chat_answer.null_content else chat_answer.answer.text,
        "role": "assistant",
    }
    if chat_answer.answer.reasoning:
        message["reasoning_content"] = chat_answer.answer.reasoning
    message |= _build_call_fields(chat_answer)
    return _build_chunk(
        chat_answer, {"message": message, "index": 0, "finish_reason": chat_answer.answer.finish}, last=True
    )


def build_events(chat_answer: ChatAnswer) -> Steps:
    """The events of the answer, with [DONE] at the end."""
    return [*(sse.encode(orjson.dumps(chunk)) for chunk in _chunks(chat_answer)), sse.encode(sse.DONE)]


def _chunks(chat_answer: ChatAnswer) -> Iterator[dict[str, Any]]:
    for thought in split_phrases(chat_answer.answer.reasoning):
        yield _delta(chat_answer, {"reasoning_content": thought})
    role = {"role": "assistant"}
    for text in _texts(chat_answer):
        yield _delta(chat_answer, {"content": text, **role})
        role = {}
    delta = {"content": None if chat_answer.null_content else ""}
    call = chat_answer.answer.call
    if call:
        delta = _build_call_fields(chat_answer) if call.bare else delta | role | _build_call_fields(chat_answer)
    if call and call.cutting is not None:
        *others, last = cut_call(call.as_json, call.state, call.cutting)
        yield from (_delta(chat_answer, other) for other in others)
        delta = last
    if call and call.apart:
        yield _delta(chat_answer, delta)
        delta = {"content": ""}
    yield _build_chunk(chat_answer, {"delta": delta, "index": 0, "finish_reason": chat_answer.answer.finish}, last=True)


def _build_call_fields(chat_answer: ChatAnswer) -> dict[str, Any]:
    """The fields that a call adds to a message or a delta."""
    call = chat_answer.answer.call
    if call is None:
        return {}
    state = {} if call.state is None else {"functions_state_id": call.state}
    return {"function_call": call.as_json, **state}


def _texts(chat_answer: ChatAnswer) -> Iterator[str | None]:
    if chat_answer.null_content and chat_answer.answer.call is None:
        yield None
        return
    phrases, size = chat_answer.answer.phrases, chat_answer.merged
    for start in range(0, len(phrases), size):
        yield "".join(phrases[start : start + size])


def _delta(chat_answer: ChatAnswer, delta: dict[str, Any]) -> dict[str, Any]:
    return _build_chunk(chat_answer, {"delta": delta, "index": 0}, last=False)


def _build_chunk(chat_answer: ChatAnswer, choice: dict[str, Any], *, last: bool) -> dict[str, Any]:
    payload = {"choices": [choice], "created": chat_answer.created, "model": chat_answer.model, "object": OBJECT}
    if last and chat_answer.usage is not None:
        payload["usage"] = chat_answer.usage
    return payload


def _find_event(steps: Steps, after: int) -> int:
    """The position after so many events."""
    for place, step in enumerate(steps):
        if isinstance(step, bytes):
            if after <= 0:
                return place
            after -= 1
    return len(steps)


def _insert(steps: Steps, after: int, *added: Step) -> Steps:
    place = _find_event(steps, after)
    return [*steps[:place], *added, *steps[place:]]


def _truncate(steps: Steps, after: int, *added: Step) -> Steps:
    return [*steps[: _find_event(steps, after)], *added]


def _split_surrogate(steps: Steps, _: Mapping[str, Any], chat_answer: ChatAnswer) -> Steps:
    halves = (
        json.dumps(_delta(chat_answer, {"content": half}), separators=(",", ":")) for half in ("\ud83d", "\ude00")
    )
    return _insert(steps, 1, *(sse.encode(half.encode()) for half in halves))


def _add_error_event(steps: Steps, values: Mapping[str, Any], _: ChatAnswer) -> Steps:
    event = orjson.dumps({"status_code": values["status"], "message": values["message"]})
    return _truncate(steps, values["after"], sse.encode(event))


def _remove_done(steps: Steps, _: Mapping[str, Any], __: ChatAnswer) -> Steps:
    return [step for step in steps if step != sse.encode(sse.DONE)]


def _use_crlf(steps: Steps, _: Mapping[str, Any], __: ChatAnswer) -> Steps:
    return [step.replace(b"\n", b"\r\n") if isinstance(step, bytes) else step for step in steps]


def _add_bom(steps: Steps, _: Mapping[str, Any], __: ChatAnswer) -> Steps:
    first, *others = steps
    return [_BOM + first if isinstance(first, bytes) else first, *others]


# The faults of a stream, in the order in which they are applied.
EDITS: Mapping[str, Edit] = {
    "surrogate": _split_surrogate,
    "garbage": lambda steps, values, _: _insert(steps, values["after"], sse.encode(values["text"].encode())),
    "no_done": _remove_done,
    "end": lambda steps, values, _: _truncate(steps, values["after"]),
    "event_error": _add_error_event,
    "cut": lambda steps, values, _: _truncate(steps, values["after"], Sever(values["rst"])),
    "crlf": _use_crlf,
    "bom": _add_bom,
    "stall": lambda steps, values, _: _insert(steps, values["after"], float(values["seconds"])),
}
