"""OpenAI's chat completions: a whole answer, written.

Source: OpenAI's API reference (chat, object) as the `openai` package 3.54 types it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from app.translate.dialogue import Answer, Call, Finish, Text, Thought, Usage
from app.translate.openai import calls

_FINISHES: dict[Finish, str] = {
    "stop": "stop",
    "length": "length",
    "calls": "tool_calls",
    "filtered": "content_filter",
}


def write(answers: Sequence[Answer], answer_id: str, *, legacy: bool = False) -> dict[str, Any]:
    """The body of a whole answer: one choice for each of GigaChat's answers, of which there is at least one.

    `legacy`: the client asked with `functions` and reads `function_call`.
    """
    first = answers[0]
    body: dict[str, Any] = {
        "id": answer_id,
        "object": "chat.completion",
        "created": first.created,
        "model": first.model,
        "choices": [
            {
                "index": index,
                "message": _message(answer, legacy=legacy),
                "finish_reason": finish_reason(answer.finish, legacy=legacy),
            }
            for index, answer in enumerate(answers)
        ],
        "system_fingerprint": fingerprint(first.model),
    }
    used = total([answer.usage for answer in answers])
    if used is not None:
        body["usage"] = usage(used)
    return body


def _message(answer: Answer, *, legacy: bool) -> dict[str, Any]:
    parts = answer.parts
    if len(parts) == 1 and type(parts[0]) is Text:
        return {"role": "assistant", "content": parts[0].text, "refusal": None}
    text = "".join(part.text for part in parts if isinstance(part, Text))
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if thoughts := "".join(part.text for part in parts if isinstance(part, Thought)):
        message["reasoning_content"] = thoughts
    called = [part for part in parts if isinstance(part, Call)]
    if called:
        message["content"] = text or None
        if legacy:  # this form has room for one
            message["function_call"] = calls.write_function(called[0])
        else:
            message["tool_calls"] = [calls.write(call) for call in called]
    return message


def finish_reason(finish: Finish, *, legacy: bool) -> str:
    """OpenAI's word for the end of a choice."""
    return "function_call" if legacy and finish == "calls" else _FINISHES[finish]


def total(usages: Sequence[Usage | None]) -> Usage | None:
    """The sum over all choices; None when one of them was not counted: less than all would look like all."""
    if len(usages) == 1:
        return usages[0]
    known = [used for used in usages if used is not None]
    if not known or len(known) < len(usages):
        return None
    cached = [used.cached for used in known if used.cached is not None]
    return Usage(
        prompt=sum(used.prompt for used in known),
        completion=sum(used.completion for used in known),
        total=sum(used.total for used in known),
        cached=sum(cached) if cached else None,
        raw={},
    )


def usage(used: Usage) -> dict[str, Any]:
    """OpenAI's usage; cached tokens are a part of the prompt's."""
    body: dict[str, Any] = {
        "prompt_tokens": used.prompt,
        "completion_tokens": used.completion,
        "total_tokens": used.total,
    }
    if used.cached is not None:
        body["prompt_tokens_details"] = {"cached_tokens": used.cached}
    return body


_fingerprints: dict[str, str] = {}


def fingerprint(model: str) -> str:
    """A short hash of the build that answered, so that a client sees when it changes."""
    known = _fingerprints.get(model)
    if known is None:
        if len(_fingerprints) > 256:  # builds are few; a broken upstream must not grow this
            _fingerprints.clear()
        known = _fingerprints[model] = "fp_" + hashlib.blake2b(model.encode(), digest_size=5).hexdigest()
    return known
