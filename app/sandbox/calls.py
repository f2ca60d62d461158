"""Function calls: which function the model calls, with which arguments, and the faults that spoil a call.

- forced, by `function_call: {"name": ...}`: that function, always
- `auto`: those that `sandbox:call` names, one an answer; without that directive (and without `say` and `long`) those
  whose names stand in the last user message, as words of their own, in that order; then there is text
- `none`: never

A function that the request does not have is not called; the built-in ones are not played.

Source: gigachat-api, sections 3.2, 4.1, 5.2, 5.4 and 9.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from app.sandbox.answers import Answer, FunctionCall, split
from app.sandbox.directives import WantedCall, Wishes
from app.sandbox.values import invent


def wanted_call(body: Mapping[str, Any], wishes: Wishes, default: str) -> FunctionCall | None:
    """The call that a valid request gets now; `default` is what a missing `function_call` means."""
    schemas = {one["name"]: one["parameters"] for one in body.get("functions") or () if "parameters" in one}
    choice = body.get("function_call", default)
    if not schemas or choice == "none" or wishes.finish not in (None, "stop"):
        return None
    if isinstance(choice, dict):
        name = choice["name"]
        given = (one.arguments for one in wishes.calls if one.name == name)
        wish = WantedCall(name, next(given, None)) if name in schemas else None
    else:
        made = _made(body["messages"])
        wish = next((one for place, one in enumerate(_plan(schemas, wishes)) if place == made), None)
    if wish is None:
        return None
    arguments = wish.arguments if wish.arguments is not None else invent(schemas[wish.name])
    return FunctionCall(wish.name, arguments, None)


def _plan(schemas: Mapping[str, Any], wishes: Wishes) -> Iterator[WantedCall]:
    """All calls that the last user message asks for."""
    if wishes.calls:
        yield from (one for one in wishes.calls if one.name in schemas)
    elif not wishes.worded:
        found = [(place, name) for name in schemas if (place := _place(name, wishes.said)) is not None]
        yield from (WantedCall(name) for _, name in sorted(found))


def _place(name: str, text: str) -> int | None:
    if name not in text:
        return None
    found = re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", text)
    return found.start() if found else None


def _made(messages: Sequence[Mapping[str, Any]]) -> int:
    """How many calls the model has made since the last user message."""
    made = 0
    for message in reversed(messages):
        if message["role"] == "user":
            break
        made += "function_call" in message
    return made


Spoil = Callable[[Answer, FunctionCall, Mapping[str, Any]], Answer]


def _with(said: Answer, call: FunctionCall, **changes: Any) -> Answer:
    return replace(said, call=replace(call, **changes))


def _failed(said: Answer, call: FunctionCall, values: Mapping[str, Any]) -> Answer:
    if values["shown"]:
        return replace(said, finish="error")
    return replace(said, finish="error", call=None, spent=orjson.dumps(call.shown).decode())


# The faults that spoil a call, whole and streamed, in the order in which they are applied.
SPOILS: Mapping[str, Spoil] = {
    "call_stranger": lambda said, call, values: _with(said, call, name=values["name"]),
    "call_unfit": lambda said, call, values: _with(said, call, arguments=values["arguments"]),
    "call_text": lambda said, call, _: _with(said, call, arguments=orjson.dumps(call.arguments).decode()),
    "call_broken": lambda said, call, values: _with(said, call, arguments=values["text"]),
    "call_after_text": lambda said, _, values: replace(said, phrases=split(values["text"])),
    "no_state": lambda said, call, _: _with(said, call, state=None),
    "call_error": _failed,
}

# The faults that only a stream can show.
STREAM_SPOILS: Mapping[str, Spoil] = {
    "call_bare": lambda said, call, _: _with(said, call, bare=True),
    "call_apart": lambda said, call, _: _with(said, call, apart=True),
}
