"""Chooses the function that the model calls and its arguments, and applies the faults of calls.

- `function_call: {"name": ...}`: that function is always called
- `auto`: the functions that the directive `sandbox:call` names are called, one per answer. Without this directive, and
  without `say` and `long`, those are called whose names are words of the last user message, in that order. Then the
  model answers with text
- `none`: no function is called

Only functions of the request are called. The built-in functions are not supported.

Source: docs/gigachat-api.md, "POST /chat/completions", "Streams of v1", "Function results", "Functions" and
"Uncertain".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import orjson

from app.sandbox.answers import Answer, FunctionCall, split_phrases
from app.sandbox.directives import Directives, WantedCall
from app.sandbox.values import invent


def choose_call(body: Mapping[str, Any], directives: Directives, default: str) -> FunctionCall | None:
    """The next call for a valid request; None for a text. `default`: the choice if `function_call` is missing."""
    schemas = {one["name"]: one["parameters"] for one in body.get("functions") or () if "parameters" in one}
    choice = body.get("function_call", default)
    if not schemas or choice == "none" or directives.finish not in (None, "stop"):
        return None
    if isinstance(choice, dict):
        name = choice["name"]
        arguments_of_name = (one.arguments for one in directives.calls if one.name == name)
        wanted = WantedCall(name, next(arguments_of_name, None)) if name in schemas else None
    else:
        made = _count_made(body["messages"])
        wanted = next(islice(_plan_calls(schemas, directives), made, None), None)
    if wanted is None:
        return None
    arguments = wanted.arguments if wanted.arguments is not None else invent(schemas[wanted.name])
    return FunctionCall(wanted.name, arguments, None)


def _plan_calls(schemas: Mapping[str, Any], directives: Directives) -> Iterator[WantedCall]:
    """All calls that the last user message requests, in order."""
    if directives.calls:
        yield from (one for one in directives.calls if one.name in schemas)
    elif not directives.determines_text:
        positions = {name: _find_word(name, directives.said) for name in schemas}
        named = sorted((position, name) for name, position in positions.items() if position is not None)
        yield from (WantedCall(name) for _, name in named)


def _find_word(name: str, text: str) -> int | None:
    if name not in text:
        return None
    found = re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", text)
    return found.start() if found else None


def _count_made(messages: Sequence[Mapping[str, Any]]) -> int:
    """The number of calls that the model has made since the last user message."""
    made = 0
    for message in reversed(messages):
        if message["role"] == "user":
            break
        made += "function_call" in message
    return made


CallFault = Callable[[Answer, FunctionCall, Mapping[str, Any]], Answer]


def _change_call(said: Answer, call: FunctionCall, **changes: Any) -> Answer:
    return replace(said, call=replace(call, **changes))


def _fail_call(said: Answer, call: FunctionCall, values: Mapping[str, Any]) -> Answer:
    if values["shown"]:
        return replace(said, finish="error")
    return replace(said, finish="error", call=None, spent=orjson.dumps(call.as_json).decode())


def _leak_call(said: Answer, call: FunctionCall, values: Mapping[str, Any]) -> Answer:
    """The call as a model writes it by mistake. Values that are no strings are written as JSON."""
    written = {
        key: value if isinstance(value, str) else orjson.dumps(value).decode()
        for key, value in (call.arguments.items() if isinstance(call.arguments, Mapping) else ())
    }
    form = values["form"]
    if form in ("json", "mark"):
        inner = orjson.dumps(call.as_json).decode()
        text = f"<|tool_call|>{inner}" if form == "mark" else f"<tool_call>\n{inner}\n</tool_call>"
    else:
        outer, invoke, parameter, name = _LEAKED_TAGS.get(form, _LEAKED_TAGS["invoke"])
        inner = "".join(f'<{parameter} {name}="{key}">{value}</{parameter}>\n' for key, value in written.items())
        text = f'<{outer}>\n<{invoke} {name}="{call.name}">\n{inner}</{invoke}>\n</{outer}>'
    text = f"```xml\n{text}\n```" if form == "fenced" else text
    return replace(said, phrases=(*said.phrases, *split_phrases(text)), call=None, finish=values["finish"])


_LEAKED_TAGS = {
    "invoke": ("tool_calls", "invoke", "parameter", "name"),
    "cyrillic": ("вызовы_инструментов", "вызов", "параметр", "имя"),
    "arabic": ("استدعاءات", "استدعاء", "معلمة", "اسم"),
}

# The faults of a call, in the order in which they are applied.
CALL_FAULTS: dict[str, CallFault] = {
    "call_stranger": lambda said, call, values: _change_call(said, call, name=values["name"]),
    "call_unfit": lambda said, call, values: _change_call(said, call, arguments=values["arguments"]),
    "call_text": lambda said, call, _: _change_call(said, call, arguments=orjson.dumps(call.arguments).decode()),
    "call_broken": lambda said, call, values: _change_call(said, call, arguments=values["text"]),
    "call_after_text": lambda said, _, values: replace(said, phrases=split_phrases(values["text"])),
    "no_state": lambda said, call, _: _change_call(said, call, state=None),
    "call_leaked": _leak_call,
    "call_missing": lambda said, _, __: replace(said, call=None),
    "call_error": _fail_call,
}

# Faults of a call that only a stream can have.
STREAM_CALL_FAULTS: dict[str, CallFault] = {
    "call_bare": lambda said, call, _: _change_call(said, call, bare=True),
    "call_apart": lambda said, call, _: _change_call(said, call, apart=True),
    "call_pieces": lambda said, call, values: _change_call(said, call, cutting=values),
}
