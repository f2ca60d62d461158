"""A call in several deltas is one call, whole, however it was cut."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import sse
from app.sandbox.call_deltas import STATES, WAYS, cut_call
from app.translate.dialogue import Begin, Call, Delta, End, Event, Failed, Request, Sampling, Tool
from app.translate.gigachat.call_ids import make_call_id
from app.translate.gigachat.v1.calls import CallReader
from app.translate.gigachat.v1.stream_reader import StreamReader
from tests.examples import examples

STATE = "7f1d2c3a-1111-4222-8333-944445555666"
REQUEST = Request(
    "m", [], Sampling(), tools=[Tool(name, None, {"type": "object"}, "tools[0]") for name in ("f", "fog")]
)
F: dict[str, Any] = {"name": "f", "arguments": {"city": "Омск", "days": [1, 2], "deep": {"a": {"a": 1}}}}


def read(*deltas: dict[str, Any], finish: str = "function_call", together: bool = False) -> list[Event]:
    """All events of a stream of these deltas, the finish with the last one or behind it."""
    choices: list[dict[str, Any]] = [{"delta": delta} for delta in deltas]
    if together:
        choices[-1]["finish_reason"] = finish
    else:
        choices.append({"delta": {"content": ""}, "finish_reason": finish})
    bodies = [orjson.dumps({"choices": [choice], "model": "m", "created": 1}) for choice in choices]
    reader = StreamReader(CallReader(REQUEST, "s"))
    data = b"".join(map(sse.encode, (*bodies, sse.DONE)))
    return [*reader.feed(data), *reader.finish()]


def called(*functions: dict[str, Any], **more: Any) -> list[Any]:
    """The parts of a stream of these pieces of calls."""
    return [
        event.part for event in read(*({"function_call": one} for one in functions), **more) if type(event) is Delta
    ]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("together", [False, True])
def test_every_cutting_gives_one_call(how: str, state: str, together: bool) -> None:
    """The same name, arguments and id as the whole call has; it comes behind its beginning and before the end."""
    for size in (1, 2, 3, 5, 8, 13, 100):
        deltas = cut_call(F, STATE, {"how": how, "size": size, "state": state})
        begin, call, end = read(*deltas, together=together)
        assert begin == Begin("m", 1, called=True)
        assert call == Delta(0, Call(make_call_id(STATE, 0, "s"), "f", F["arguments"], STATE)), size
        assert end == End("calls", "function_call", None)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text('aя{}"\\🚀\u2028', max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab{", max_size=2), inner, max_size=2),
    max_leaves=6,
)


@examples(max_examples=200)
@given(
    st.dictionaries(st.text('ab{"', max_size=3), VALUES, max_size=4),
    st.sampled_from(["string", "named", "name_first", "repeated", "growing_string", "growing", "by_argument"]),
    st.integers(1, 12),
    st.booleans(),
)
def test_any_arguments_in_any_cutting(arguments: dict[str, Any], how: str, size: int, doubled: bool) -> None:
    """Braces in keys and values, empty objects, JSON in JSON."""
    given_ = json.dumps(json.dumps(arguments)) if doubled and how not in ("growing", "by_argument") else arguments
    deltas = cut_call({"name": "f", "arguments": given_}, None, {"how": how, "size": size, "state": "first"})
    parts = [event.part for event in read(*deltas) if type(event) is Delta]
    assert [part.arguments for part in parts if isinstance(part, Call)] == [arguments]


# pieces of calls -> names and arguments of the calls that come
ORDERS: dict[str, tuple[list[dict[str, Any]], list[tuple[str, dict[str, Any]]]]] = {
    "two functions": ([{"name": "f", "arguments": {"a": 1}}, {"name": "g"}], [("f", {"a": 1}), ("g", {})]),
    "one function twice": (
        [{"name": "f", "arguments": {"a": 1}}, {"name": "f", "arguments": {"a": 2}}],
        [("f", {"a": 1}), ("f", {"a": 2})],
    ),
    "twice, in strings": (
        [{"name": "f", "arguments": '{"a":1}'}, {"name": "f", "arguments": '{"a":2}'}],
        [("f", {"a": 1}), ("f", {"a": 2})],
    ),
    "twice, with ids": (
        [{"name": "f", "id": "1", "arguments": {"a": 1}}, {"name": "f", "id": "2", "arguments": {"b": 1}}],
        [("f", {"a": 1}), ("f", {"b": 1})],
    ),
    "a name of which another one begins": ([{"name": "f"}, {"name": "fog", "arguments": {}}], [("f", {}), ("fog", {})]),
    "pieces, then the whole": (
        [{"name": "f", "arguments": '{"a"'}, {"arguments": ":1}"}, {"name": "f", "arguments": {"a": 1}}],
        [("f", {"a": 1})],
    ),
    "an empty object, then a string": ([{"name": "f", "arguments": {}}, {"arguments": '{"a":1}'}], [("f", {"a": 1})]),
    "a number that grows": (
        [{"name": "f", "arguments": {"a": 1}}, {"name": "f", "arguments": {"a": 12}}],
        [("f", {"a": 12})],
    ),
    "arguments before the name": ([{"arguments": '{"a":'}, {"name": "f", "arguments": "1}"}], [("f", {"a": 1})]),
    "a string that looks like growing": (
        [{"name": "f", "arguments": '{"a":'}, {"arguments": '{"a":1}'}, {"arguments": "}"}],
        [("f", {"a": {"a": 1}})],
    ),
    "nulls": ([{"name": "f", "arguments": None}, {"name": None, "arguments": None}], [("f", {})]),
}


@pytest.mark.parametrize("pieces", ORDERS)
def test_what_is_one_call(pieces: str) -> None:
    """And what are two, which v1 does not give today."""
    given_, expected = ORDERS[pieces]
    parts = called(*given_)
    assert [(part.name, part.arguments) for part in parts] == expected
    assert len({part.id for part in parts}) == len(parts)


BROKEN: list[list[dict[str, Any]]] = [
    [{"name": "f", "arguments": '{"a":'}, {"arguments": "1"}],
    [{"name": "f", "arguments": '{"a":1}'}, {"arguments": "]"}],
    [{"arguments": "{"}, {"arguments": "}"}],
    [{"name": "f", "arguments": 5}],
    [{"name": "f", "arguments": ["a"]}],
]


@pytest.mark.parametrize("pieces", BROKEN)
def test_what_is_no_call_is_a_failed_generation(pieces: list[dict[str, Any]]) -> None:
    """No half of it comes."""
    assert read(*({"function_call": piece} for piece in pieces))[1:] == [Failed("generation", "")]


def test_a_call_that_breaks_off_does_not_come() -> None:
    """The stream ends without a finish: nobody knows whether the arguments were whole."""
    reader = StreamReader(CallReader(REQUEST, "s"))
    body = {"choices": [{"delta": {"function_call": {"name": "f", "arguments": {"a": 1}}}}]}
    assert [type(event) for event in reader.feed(sse.encode(orjson.dumps(body)))] == [Begin]
    assert reader.finish() == [Failed("truncated", "")]


def test_pieces_are_bounded() -> None:
    """A call that never ends is a failure; one that is repeated, or grows, is kept once."""
    text = json.dumps({"a": "x" * 1000})

    def last(*arguments: str) -> Event:
        reader = StreamReader(CallReader(REQUEST, "s"), max_call_bytes=5000)
        deltas = ({"function_call": {"name": "f", "arguments": one}} for one in arguments)
        bodies = [orjson.dumps({"choices": [{"delta": delta}]}) for delta in deltas]
        return [*reader.feed(b"".join(map(sse.encode, (*bodies, sse.DONE)))), *reader.finish()][-1]

    assert isinstance(last('{"a":"', *["x" * 1000] * 20), Failed)
    assert isinstance(last(*[text] * 20), End)
    assert isinstance(last(*(text[:end] for end in range(1, len(text) + 1))), End)


GROWTHS: dict[str, Callable[[int], dict[str, Any]]] = {
    "a key in each": lambda number: {"arguments": {f"k{number}": 1}},
    "a key in each, named": lambda number: {"name": "f", "arguments": {f"k{number}": 1}},
    "a whole object in each": lambda number: {"name": "f", "arguments": json.dumps({f"k{number}": 1})},
    "openings": lambda _: {"name": "f", "arguments": "{"},
    "names": lambda number: {"name": f"n{number}"},
}


@pytest.mark.parametrize("piece", GROWTHS.values(), ids=GROWTHS)
@pytest.mark.parametrize("finish", [None, "function_call"])
def test_a_delta_costs_no_more_than_its_size(piece: Callable[[int], dict[str, Any]], finish: str | None) -> None:
    """However many have come before it, each with a finish reason or none."""
    choices = ({"delta": {"function_call": piece(number)}, "finish_reason": finish} for number in range(40_000))
    data = b"".join(sse.encode(orjson.dumps({"choices": [choice]})) for choice in choices)
    reader = StreamReader(CallReader(REQUEST, "s"))
    began = time.process_time()
    for at in range(0, len(data), 64 * 1024):
        reader.feed(data[at : at + 64 * 1024])
    assert time.process_time() - began < 5
