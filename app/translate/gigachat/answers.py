"""GigaChat's contract v1, the answer side: whole answers; the stream's reader is to be had here too.

Source: GigaChat's REST API, `POST /chat/completions` (response). Answers are read leniently: unknown keys, a missing
usage, `content` missing or null are all taken.
"""

from __future__ import annotations

from typing import Any

from app.translate.dialogue import Answer, Call, Failed, Part, Text, Thought
from app.translate.gigachat.bodies import FAILURES, count, finish, finished, first_choice, parsed, read_usage, word
from app.translate.gigachat.calls import UNASKED, Calls, state_in
from app.translate.gigachat.characters import whole_characters
from app.translate.gigachat.stream import StreamReader
from app.translate.gigachat.thinking import divided

__all__ = ["StreamReader", "UnreadableError", "read"]


class UnreadableError(ValueError):
    """GigaChat answered 200 with something that is no answer."""


def read(data: bytes, calls: Calls | None = None) -> Answer | Failed:
    """A whole answer. Raises UnreadableError when it is none."""
    body = parsed(data)
    if body is None:
        raise UnreadableError("GigaChat's answer is not JSON")
    choice = first_choice(body)
    if choice is None:
        raise UnreadableError("GigaChat's answer has no choices")
    raw_finish = word(choice.get("finish_reason")) or None
    if raw_finish in FAILURES:
        return Failed("generation", "")
    message = choice.get("message")
    parts = _parts(message if isinstance(message, dict) else {}, calls or UNASKED)
    if isinstance(parts, Failed):
        return parts
    return Answer(
        model=word(body.get("model")),
        created=count(body.get("created")),
        parts=parts,
        finish=finished(finish(raw_finish), called=isinstance(parts[-1], Call)),
        raw_finish=raw_finish,
        usage=read_usage(body.get("usage")),
    )


def _parts(message: dict[str, Any], calls: Calls) -> list[Part] | Failed:
    """Reasoning, text, call, in this order; a text where there is no call, though it be empty."""
    parts: list[Part] = []
    if thought := message.get("reasoning_content"):
        parts.append(Thought(whole_characters(str(thought))))
    parts.extend(divided(whole_characters(str(message.get("content") or ""))))
    called = message.get("function_call")
    if isinstance(called, dict):
        call = calls.read(called, state_in(message), 0)
        if isinstance(call, Failed):
            return call
        if isinstance(call, Text):  # the wanted format: prose before it would spoil the JSON
            parts = [part for part in parts if not isinstance(part, Text)]
        parts.append(call)
    elif not parts or not isinstance(parts[-1], Text):
        parts.append(Text(""))
    return parts
