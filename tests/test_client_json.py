"""JSON for clients: no character that ends a line for anybody, and the same value for every parser."""

from __future__ import annotations

import json
from array import array

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import client_json
from tests.examples import examples

# text, its JSON
TEXTS: list[tuple[str, bytes]] = [
    ("plain", b'"plain"'),
    ("х — «да»", '"х — «да»"'.encode()),
    ("a\u2028b\u2029c\x85d", b'"a\\u2028b\\u2029c\\u0085d"'),
    ("Привет,\u2028мир", '"Привет,\\u2028мир"'.encode()),
    ("\\u2028", b'"\\\\u2028"'),
    ("\u2027\u202a\x84\x86", '"\u2027\u202a\x84\x86"'.encode()),
    ("\n\r\x0b\x0c\x1c\x1d\x1e", b'"\\n\\r\\u000b\\f\\u001c\\u001d\\u001e"'),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_what_ends_a_line_is_escaped(text: str, expected: bytes) -> None:
    """As a value, as a text, as a key."""
    assert client_json.dumps_text(text) == expected
    assert client_json.dumps(text) == expected
    assert client_json.dumps({text: [text]}) == b"{%b:[%b]}" % (expected, expected)


@examples(max_examples=200)
@given(st.text(st.sampled_from('aя—«х\n"\\🚀\x84\x85\xa0\u2027\u2028\u2029\u202a')))
def test_any_text_is_one_line_and_comes_back(text: str) -> None:
    """For readers of bytes and of text; JSON in a string of JSON alike, as arguments of calls are."""
    inner = client_json.dumps({"a": text}).decode()
    for value in (text, {"a": text}, inner, {"arguments": orjson.dumps({"a": text}).decode()}):
        data = client_json.dumps(value)
        assert len(data.splitlines()) == len(data.decode().splitlines()) == 1
        assert json.loads(data) == orjson.loads(data) == value
    assert client_json.dumps_text(text) == client_json.dumps(text)


def test_what_needs_no_escape_is_as_orjson_writes_it() -> None:
    """Vectors too, by the writer's own rule for them."""
    assert client_json.dumps({"embedding": array("d", [0.5])}, array.tolist) == b'{"embedding":[0.5]}'
    assert client_json.dumps({"a": "и — 🚀", "b": None}) == orjson.dumps({"a": "и — 🚀", "b": None})
