"""GigaChat's count of tokens. Source: GigaChat's REST API, `POST /tokens/count`: a bare array, one item per string."""

from __future__ import annotations

from typing import Any

import orjson

from app.translate import exact
from app.translate.dialogue import Usage
from app.translate.gigachat.bodies import count

# What of a chat's payload is read by the model beside the messages' words.
_READ = ("functions", "response_format")


def write(asked: dict[str, Any], said: str) -> dict[str, Any]:
    """The payload that counts what a chat's payload asked, and last what was answered."""
    texts = [_text(message) for message in asked["messages"]]
    texts += [exact.dumps(asked[name]).decode() for name in _READ if name in asked]
    return {"model": asked["model"], "input": [*texts, said or " "]}


def _text(message: dict[str, Any]) -> str:
    call = message.get("function_call")
    return (message.get("content") or "") + (exact.dumps(call).decode() if call else "") or " "


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
