"""The tables of v1's rules for the top level of a chat request, and for `response_format`.

Source: docs/gigachat-api.md, "POST /chat/completions" and "Structured output". v1 ignores keys that are not in the
table.
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
    """A key of the body: the check of its value, and the text of the 422 if it fails."""

    name: str
    fits: Callable[[Any], bool]
    demand: str
    source: str
    nullable: bool = False
    required: bool = False

    def check(self, body: Mapping[str, Any]) -> None:
        """Raise Refused if the body does not fit."""
        value = body.get(self.name)
        if value is None and (self.nullable or self.name not in body) and not self.required:
            return
        if not self.fits(value):
            raise Refused(422, f"Invalid params: {self.name} {self.demand}")


@dataclass(frozen=True, slots=True)
class FormatRule:
    """A reason to refuse `response_format`. The message may quote its `type`."""

    name: str
    wrong: Callable[[Mapping[str, Any]], bool]
    message: str
    source: str


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def _is_boolean(value: object) -> bool:
    return type(value) is bool


def _is_positive(value: Any) -> bool:
    return _is_number(value) and bool(value > 0)


def _is_count(value: Any) -> bool:
    return type(value) is int and bool(value > 0)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_filled_list(value: object) -> bool:
    return isinstance(value, list) and bool(value)


def _is_filled_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_text_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_ranker(value: object) -> bool:
    return (
        isinstance(value, dict)
        and _is_boolean(value.get("enabled", False))
        and (value.get("top_n") is None or _is_count(value["top_n"]))
    )


FIELDS = (
    Field("model", _is_filled_text, "must be a non-empty string", "[SPEC26] 3.2", required=True),
    Field("messages", _is_filled_list, "must be a non-empty array", "[SPEC26] 3.2", required=True),
    Field("temperature", _is_positive, "must be in range (0, +inf)", "[SPEC26] 3.2", nullable=True),
    Field(
        "top_p", lambda value: _is_number(value) and 0 <= value <= 1, "must be in range [0, 1]", "[SPEC26] 3.2", True
    ),
    Field("max_tokens", _is_count, "must be an integer in range (0, +inf)", "[SPEC26] 3.2", nullable=True),
    Field("repetition_penalty", _is_positive, "must be in range (0, +inf)", "[SPEC26] 3.2", nullable=True),
    Field("stream", _is_boolean, "must be a boolean", "[SPEC26] 3.2"),
    Field(
        "update_interval", lambda value: _is_number(value) and value >= 0, "must be in range [0, +inf)", "[SPEC26] 3.2"
    ),
    Field("functions", lambda value: isinstance(value, list), "must be an array", "[SPEC26] 3.2", nullable=True),
    Field("response_format", _is_object, "must be an object", "[SPEC26] 3.2"),
    Field("reasoning_effort", lambda value: value in EFFORTS, "must be one of: low, medium, high", "[SDK] 3.2"),
    Field("n", _is_count, "must be an integer in range (0, +inf)", "[SDK] 3.2"),
    Field("profanity_check", _is_boolean, "must be a boolean", "[SDK] 3.2"),
    Field("flags", _is_text_list, "must be an array of strings", "[SDK] 3.2"),
    Field("function_ranker", _is_ranker, "must be an object with enabled and top_n", "[SDK] 3.2"),
)

# Keys that v1 knows, without a rule here: `function_call` has its own check, the others have no documented shape.
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
        lambda wanted: wanted["type"] == "json_schema" and not (_is_object(wanted.get("schema")) and wanted["schema"]),
        "Empty schema with json format type is not supported",
        "[LIVE-K] [GM] 5.5; OpenAI's nested object has no schema here",
    ),
)


def check(body: Mapping[str, Any]) -> None:
    """Raise Refused for the first rule of v1 that the body breaks."""
    for field in FIELDS:
        field.check(body)
    check_history(body["messages"])
    functions = body.get("functions") or []
    check_functions(functions)
    if "function_call" in body:
        check_choice(body["function_call"], functions)
    if "response_format" in body:
        _check_format(body["response_format"])


def list_unknown_keys(body: Mapping[str, Any]) -> list[str]:
    """The keys that v1 silently ignores."""
    return [name for name in body if name not in KNOWN]


def _check_format(wanted: Mapping[str, Any]) -> None:
    for rule in FORMAT_RULES:
        if rule.wrong(wanted):
            raise Refused(400, rule.message.format(type=wanted.get("type", "")))
    if not _is_boolean(wanted.get("strict", False)):
        raise Refused(422, "Invalid params: response_format.strict must be a boolean")
