"""GigaChat's count of tokens. Source: docs/gigachat-api.md, "POST /tokens/count": a bare array, one item per string."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from app.translate import big_integers
from app.translate.dialogue import Usage
from app.translate.gigachat.lenient_json import read_count

# The fields of a chat's payload that the model reads beside the messages.
_COUNTED_FIELDS = ("functions", "response_format")


def write(asked: Mapping[str, Any], said: str) -> dict[str, Any]:
    """The payload that counts the texts of a chat's payload, and last the text of its answer."""
    texts = [_write_text(message) for message in asked["messages"]]
    texts += [big_integers.dumps(asked[name]).decode() for name in _COUNTED_FIELDS if name in asked]
    return {"model": asked["model"], "input": [*texts, said or " "]}


def _write_text(message: dict[str, Any]) -> str:
    """All that the model reads of a message; a blank where that is nothing, since GigaChat wants text."""
    text: str = message.get("content") or ""
    if call := message.get("function_call"):
        text += big_integers.dumps(call).decode()
    return text or " "


def read(data: bytes) -> Usage | None:
    """The usage that the counts make; None when they can't be read."""
    try:
        counts = [read_count(item["tokens"]) for item in orjson.loads(data)]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return None
    if not counts:
        return None
    prompt = sum(counts[:-1])
    completion = counts[-1]
    return Usage(prompt, completion, prompt + completion, None, {})
