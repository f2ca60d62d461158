"""GigaChat's contract v1, the answer side: whole answers.

Source: docs/gigachat-api.md, "POST /chat/completions" (response). Unknown keys, a missing usage, and a `content` that
is missing or null do no harm.
"""

from __future__ import annotations

from typing import Any

from app.translate.dialogue import Answer, Call, Failed, Finish, Part, Text, Thought
from app.translate.gigachat.contract import UnreadableError
from app.translate.gigachat.lenient_json import parse, read_count, read_name
from app.translate.gigachat.surrogates import join_surrogates
from app.translate.gigachat.think_tags import split_thoughts
from app.translate.gigachat.v1.bodies import FAILURES, decide_finish, find_choice, loads, read_finish, read_usage
from app.translate.gigachat.v1.calls import UNASKED_CALLS, CallReader, find_state


def read(data: bytes, calls: CallReader | None = None, *, cached_contained: bool = False) -> Answer | Failed:
    """A whole answer; `cached_contained` as in `read_usage`. Raises UnreadableError when it is none."""
    body = parse(data, loads)
    if body is None:
        raise UnreadableError("GigaChat's answer is not JSON")
    choice = find_choice(body)
    if choice is None:
        raise UnreadableError("GigaChat's answer has no choices")
    raw_finish = read_name(choice.get("finish_reason")) or None
    if raw_finish in FAILURES:
        return Failed("generation", "")
    finish, message = read_finish(raw_finish), choice.get("message")
    if type(message) is not dict:
        message = {}
    parts = _read_parts(message, calls or UNASKED_CALLS, finish)
    if isinstance(parts, Failed):
        return parts
    return Answer(
        model=read_name(body.get("model")),
        created=read_count(body.get("created")),
        parts=parts,
        finish=decide_finish(
            finish,
            called=type(parts[-1]) is Call,
            answered=type(message.get("function_call")) is dict,
        ),
        raw_finish=raw_finish,
        usage=read_usage(body.get("usage"), cached_contained=cached_contained),
    )


def _read_parts(message: dict[str, Any], calls: CallReader, finish: Finish) -> list[Part] | Failed:
    """Reasoning, text, call, in this order. Where there is no call there is a text, which may be empty."""
    parts: list[Part] = []
    if thought := message.get("reasoning_content"):
        parts.append(Thought(join_surrogates(str(thought))))
    parts += split_thoughts(join_surrogates(str(message.get("content") or "")))
    function_call = message.get("function_call")
    if type(function_call) is dict:
        call = calls.read(function_call, find_state(message), 0)
        if not isinstance(call, Failed):
            if isinstance(call, Text):  # the wanted format: prose before it would spoil the JSON
                parts = [part for part in parts if not isinstance(part, Text)]
            return [*parts, call]
        if finish != "length":
            return call
    if not parts or type(parts[-1]) is not Text:
        parts.append(Text(""))
    return parts
