"""GigaChat's count of tokens. Source: GigaChat's REST API, `POST /tokens/count`: a bare array, one item per string."""

from __future__ import annotations

from typing import Any

import orjson

from app.translate.dialogue import Usage
from app.translate.gigachat.answers import count


def write(model: str, messages: list[dict[str, Any]], said: str) -> dict[str, Any]:
    """The payload that counts a conversation's texts, and last what was answered."""
    return {"model": model, "input": [*(str(message.get("content") or " ") for message in messages), said or " "]}


def read(data: bytes) -> Usage | None:
    """The usage that the counts make; None when they can't be read."""
    try:
        counts = [count(item["tokens"]) for item in orjson.loads(data)]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return None
    if not counts:
        return None
    prompt, completion = sum(counts[:-1]), counts[-1]
    return Usage(prompt, completion, prompt + completion, None, {})
