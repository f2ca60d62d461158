"""Every parameter of POST /v1/chat/completions and what becomes of it: one row each.

Sources: `openai` is OpenAI's API reference (chat, create); `gigachat` is docs/gigachat-api.md,
"POST /chat/completions". A key that has no row is unknown: it is dropped and told as `unknown`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from app.translate.dialogue import Note
from app.translate.openai import checks, unread_fields

# carried: read into the dialogue, and checked there · passed: GigaChat's own field, sent as it is · identity: not
# sent, names the conversation or its user · dropped: GigaChat has nothing like it
Fate = Literal["carried", "passed", "identity", "dropped"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A row. `what` tells a reader what becomes of it; `neutral` are values that ask for nothing: no loss, no note."""

    name: str
    fate: Fate
    check: Callable[[Any, str], Any] | None  # None: checked where it is read
    source: Literal["openai", "gigachat"]
    what: str
    neutral: tuple[Any, ...] = ()


_penalty = partial(checks.number, low=-2, high=2)
_positive = partial(checks.number, low=0)


def _ranker(value: Any, path: str) -> dict[str, Any]:
    ranker = {name: item for name, item in checks.php_obj(value, path).items() if item is not None}
    if "enabled" in ranker:
        checks.boolean(ranker["enabled"], f"{path}.enabled")
    if "top_n" in ranker:
        ranker["top_n"] = checks.integer(ranker["top_n"], f"{path}.top_n", 1)
    if any(isinstance(item, dict | list) for item in ranker.values()):  # a depth that JSON can't be written with
        raise checks.invalid(path, "must hold no objects or arrays.")
    return ranker


def _carried(name: str, what: str) -> Parameter:
    """A row whose value is read into the dialogue."""
    return Parameter(name, "carried", None, "openai", what)


def _rows(*rows: Parameter) -> dict[str, Parameter]:
    return {row.name: row for row in rows}


PARAMETERS: dict[str, Parameter] = _rows(
    _carried("messages", "text, calls, results, images, audio and documents"),
    _carried("model", "by its name, an alias, or the configured one when it is left out"),
    _carried("stream", "chunks as GigaChat gives them"),
    _carried("stream_options", "`include_usage`: one more chunk with the usage"),
    _carried("temperature", "0 becomes a value so small that GigaChat is deterministic"),
    _carried("top_p", "as it is"),
    _carried("max_tokens", "0 and -1 mean no limit"),
    _carried("max_completion_tokens", "the same as `max_tokens`, and before it"),
    _carried("max_output_tokens", "the same as `max_tokens`; the Responses API's name, sent here by some clients"),
    _carried("extra_body", "an SDK's argument that some clients send literally: its fields count as the body's"),
    _carried("tools", "functions, also in other vendors' forms; other tools and `strict` are left out, and told"),
    _carried("tool_choice", "`auto`, `none`, `required` or `any`, a function by name, `allowed_tools`; all forms"),
    _carried("parallel_tool_calls", "taken; GigaChat calls one function an answer in either case"),
    _carried("functions", "the older form of `tools`; answers have `function_call` then"),
    _carried("function_call", "the older form of `tool_choice`"),
    _carried("response_format", "`text`, `json_object` (with a `schema`: as `json_schema`), `json_schema`"),
    _carried("reasoning_effort", "`low`, `medium`, `high`; others become the nearest, `none` the model's default"),
    _carried("stop", "up to 16 different sequences; the answer is cut before the first that comes"),
    _carried("n", "up to 4 choices; each is a request to GigaChat"),
    Parameter("repetition_penalty", "passed", _positive, "gigachat", "GigaChat's own; greater than 0"),
    Parameter("update_interval", "passed", _positive, "gigachat", "GigaChat's own; seconds between chunks"),
    Parameter("profanity_check", "passed", checks.boolean, "gigachat", "GigaChat's own"),
    Parameter("flags", "passed", checks.strings, "gigachat", "GigaChat's own; a list of strings"),
    Parameter("function_ranker", "passed", _ranker, "gigachat", "GigaChat's own; `enabled`, `top_n`"),
    Parameter("user", "identity", checks.string, "openai", "names the conversation for the prompt cache, as a hash"),
    Parameter("safety_identifier", "identity", checks.string, "openai", "as `user`"),
    Parameter("prompt_cache_key", "identity", checks.string, "openai", "as `user`, and before it"),
    Parameter("metadata", "identity", checks.php_obj, "openai", "not sent"),
    Parameter("seed", "dropped", partial(checks.integer, low=-(2**63)), "openai", "GigaChat has none"),
    Parameter("logit_bias", "dropped", checks.php_obj, "openai", "GigaChat has none", ({},)),
    Parameter("logprobs", "dropped", checks.boolean, "openai", "GigaChat has none", (False,)),
    Parameter("top_logprobs", "dropped", partial(checks.integer, low=0), "openai", "GigaChat has none", (0,)),
    Parameter("presence_penalty", "dropped", _penalty, "openai", "GigaChat has `repetition_penalty`", (0,)),
    Parameter("frequency_penalty", "dropped", _penalty, "openai", "GigaChat has `repetition_penalty`", (0,)),
    Parameter("prediction", "dropped", checks.php_obj, "openai", "GigaChat has none"),
    Parameter("service_tier", "dropped", checks.string, "openai", "GigaChat has none", ("auto", "default")),
    Parameter("store", "dropped", checks.boolean, "openai", "answers are not kept for clients", (False,)),
    Parameter("modalities", "dropped", checks.array, "openai", "answers are text", (["text"],)),
    Parameter("audio", "dropped", checks.php_obj, "openai", "answers are text"),
    Parameter("verbosity", "dropped", checks.string, "openai", "GigaChat has none", ("medium",)),
    Parameter("web_search_options", "dropped", checks.php_obj, "openai", "GigaChat has none"),
    Parameter("prompt_cache_retention", "dropped", checks.string, "openai", "GigaChat decides"),
    Parameter("moderation", "dropped", checks.php_obj, "openai", "GigaChat has its own filter"),
)

_NAMES = frozenset(PARAMETERS)
_CARRIED = frozenset(row.name for row in PARAMETERS.values() if row.fate == "carried")
IDENTITIES = tuple(row.name for row in PARAMETERS.values() if row.fate == "identity")
DROPPABLE = tuple(row.name for row in PARAMETERS.values() if row.fate == "dropped")


def sift(body: dict[str, Any]) -> tuple[dict[str, Any], list[Note]]:
    """Go once through the keys of a body: GigaChat's own fields to pass on, and a note for all that is not carried.

    Null asks for nothing, whatever the field, and neither does a neutral value.
    """
    passed: dict[str, Any] = {}
    notes: list[Note] = []
    if body.keys() <= _CARRIED:
        return passed, notes
    for key, value in body.items():
        if value is None:
            continue
        row = PARAMETERS.get(key)
        if row is None:
            if not unread_fields.asks_nothing(value):
                unread_fields.drop("unknown", checks.shown(key), notes, key, _NAMES)
            continue
        if row.check is None:
            continue
        checked = row.check(value, key)
        if row.fate == "passed":
            passed[key] = checked
        elif row.fate == "identity":
            notes.append(Note("equivalent", key, key))
        elif checked not in row.neutral:
            notes.append(Note("dropped", key, key))
    return passed, notes
