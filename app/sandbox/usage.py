"""Counts the tokens of a prompt and those in the prefix cache, and builds `usage`.

Source: docs/gigachat-api.md, "Usage": the cache lives 30 s after the last hit and is pinned by `X-Session-ID`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.sandbox.catalog import Model

CACHE_SECONDS = 30.0
SESSIONS = 1_000
EXCESS = 20  # with the fault `cached_exceeds_prompt`: the cached tokens minus the tokens of the prompt
_TEMPLATE = 4  # tokens that the chat template adds to a message


@dataclass(frozen=True, slots=True)
class Prompt:
    """A counted prompt: its messages as JSON, their tokens, and all tokens with the functions."""

    messages: tuple[bytes, ...]
    weights: tuple[int, ...]
    tokens: int


class PrefixCache:
    """The last prompt of each session."""

    __slots__ = ("_sessions",)

    def __init__(self) -> None:
        self._sessions: dict[str, tuple[float, tuple[bytes, ...]]] = {}

    def count_cached(self, session: str | None, prompt: Prompt) -> int:
        """Count the tokens that the prompt shares with the beginning of the session's last prompt, and remember it."""
        if not session:
            return 0
        now = time.monotonic()
        seen, before = self._sessions.pop(session, (0.0, ()))
        if len(self._sessions) >= SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[session] = (now, prompt.messages)
        if now - seen > CACHE_SECONDS:
            return 0
        known = 0
        for old, new, weight in zip(before, prompt.messages, prompt.weights, strict=False):
            if old != new:
                break
            known += weight
        return min(known, prompt.tokens - 1)


def count_prompt(model: Model, body: Mapping[str, Any]) -> Prompt:
    """Count a valid chat request."""
    messages = body["messages"]
    weights = tuple(_weight(model, message) for message in messages)
    functions = body.get("functions")
    extra = model.count(orjson.dumps(functions).decode()) if functions else 0
    return Prompt(tuple(orjson.dumps(message) for message in messages), weights, sum(weights) + extra)


def build_usage(prompt: int, completion: int, cached: int) -> dict[str, int]:
    """The `usage` object of a chat answer. `prompt` is what is billed of the prompt; `cached` tokens cost nothing."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "precached_prompt_tokens": cached,
    }


def count_completion(model: Model, texts: Sequence[str]) -> int:
    """The tokens of the model's texts."""
    return sum(model.count(text) for text in texts)


def _weight(model: Model, message: Mapping[str, Any]) -> int:
    call = message.get("function_call")
    return _TEMPLATE + model.count(message["content"]) + (model.count(orjson.dumps(call).decode()) if call else 0)
