"""The marks of JSON: what they weigh, and which of them stand in texts, however a body is cut into pieces."""

from __future__ import annotations

import json
import time
from random import Random
from typing import Any

import orjson
import pytest

from app.admission.marks import MAX_VALUES, MarkCounter, Marks, count_all

MIB = 1024 * 1024


def outside(body: bytes, step: int = 2**30) -> Marks:
    """The marks outside of texts."""
    counter = MarkCounter()
    for at in range(0, len(body), step):
        counter.feed(body[at : at + step])
    return counter.found


def test_weights() -> None:
    """What is no text weighs by its kind."""
    empty = count_all(b'{"x":[]}').weight
    assert count_all(b'{"x":[[],[]]}').weight - empty == 2 * 70 + 40
    assert count_all(b'{"x":[{},{}]}').weight - empty == 2 * 300 + 40
    assert count_all(b'{"x":["a","b"]}').weight - empty == 4 * 36 + 40
    assert count_all(b"1 true null").weight == 0


def test_too_many() -> None:
    """By either way of counting."""
    for count in (count_all, outside):
        assert not count(b"[" + b"1," * MAX_VALUES + b"1]").are_too_many
        assert count(b"[" + b"1," * (MAX_VALUES + 1) + b"1]").are_too_many
        assert count(b"[" * (MAX_VALUES + 1)).are_too_many
        assert count(b'{"a":' * (MAX_VALUES + 1)).are_too_many
        assert count(b'""' * 5 * MAX_VALUES).are_too_many  # no JSON: its end comes soon


# a text as JSON has it -> marks that it must not add
TEXTS = {
    "commas": b"a,b,c",
    "brackets": b"[{[{",
    "an escaped quote": b'a\\",{',
    "a backslash": b"a\\\\",
    "a backslash and an escaped quote": b'\\\\\\",[',
    "an escaped letter": b"\\u0022,\\u002c",
    "many backslashes": b"\\\\" * 40 + b'\\",',
    "not ASCII": "я,😀,".encode(),
    "nothing": b"",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_marks_in_texts(text: bytes) -> None:
    """They are no values, neither in keys nor in values, wherever the pieces are cut."""
    body = b'{"%b":["%b","%b"],"x":{}}' % (text, text, text)
    assert json.loads(body)
    for step in range(1, len(body) + 1):
        assert outside(body, step) == Marks(braces=2, lists=1, quotes=8, commas=2), step


def marks_of(value: Any) -> Marks:
    """The marks that a value needs."""
    if isinstance(value, str):
        return Marks(quotes=2)
    if not isinstance(value, dict | list):
        return Marks()
    found = Marks(braces=isinstance(value, dict), lists=isinstance(value, list), commas=max(0, len(value) - 1))
    for one in [*value, *value.values()] if isinstance(value, dict) else value:
        found = found.plus(marks_of(one))
    return found


def test_any_json() -> None:
    """What is counted in the bytes is what was written."""
    chance = Random(4)

    def text() -> str:
        return "".join(chance.choices('\\"{[,:a\n\tя', k=chance.randrange(9)))

    def value(depth: int) -> Any:
        kind = chance.randrange(5 if depth else 3)
        if kind == 3:
            return [value(depth - 1) for _ in range(chance.randrange(4))]
        if kind == 4:
            return {text(): value(depth - 1) for _ in range(chance.randrange(4))}
        return [text(), 1.5, None][kind]

    for _ in range(500):
        written = [value(4)]
        for body in (orjson.dumps(written), json.dumps(written, indent=1).encode()):
            assert outside(body, chance.randrange(1, 40)) == marks_of(written), body


ENDLESS = {
    "commas in a text": b'{"a":"' + b"," * 60 * MIB,
    "escaped quotes": b'{"a":"' + b'\\",{' * 15 * MIB,
    "backslashes": b'{"a":"' + b"\\" * 60 * MIB,
    "rows of a table": b"[" + (b'"' + b"a,b,1.5,c" * 500 + b'",') * 14_000,
}


@pytest.mark.long
@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_a_large_body(body: bytes) -> None:
    """60 MB take less than a second, a piece of 256 KB a few milliseconds."""
    begun = time.perf_counter()
    assert not outside(body, 256 * 1024).are_too_many
    assert time.perf_counter() - begun < 3
