"""Ways to cut a call into several deltas of a stream, for the fault `call_pieces`.

Source: docs/gigachat-api.md, "Streaming": a call is documented in one delta only; other APIs cut it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

Delta = dict[str, Any]
_REPEATS = 3


def cut_call(call: Delta, state: str | None, values: Mapping[str, Any]) -> list[Delta]:
    """The deltas of a call, by the fault's values: `how` it is cut, `size` of a piece, where the `state` stands."""
    cut = WAYS[values["how"]] if isinstance(call["arguments"], dict) or values["how"] not in _OF_OBJECTS else _repeated
    deltas: list[Delta] = [{"function_call": piece} for piece in cut(call, max(1, values["size"]))]
    if state is None:
        return deltas
    at = values["state"]
    if at == "apart":
        return [*deltas, {"content": "", "functions_state_id": state}]
    told = {"first": deltas[:1], "last": deltas[-1:]}.get(at, deltas)
    for delta in told:
        delta["functions_state_id"] = state
    return deltas


def _text(call: Delta) -> str:
    given = call["arguments"]
    return given if isinstance(given, str) else orjson.dumps(given).decode()


def _slices(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def _string(call: Delta, size: int) -> Iterator[Delta]:
    first, *others = _slices(_text(call), size)
    yield {"name": call["name"], "arguments": first}
    yield from ({"arguments": piece} for piece in others)


def _named(call: Delta, size: int) -> Iterator[Delta]:
    return ({"name": call["name"], "arguments": piece} for piece in _slices(_text(call), size))


def _name_first(call: Delta, size: int) -> Iterator[Delta]:
    yield {"name": call["name"], "arguments": ""}
    yield from ({"name": None, "arguments": piece} for piece in _slices(_text(call), size))


def _name_in_pieces(call: Delta, size: int) -> Iterator[Delta]:
    yield from ({"name": piece} for piece in _slices(call["name"], size))
    yield {"arguments": call["arguments"]}


def _repeated(call: Delta, _: int) -> Iterator[Delta]:
    return (dict(call) for _ in range(_REPEATS))


def _growing(call: Delta, _: int) -> Iterator[Delta]:
    names = list(call["arguments"])
    for count in range(len(names) + 1):
        grown = {name: call["arguments"][name] for name in names[:count]}
        yield {"name": call["name"], "arguments": grown}


def _growing_string(call: Delta, size: int) -> Iterator[Delta]:
    text = _text(call)
    for end in range(size, len(text) + size, size):
        yield {"name": call["name"], "arguments": text[:end]}


def _by_argument(call: Delta, _: int) -> Iterator[Delta]:
    pieces = [{name: value} for name, value in call["arguments"].items()] or [{}]
    yield {"name": call["name"], "arguments": pieces[0]}
    yield from ({"arguments": piece} for piece in pieces[1:])


WAYS: Mapping[str, Callable[[Delta, int], Iterator[Delta]]] = {
    "string": _string,
    "named": _named,
    "name_first": _name_first,
    "name_in_pieces": _name_in_pieces,
    "repeated": _repeated,
    "growing": _growing,
    "growing_string": _growing_string,
    "by_argument": _by_argument,
}
_OF_OBJECTS = ("growing", "by_argument")  # arguments in a string have no keys: another fault made them so
STATES = ("first", "last", "each", "apart")
