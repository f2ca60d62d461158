"""Calls of functions in OpenAI's words: those of a conversation read, those of an answer written.

Sources: OpenAI's API reference (chat): `tool_calls` and the older `function_call`, whose arguments are JSON in a
string. Clients that keep their history in another shape send it flat (LangChain, the Responses API), with an object of
arguments (Ollama), or under their own keys; what a call lacks is left empty here, and the contract decides. A call is
always past: a message of the assistant's holds it.
"""

from __future__ import annotations

from typing import Any

from app.translate import big_integers, call_arguments
from app.translate.dialogue import Call
from app.translate.openai import checks
from app.translate.openai.reading import Reading

_HOLDERS = ("function", "custom", "functionCall", "function_call")
_FREE_TEXT = "custom_tool_call"  # of the Responses API: its input is no JSON
# An item of the Responses API has an id of its own beside the call's, by which its result is found.
_IDS = ("call_id", "toolCallId", "tool_call_id", "toolUseId", "id")
_NAMES = ("name", "toolName", "tool_name")
_ARGUMENTS = ("arguments", "args", "input", "parameters")
# An index is a stream's, and says nothing here; a type and the same arguments once more neither.
_READ = frozenset({*_IDS, "type", "index", "parsed_arguments", "partial_json"})
_READ_INNER = _READ | {*_NAMES, *_ARGUMENTS, "function"}


def read_id(given: dict[str, Any], keys: tuple[str, ...] = _IDS) -> str:
    """The id of a call, as a string; empty where there is none."""
    value = next((given[key] for key in keys if given.get(key) not in (None, "")), None)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def find_first(given: dict[str, Any], keys: tuple[str, ...]) -> Any:
    """The value of the first key that is there; None where none is."""
    return next((given[key] for key in keys if given.get(key) is not None), None)


def read(message: dict[str, Any], path: str, reading: Reading) -> list[Call]:
    """The calls of an assistant's message, in order."""
    calls = []
    for where, item in _list(message.get("tool_calls"), f"{path}.tool_calls", reading):
        if isinstance(item, dict):
            calls.append(read_one(item, where, reading))
        else:
            reading.note("dropped", "messages.tool_calls", where)
    older, place = message.get("function_call"), f"{path}.function_call"
    if isinstance(older, dict):
        _add_older(read_one(older, place, reading), calls, place, reading)
    elif older is not None:
        reading.note("dropped", "messages.function_call", place)
    return calls


def read_one(item: dict[str, Any], path: str, reading: Reading) -> Call:
    """One call, in the form of whichever client; what it lacks is empty."""
    if isinstance(item.get("function"), str) and item["function"].lstrip()[:1] == "{":  # written as JSON once more
        item = {**item, "function": call_arguments.read(item["function"])[0]}
    holder = next((key for key in _HOLDERS if isinstance(item.get(key), dict)), None)
    given, inner = (item, path) if holder is None else (item[holder], f"{path}.{holder}")
    name = _read_name(given)
    if holder is not None:
        reading.tell_unread(item, path, _READ | {holder, *(() if name else _NAMES)})
    reading.tell_unread(given, inner, _READ_INNER if holder is None else _READ_INNER - {"function"})
    key = next((key for key in _ARGUMENTS if given.get(key) is not None), _ARGUMENTS[0])
    if (holder == "custom" or item.get("type") == _FREE_TEXT) and isinstance(given.get(key), str):
        reading.note("adapted", "messages.custom_call", path)
        arguments = {"input": given[key]}
    else:
        arguments, rule = call_arguments.read(given.get(key))
        if rule is not None:
            reading.note("adapted", rule, f"{inner}.{key}")
    return Call(read_id(item) or read_id(given), name or _read_name(item), arguments)


def _read_name(given: dict[str, Any]) -> str:
    """The function's name, which may stand in the function's place; empty where there is none."""
    name = find_first(given, (*_NAMES, "function"))
    if isinstance(name, int) and not isinstance(name, bool):
        return str(name)
    return name if isinstance(name, str) and name.strip() else ""


def _add_older(call: Call, calls: list[Call], path: str, reading: Reading) -> None:
    """Add a call in the older form, unless it is one that stands there already: some clients send both forms."""
    if any(one.name == call.name and checks.same(one.arguments, call.arguments) for one in calls):
        reading.note("equivalent", "messages.function_call", path)
    else:
        calls.append(call)


def _list(given: Any, path: str, reading: Reading) -> list[tuple[str, Any]]:
    """The entries with their paths; one that stands there by itself counts as a list, and so does PHP's object."""
    if not given:
        return []
    if isinstance(given, list):
        return [(f"{path}[{index}]", item) for index, item in enumerate(given)]
    if not isinstance(given, dict):
        reading.note("dropped", "messages.tool_calls", path)
        return []
    if all(key.isdecimal() for key in given):
        return [(f"{path}.{checks.shown(key)}", item) for key, item in given.items()]
    return [(path, given)]


def write(call: Call) -> dict[str, Any]:
    """A call as an entry of `tool_calls`."""
    return {"id": call.id, "type": "function", "function": write_function(call)}


def write_function(call: Call) -> dict[str, str]:
    """A call as the older `function_call`."""
    return {"name": call.name, "arguments": write_arguments(call)}


def write_arguments(call: Call) -> str:
    """The arguments as compact JSON, Cyrillic as it is."""
    return big_integers.dumps(call.arguments).decode()
