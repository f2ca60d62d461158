"""Calls in several deltas: each way has all of the call in it, in more than one delta."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.sandbox.call_deltas import STATES, WAYS, cut_call

CALL: dict[str, Any] = {"name": "weather", "arguments": {"city": "Омск", "days": 3}}
# how -> the names and the arguments of its deltas
CUT: dict[str, list[tuple[Any, Any]]] = {
    "string": [("weather", '{"city":"О'), (None, 'мск","days'), (None, '":3}')],
    "named": [("weather", '{"city":"О'), ("weather", 'мск","days'), ("weather", '":3}')],
    "name_first": [("weather", ""), (None, '{"city":"О'), (None, 'мск","days'), (None, '":3}')],
    "name_in_pieces": [("weather", None), (None, CALL["arguments"])],
    "repeated": [("weather", CALL["arguments"])] * 3,
    "growing": [("weather", {}), ("weather", {"city": "Омск"}), ("weather", CALL["arguments"])],
    "growing_string": [
        ("weather", '{"city":"О'),
        ("weather", '{"city":"Омск","days'),
        ("weather", orjson.dumps(CALL["arguments"]).decode()),
    ],
    "by_argument": [("weather", {"city": "Омск"}), (None, {"days": 3})],
}


@pytest.mark.parametrize("how", WAYS)
def test_a_call_is_cut(how: str) -> None:
    """Names and arguments as they stand in the deltas."""
    found = [delta["function_call"] for delta in cut_call(CALL, None, {"how": how, "size": 10, "state": "first"})]
    assert [(one.get("name"), one.get("arguments")) for one in found] == CUT[how]


@pytest.mark.parametrize("state", STATES)
def test_where_the_state_stands(state: str) -> None:
    """In the first delta, in the last, in each, or in one of its own."""
    deltas = cut_call(CALL, "id", {"how": "string", "size": 10, "state": state})
    told = [delta.get("functions_state_id") for delta in deltas]
    expected = {"first": ["id", None, None], "last": [None, None, "id"], "each": ["id"] * 3}
    assert told == expected.get(state, [None, None, None, "id"])


def test_a_call_without_arguments_is_cut_too() -> None:
    """There is at least one delta of it."""
    for how in WAYS:
        assert cut_call({"name": "f", "arguments": {}}, None, {"how": how, "size": 1, "state": "first"})
