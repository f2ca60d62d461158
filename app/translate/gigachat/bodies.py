"""What the bodies of GigaChat's answers have in common, whole ones and a stream's chunks.

Source: GigaChat's REST API, `POST /chat/completions` (response), "Streaming" and "Usage". They are read leniently:
unknown keys, a missing usage and undocumented types are all taken.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from app.translate import exact
from app.translate.dialogue import Finish, Usage
from app.translate.gigachat.characters import whole_characters

FINISH: dict[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "function_call": "tool_calls",
    "blacklist": "content_filter",  # the topic filter's own sentence is in the content
}
# The model gave up: no answer to hand on.
FAILURES = frozenset({"error", "function_call_error"})
# No count is larger: what is, came from a broken upstream, and a client's JSON could not carry it.
_MAX_COUNT = 2**53 - 1
_CALL = b'"function_call"'


def loads(data: bytes) -> Any:
    """What the JSON says, a call's numbers with all their digits. Raises orjson.JSONDecodeError."""
    return exact.loads(data) if _CALL in data else orjson.loads(data)


def parsed(data: bytes) -> Any:
    """What the JSON says; None where it is none."""
    try:
        return loads(data)
    except orjson.JSONDecodeError:
        return lenient(data)


def first_choice(body: Any) -> dict[str, Any] | None:
    """The one choice that GigaChat gives."""
    choices = body.get("choices") if isinstance(body, dict) else None
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    return None


def lenient(data: bytes) -> Any:
    """What orjson refuses and GigaChat has sent: a surrogate half, escaped."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def word(value: Any) -> str:
    """A text, of whole characters; what is none is empty."""
    return whole_characters(value) if isinstance(value, str) else ""


def count(value: Any) -> int:
    """A count that may be missing, a float or a string."""
    try:
        return min(max(0, int(value or 0)), _MAX_COUNT)
    except (TypeError, ValueError, OverflowError):
        return 0


def finish(raw: Any) -> Finish:
    """OpenAI's word for GigaChat's; an unknown one is a plain stop."""
    return FINISH.get(raw, "stop") if isinstance(raw, str) else "stop"


def read_usage(raw: Any) -> Usage | None:
    """Tokens in one meaning. When the cached exceed the prompt's, this prompt count leaves the cached out: add them."""
    if not isinstance(raw, dict):
        return None
    prompt, completion = count(raw.get("prompt_tokens")), count(raw.get("completion_tokens"))
    total = count(raw.get("total_tokens")) or prompt + completion
    cached = raw.get("precached_prompt_tokens")
    cached = None if cached is None else count(cached)
    if cached is not None and cached > prompt:
        prompt, total = prompt + cached, total + cached
    return Usage(prompt, completion, total, cached, raw)


def finished(said: Finish, *, called: bool) -> Finish:
    """How an answer ended: a call present means that it is to be answered, and none that there is nothing to answer."""
    if called:
        return said if said == "content_filter" else "tool_calls"
    return "stop" if said == "tool_calls" else said
