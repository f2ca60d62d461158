"""What v1 demands of a chat request's top level, as a table, and of `response_format`.

Source: gigachat-api, sections 3.2 and 5.5. A key that no row names is ignored by v1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.sandbox.functions import check_choice, check_functions
from app.sandbox.history import check_history
from app.sandbox.wire import Refused

EFFORTS = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Field:
    """One key of the body: what it must be, and the words of the 422 where it is not."""

    name: str
    fits: Callable[[Any], bool]
    demand: str
    source: str
    nullable: bool = False
    required: bool = False

    def check(self, body: Mapping[str, Any]) -> None:
        """Raise Refused where the body breaks the row."""
        value = body.get(self.name)
        if value is None and (self.nullable or self.name not in body) and not self.required:
            return
        if not self.fits(value):
            raise Refused(422, f"Invalid params: {self.name} {self.demand}")


@dataclass(frozen=True, slots=True)
class FormatRule:
    """A refusal of `response_format`; the message may quote the `type`."""

    name: str
    wrong: Callable[[Mapping[str, Any]], bool]
    message: str
    source: str


def _number(value: object) -> bool:
    return type(value) in (int, float)


def _boolean(value: object) -> bool:
    return type(value) is bool


def _positive(value: Any) -> bool:
    return _number(value) and bool(value > 0)


def _count(value: Any) -> bool:
    return type(value) is int and bool(value > 0)


def _object(value: object) -> bool:
    return isinstance(value, dict)


def _filled_list(value: object) -> bool:
    return isinstance(value, list) and bool(value)


def _filled_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _ranker(value: object) -> bool:
    return (
        isinstance(value, dict)
        and _boolean(value.get("enabled", False))
        and (value.get("top_n") is None or _count(value["top_n"]))
    )


FIELDS = (
    Field("model", _filled_text, "must be a non-empty string", "[SPEC26] 3.2", required=True),
    Field("messages", _filled_list, "must be a non-empty array", "[SPEC26] 3.2", required=True),
    Field("temperature", _positive, "must be in range (0, +inf)", "[SPEC26] 3.2", nullable=True),
    Field("top_p", lambda value: _number(value) and 0 <= value <= 1, "must be in range [0, 1]", "[SPEC26] 3.2", True),
    Field("max_tokens", _count, "must be an integer in range (0, +inf)", "[SPEC26] 3.2", nullable=True),
    Field("repetition_penalty", _positive, "must be in range (0, +inf)", "[SPEC26] 3.2", nullable=True),
    Field("stream", _boolean, "must be a boolean", "[SPEC26] 3.2"),
    Field("update_interval", lambda value: _number(value) and value >= 0, "must be in range [0, +inf)", "[SPEC26] 3.2"),
    Field("functions", lambda value: isinstance(value, list), "must be an array", "[SPEC26] 3.2", nullable=True),
    Field("response_format", _object, "must be an object", "[SPEC26] 3.2"),
    Field("reasoning_effort", lambda value: value in EFFORTS, "must be one of: low, medium, high", "[SDK] 3.2"),
    Field("n", _count, "must be an integer in range (0, +inf)", "[SDK] 3.2"),
    Field("profanity_check", _boolean, "must be a boolean", "[SDK] 3.2"),
    Field("flags", _texts, "must be an array of strings", "[SDK] 3.2"),
    Field("function_ranker", _ranker, "must be an object with enabled and top_n", "[SDK] 3.2"),
)

# Known to v1, demanded nothing of here: `function_call` has a table of its own, the rest has no documented shape.
_UNCHECKED = ("function_call", "storage", "unnormalized_history", "top_logprobs", "reasoning_max_tokens")
KNOWN = frozenset((*(field.name for field in FIELDS), *_UNCHECKED))

FORMATS = ("text", "json_schema")
FORMAT_RULES = (
    FormatRule(
        "type",
        lambda wanted: wanted.get("type") not in FORMATS,
        'Unknown type "{type}" in response_format',
        "[LIVE-K] [GM] 5.5; `regex` belongs to v2",
    ),
    FormatRule(
        "schema",
        lambda wanted: wanted["type"] == "json_schema" and not (_object(wanted.get("schema")) and wanted["schema"]),
        "Empty schema with json format type is not supported",
        "[LIVE-K] [GM] 5.5; OpenAI's nested object has no schema here",
    ),
)


def check(body: Mapping[str, Any]) -> None:
    """Raise Refused for the first demand of v1 that the body breaks."""
    for field in FIELDS:
        field.check(body)
    check_history(body["messages"])
    functions = body.get("functions") or []
    check_functions(functions)
    if "function_call" in body:
        check_choice(body["function_call"], functions)
    if "response_format" in body:
        _check_format(body["response_format"])


def unknown(body: Mapping[str, Any]) -> list[str]:
    """The keys that v1 silently ignores."""
    return [name for name in body if name not in KNOWN]


def _check_format(wanted: Mapping[str, Any]) -> None:
    for rule in FORMAT_RULES:
        if rule.wrong(wanted):
            raise Refused(400, rule.message.format(type=wanted.get("type", "")))
    if not _boolean(wanted.get("strict", False)):
        raise Refused(422, "Invalid params: response_format.strict must be a boolean")
