"""Calls of functions in OpenAI's words: those of a conversation read, those of an answer written.

Source: OpenAI's API reference (chat): `tool_calls` and the older `function_call`, whose arguments are JSON in a
string. The older form has no ids: they are made of the message's place, so that each result finds its call.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import orjson

from app.translate import exact
from app.translate.dialogue import Call, Note
from app.translate.openai import checks, rest

_READ = frozenset({"id", "type", "index"})  # an index is a stream's, and says nothing here
_READ_FUNCTION = frozenset({"name", "arguments"})
_READ_CUSTOM = frozenset({"name", "input"})
# What SDKs add to the messages that they give and send back: the same again, an order, an empty collection.
_SILENT = frozenset({"parsed_arguments", "index", "provider_specific_fields"})


class Unanswered:
    """Calls without ids that wait for their results: of the older form by function, of the newer by their order."""

    __slots__ = ("_ids", "_next")

    def __init__(self) -> None:
        self._ids: dict[str, list[str]] = {}
        self._next: deque[str] = deque()

    def add(self, call: Call) -> None:
        """A call that a message of role `function` will answer."""
        self._ids.setdefault(call.name, []).append(call.id)

    def answered(self, name: str, path: str) -> str:
        """The id of the latest call that this function's result can belong to; an id of no call if there is none."""
        ids = self._ids.get(name)
        return ids.pop() if ids else path

    def wait(self, number: str) -> None:
        """A call with an empty id, which a message of role `tool` with an empty one will answer."""
        self._next.append(number)

    def next(self, path: str) -> str:
        """The id of the first such call that has no result yet; an id of no call if there is none."""
        return self._next.popleft() if self._next else path


def read(message: dict[str, Any], path: str, unanswered: Unanswered, notes: list[Note]) -> list[Call]:
    """The calls of an assistant's message, in order."""
    calls = []
    if message.get("tool_calls") is not None:
        items = checks.array(message["tool_calls"], f"{path}.tool_calls")
        calls = [_call(item, f"{path}.tool_calls[{index}]", unanswered, notes) for index, item in enumerate(items)]
    if message.get("function_call") is None:
        return calls
    place = f"{path}.function_call"
    call = _function(checks.obj(message["function_call"], place), place, place, notes)
    same = next((one for one in calls if (one.name, one.arguments) == (call.name, call.arguments)), None)
    if same is None:
        calls.append(call)
    else:  # some clients send a call in both forms
        notes.append(Note("equivalent", "messages.function_call", place))
    unanswered.add(same or call)
    return calls


def _call(item: Any, path: str, unanswered: Unanswered, notes: list[Note]) -> Call:
    item = checks.obj(item, path)
    if item.get("id") is None:
        raise checks.missing(f"{path}.id", "a result finds its call by it.")
    number = checks.string(item["id"], f"{path}.id")
    if not number:
        number = path
        unanswered.wait(number)
    kind = "function" if item.get("type") is None else checks.string(item["type"], f"{path}.type")
    if kind not in ("function", "custom"):
        raise checks.invalid(f"{path}.type", "must be 'function' or 'custom'.")
    rest.tell(item, path, _READ | {kind}, "messages", notes, _SILENT)
    inner = f"{path}.{kind}"
    given = checks.obj(item.get(kind), inner)
    if kind == "function":
        return _function(given, inner, number, notes)
    notes.append(Note("adapted", "messages.custom_call", path))
    return _custom(given, inner, number, notes)


def _function(given: dict[str, Any], path: str, number: str, notes: list[Note]) -> Call:
    rest.tell(given, path, _READ_FUNCTION, "messages", notes, _SILENT)
    return Call(number, _name(given, path), _arguments(given.get("arguments"), f"{path}.arguments"))


def _custom(given: dict[str, Any], path: str, number: str, notes: list[Note]) -> Call:
    """A tool whose argument is plain text: GigaChat knows functions only, whose arguments are objects."""
    rest.tell(given, path, _READ_CUSTOM, "messages", notes)
    return Call(number, _name(given, path), {"input": checks.string(given.get("input"), f"{path}.input")})


def _name(given: dict[str, Any], path: str) -> str:
    if given.get("name") is None:
        raise checks.missing(f"{path}.name", "say which function was called.")
    if not checks.string(given["name"], f"{path}.name"):
        raise checks.invalid(f"{path}.name", "is empty: say which function was called.")
    return str(given["name"])


def _arguments(value: Any, path: str) -> dict[str, Any]:
    if value is None or value == []:  # PHP's {}
        return {}
    if isinstance(value, dict):  # some clients send the object itself
        return value
    if not isinstance(value, str):
        raise checks.wrong(path, "a string with a JSON object", value)
    if not value.strip():
        return {}
    try:
        found = exact.loads(value)
    except orjson.JSONDecodeError:
        raise checks.invalid(path, "must be a string with a JSON object, and this is not JSON.") from None
    if found is None or found == []:
        return {}
    if not isinstance(found, dict):
        raise checks.wrong(path, "a string with a JSON object", found)
    return found


def write(call: Call) -> dict[str, Any]:
    """A call as an entry of `tool_calls`."""
    return {"id": call.id, "type": "function", "function": write_function(call)}


def write_function(call: Call) -> dict[str, str]:
    """A call as the older `function_call`."""
    return {"name": call.name, "arguments": write_arguments(call)}


def write_arguments(call: Call) -> str:
    """The arguments as compact JSON, Cyrillic as it is."""
    return exact.dumps(call.arguments).decode()
