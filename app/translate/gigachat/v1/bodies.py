"""Reads what v1's whole chat answers and a stream's chunks have in common.

Source: docs/gigachat-api.md, "POST /chat/completions" (response), "Streaming" and "Usage". Unknown keys, a missing
usage and undocumented types do no harm.
"""

from __future__ import annotations

from typing import Any

import orjson

from app import sse
from app.translate import big_integers
from app.translate.dialogue import Finish, Usage
from app.translate.gigachat.lenient_json import is_bomb, parse_leniently, read_count

FINISH: dict[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "function_call": "calls",
    "blacklist": "filtered",  # the topic filter's own sentence is in the content
}
# The model gave up: there is no answer.
FAILURES = frozenset({"error", "function_call_error"})
_CALL = b'"function_call"'


def refuse_bomb(data: bytes) -> None:
    """Raise EventTooLarge for an event that would make too many values."""
    if is_bomb(data):
        raise sse.EventTooLarge("an event with too many values")


def loads(data: bytes) -> Any:
    """The value of JSON, with all digits of a call's numbers. Raises orjson.JSONDecodeError."""
    return big_integers.loads(data) if _CALL in data else orjson.loads(data)


def find_choice(body: Any) -> dict[str, Any] | None:
    """The one choice that GigaChat gives; None where there is none."""
    try:
        choice = body["choices"][0]
    except (TypeError, LookupError):  # the body, or what it has there, is of another type, or empty
        return None
    return choice if type(choice) is dict else None


def find_plain_text(data: bytes) -> str | None:
    """The text of a chunk that holds nothing else; None of any other, and of what is no JSON."""
    try:
        choice = orjson.loads(data)["choices"][0]
        delta = choice["delta"]
        text = delta["content"]
        plain = len(delta) == 1 or (len(delta) == 2 and delta.get("role") == "assistant")
        return text if plain and type(text) is str and choice.get("finish_reason") is None else None
    except (LookupError, TypeError, AttributeError, orjson.JSONDecodeError):
        return None


def is_only_usage(body: Any) -> bool:
    """Whether a chunk has a usage and no choices, as OpenAI's last one: it is no failure."""
    return isinstance(body, dict) and body.get("choices") == [] and "message" not in body


def is_cut_off(data: bytes) -> bool:
    """Whether an event that no blank line closed was cut in its middle."""
    return data != sse.DONE and parse_leniently(data) is None


def read_finish(raw: Any) -> Finish:
    """The dialogue's finish for GigaChat's reason; an unknown one is a plain stop."""
    return FINISH.get(raw, "stop") if isinstance(raw, str) else "stop"


def read_usage(raw: Any, *, cached_contained: bool = False) -> Usage | None:
    """Tokens in one meaning: `prompt` contains `cached`, which GigaChat counts apart.

    `cached_contained`: GigaChat's prompt contains them. Where it can't, since they are more, they are added all the
    same.
    """
    if not isinstance(raw, dict):
        return None
    prompt = read_count(raw.get("prompt_tokens"))
    completion = read_count(raw.get("completion_tokens"))
    total = read_count(raw.get("total_tokens")) or prompt + completion
    cached = raw.get("precached_prompt_tokens")
    cached = None if cached is None else read_count(cached)
    if cached is not None and not (cached_contained and cached <= prompt):
        prompt += cached
        total += cached
    return Usage(prompt, completion, total, cached, raw)


def decide_finish(finish: Finish, *, called: bool, answered: bool) -> Finish:
    """How an answer ended: with a call the client must answer it, and without one there is nothing to answer.

    `answered`: a call came that is the wanted format's, and no call for the client.
    """
    if called:
        return finish if finish == "filtered" else "calls"
    if finish == "calls":
        return "stop" if answered else "uncalled"
    return finish
