"""The table of v1's rules for messages: roles, order, content, calls and their results.

Source: docs/gigachat-api.md, "Order and roles", "Function results" and "Attachments".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.sandbox.stateids import is_state_id
from app.sandbox.wire import NOT_JSON, Refused

ROLES = ("system", "user", "assistant", "function")

Wrong = Callable[[Sequence[Any], int], bool]


@dataclass(frozen=True, slots=True)
class MessageRule:
    """A reason to refuse a message. `wrong`: whether it applies to the message at an index of the history."""

    name: str
    wrong: Wrong
    status: int
    message: str
    source: str


def check_history(messages: Sequence[Any]) -> None:
    """Raise Refused for the first rule that the first bad message breaks."""
    for index in range(len(messages)):
        for rule in RULES:
            if rule.wrong(messages, index):
                raise Refused(rule.status, rule.message)


def _role(messages: Sequence[Any], index: int) -> object:
    if not 0 <= index < len(messages) or not isinstance(messages[index], dict):
        return None
    return messages[index].get("role")


def _expects_result(messages: Sequence[Any], index: int) -> bool:
    """Whether a result must follow the message: it holds a call, or the state id of a call."""
    return _role(messages, index) == "assistant" and not messages[index].keys().isdisjoint(_CALL_KEYS)


_CALL_KEYS = ("function_call", "functions_state_id")


def _check_key(name: str, fits: Callable[[Any], bool], role: str | None = None, *, required: bool = False) -> Wrong:
    """A rule: the key, in messages of this role, must fit, and be present if `required`."""

    def wrong(messages: Sequence[Any], index: int) -> bool:
        message = messages[index]
        if role is not None and message["role"] != role:
            return False
        if name not in message:
            return required
        return not fits(message[name])

    return wrong


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_call(value: object) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("name"), str)
        and bool(value["name"])
        and isinstance(value.get("arguments"), dict)
    )


def _has_text_arguments(messages: Sequence[Any], index: int) -> bool:
    call = messages[index].get("function_call")
    return isinstance(call, dict) and isinstance(call.get("arguments"), str)


def _is_text_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


RULES = (
    MessageRule(
        "object",
        lambda messages, index: not isinstance(messages[index], dict),
        422,
        "Invalid params: messages must be an array of objects",
        "[SPEC26] 5.1",
    ),
    MessageRule(
        "role",
        lambda messages, index: _role(messages, index) not in ROLES,
        422,
        "Invalid params: role must be one of: system, user, assistant, function",
        "[SPEC26] 5.1",
    ),
    MessageRule(
        "system first",
        lambda messages, index: index > 0 and _role(messages, index) == "system",
        422,
        "Invalid params: system message must be the first message",
        "[SPEC26] 5.1",
    ),
    MessageRule(
        "content",
        _check_key("content", _is_text, required=True),
        422,
        "Invalid params: content must be a string",
        "[SPEC26] 5.1: for all roles, no array of parts",
    ),
    MessageRule(
        "result's name",
        _check_key("name", lambda value: _is_text(value) and bool(value), "function", required=True),
        422,
        "Invalid params: function message must have a name",
        "[SPEC26] 5.2",
    ),
    MessageRule(
        "result",
        _check_key("content", _is_json, "function"),
        422,
        "Invalid params: invalid function result: content must be JSON",
        "[GM] 5.2",
    ),
    MessageRule("arguments", _has_text_arguments, 400, NOT_JSON, "[GM] [LIVE-K] 5.2: an object, never a string"),
    MessageRule(
        "call",
        _check_key("function_call", _is_call, "assistant"),
        422,
        "Invalid params: function_call must have a name and an object of arguments",
        "[SPEC25] 5.2",
    ),
    MessageRule(
        "state id",
        _check_key("functions_state_id", is_state_id),
        422,
        "Invalid params: functions_state_id must be a UUID",
        "[SPEC26] 5.2",
    ),
    MessageRule(
        "attachments",
        _check_key("attachments", _is_text_list),
        422,
        "Invalid params: attachments must be an array of strings",
        "[SPEC26] 5.3",
    ),
    MessageRule(
        "attachments' role",
        lambda messages, index: "attachments" in messages[index] and _role(messages, index) != "user",
        422,
        "Invalid params: only user messages may have attachments",
        "[SPEC26] 5.3",
    ),
    MessageRule(
        "call without result",
        lambda messages, index: _expects_result(messages, index) and _role(messages, index + 1) != "function",
        422,
        "Invalid params: every assistant function call must have a result in history",
        "[SPEC26] 5.2",
    ),
    MessageRule(
        "result without call",
        lambda messages, index: _role(messages, index) == "function" and not _expects_result(messages, index - 1),
        422,
        "Invalid params: every function result must have an assistant function call in history",
        "[GM] 5.2: the mirror wording",
    ),
)
