"""Every parameter of POST /v1/chat/completions and what becomes of it: one row each.

Sources: `openai` is OpenAI's API reference (chat, create); `gigachat` is GigaChat's v1 contract (POST
/chat/completions, request fields). A key that has no row is unknown: it is dropped and told as `unknown`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from app.translate.dialogue import Note
from app.translate.openai import checks

# carried: read into the dialogue by chat.py · passed: GigaChat's own field, sent as it is · identity: not sent, names
# the conversation or its user · dropped: GigaChat has nothing like it · refused: not carried yet, a 400 says so
Fate = Literal["carried", "passed", "identity", "dropped", "refused"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A row. `neutral` are values that ask for nothing, so that nothing is lost when they are left out."""

    name: str
    fate: Fate
    check: Callable[[Any, str], Any]
    source: Literal["openai", "gigachat"]
    neutral: tuple[Any, ...] = ()


_penalty = partial(checks.number, low=-2, high=2)
_positive = partial(checks.number, low=0)


def _any(value: Any, path: str) -> Any:  # noqa: ARG001 - a check takes a path
    return value


def _ranker(value: Any, path: str) -> dict[str, Any]:
    ranker = {name: item for name, item in checks.obj(value, path).items() if item is not None}
    if "enabled" in ranker:
        checks.boolean(ranker["enabled"], f"{path}.enabled")
    if "top_n" in ranker:
        ranker["top_n"] = checks.integer(ranker["top_n"], f"{path}.top_n", 1)
    if any(isinstance(item, dict | list) for item in ranker.values()):  # a depth that JSON can't be written with
        raise checks.invalid(path, "must hold no objects or arrays.")
    return ranker


def _rows(*rows: Parameter) -> dict[str, Parameter]:
    return {row.name: row for row in rows}


PARAMETERS: dict[str, Parameter] = _rows(
    Parameter("messages", "carried", checks.array, "openai"),
    Parameter("model", "carried", _any, "openai"),
    Parameter("stream", "carried", _any, "openai"),
    Parameter("stream_options", "carried", _any, "openai"),
    Parameter("temperature", "carried", _any, "openai"),
    Parameter("top_p", "carried", _any, "openai"),
    Parameter("max_tokens", "carried", _any, "openai"),
    Parameter("max_completion_tokens", "carried", _any, "openai"),
    Parameter("max_output_tokens", "carried", _any, "openai"),  # the Responses API's name, sent here by some clients
    Parameter("extra_body", "carried", checks.obj, "openai"),  # an SDK's argument that some clients send literally
    Parameter("repetition_penalty", "passed", _positive, "gigachat"),
    Parameter("update_interval", "passed", _positive, "gigachat"),
    Parameter("profanity_check", "passed", checks.boolean, "gigachat"),
    Parameter("flags", "passed", checks.strings, "gigachat"),
    Parameter("function_ranker", "passed", _ranker, "gigachat"),
    Parameter("user", "identity", checks.string, "openai"),
    Parameter("safety_identifier", "identity", checks.string, "openai"),
    Parameter("prompt_cache_key", "identity", checks.string, "openai"),
    Parameter("metadata", "identity", checks.obj, "openai"),
    Parameter("seed", "dropped", partial(checks.integer, low=-(2**63)), "openai"),
    Parameter("logit_bias", "dropped", checks.obj, "openai", ({},)),
    Parameter("logprobs", "dropped", checks.boolean, "openai", (False,)),
    Parameter("top_logprobs", "dropped", partial(checks.integer, low=0), "openai", (0,)),
    Parameter("presence_penalty", "dropped", _penalty, "openai", (0,)),
    Parameter("frequency_penalty", "dropped", _penalty, "openai", (0,)),
    Parameter("prediction", "dropped", checks.obj, "openai"),
    Parameter("service_tier", "dropped", checks.string, "openai", ("auto", "default")),
    Parameter("store", "dropped", checks.boolean, "openai", (False,)),
    Parameter("modalities", "dropped", checks.array, "openai", (["text"],)),
    Parameter("audio", "dropped", checks.obj, "openai"),
    Parameter("verbosity", "dropped", checks.string, "openai", ("medium",)),
    Parameter("web_search_options", "dropped", checks.obj, "openai"),
    Parameter("prompt_cache_retention", "dropped", checks.string, "openai"),
    Parameter("moderation", "dropped", checks.obj, "openai"),
    Parameter("tools", "refused", checks.array, "openai", ([],)),
    Parameter("tool_choice", "refused", _any, "openai", ("none", "auto")),
    Parameter("parallel_tool_calls", "refused", checks.boolean, "openai", (True, False)),
    Parameter("functions", "refused", checks.array, "openai", ([],)),
    Parameter("function_call", "refused", _any, "openai", ("none", "auto")),
    Parameter("response_format", "refused", checks.obj, "openai", ({"type": "text"},)),
    Parameter("n", "refused", partial(checks.integer, low=1), "openai", (1,)),
    Parameter("stop", "refused", _any, "openai", ([],)),
    Parameter("reasoning_effort", "refused", checks.string, "openai"),
)

IDENTITIES = tuple(row.name for row in PARAMETERS.values() if row.fate == "identity")
DROPPABLE = tuple(row.name for row in PARAMETERS.values() if row.fate == "dropped")


def sift(body: dict[str, Any]) -> tuple[dict[str, Any], list[Note]]:
    """Go once through the keys of a body: GigaChat's own fields to pass on, and a note for all that is not carried.

    Null asks for nothing, whatever the field, and neither does a neutral value.
    """
    passed: dict[str, Any] = {}
    notes: list[Note] = []
    for key, value in body.items():
        if value is None:
            continue
        row = PARAMETERS.get(key)
        if row is None:
            notes.append(Note("dropped", "unknown", checks.shown(key)))
            continue
        if row.fate == "carried":
            continue
        checked = row.check(value, key)
        if row.fate == "passed":
            passed[key] = checked
        elif row.fate == "identity":
            notes.append(Note("equivalent", key, key))
        elif value in row.neutral:
            continue
        elif row.fate == "dropped":
            notes.append(Note("dropped", key, key))
        else:
            raise checks.unsupported(key, "is not supported by this gateway yet. Leave it out.")
    return passed, notes
