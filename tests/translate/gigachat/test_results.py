"""Results of functions, as GigaChat takes them: an object, in words that are the function's own."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.translate.dialogue import Result, Text
from app.translate.gigachat.results import NO_RESULT, as_object, content
from tests.examples import examples

# name, what the function gave, what GigaChat gets
RESULTS: list[tuple[str, str, str]] = [
    ("an object stays", '{"t": 5,  "u": [1]}', '{"t": 5,  "u": [1]}'),
    ("blanks around it", ' \n{"t":5}\n', '{"t":5}'),
    ("text", "Ясно, +5", '{"result":"Ясно, +5"}'),
    ("nothing", "", '{"result":""}'),
    ("a number", "5.0", '{"result":5.0}'),
    ("a large number", "123456789012345678901234567890", '{"result":123456789012345678901234567890}'),
    ("an array", '[1, {"a": "б"}]', '{"result":[1, {"a": "б"}]}'),
    ("true", "true", '{"result":true}'),
    ("null", "null", '{"result":null}'),
    ("a string", '"да"', '{"result":"да"}'),
    ("an empty string", '""', '{"result":""}'),
    ("a number in a string", '"42"', '{"result":"42"}'),
    ("no JSON", '{"a": 1', '{"result":"{\\"a\\": 1"}'),
    ("what Python prints", "{'a': None}", '{"result":"{\'a\': None}"}'),
    ("NaN", "NaN", '{"result":"NaN"}'),
    ("two objects", '{"a":1}\n{"b":2}', '{"result":"{\\"a\\":1}\\n{\\"b\\":2}"}'),
    ("an object in a string", json.dumps('{"a": "б"}'), '{"a": "б"}'),
    ("an object in a string in a string", json.dumps(json.dumps('{"a": 1}')), '{"a": 1}'),
    ("an object after blanks in a string", json.dumps(' \n{"a": "б"}'), '{"a": "б"}'),
    ("an array in a string", json.dumps("[1]"), '{"result":[1]}'),
    ("text in a string in a string", json.dumps(json.dumps("да")), '{"result":"да"}'),
    ("a string that looks like an object", json.dumps("{да}"), '{"result":"{да}"}'),
    ("escaped Cyrillic", json.dumps({"т": "Ясно 🌞\n"}), '{"т": "Ясно 🌞\\n"}'),
    (
        "escaped numbers stay",
        r'{"a": 1e2, "b": "\u0022\u005c\u0000\\u0041\u0041"}',
        r'{"a": 1e2, "b": "\u0022\u005c\u0000\\u0041A"}',
    ),
    ("half a character", r'{"a": "x\ud83dy", "b": "\ude00"}', '{"a": "x\ufffdy", "b": "\ufffd"}'),
    ("escapes in what is no JSON", r"C:\users\u0041", r'{"result":"C:\\users\\u0041"}'),
]


@pytest.mark.parametrize(("given_", "expected"), [row[1:] for row in RESULTS], ids=[row[0] for row in RESULTS])
def test_a_result_becomes_an_object(given_: str, expected: str) -> None:
    """What is an object stays word for word, the rest is wrapped, and Cyrillic is not escaped."""
    assert as_object(given_) == expected
    assert isinstance(orjson.loads(expected), dict)
    assert as_object(expected) == expected


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("no such city", '{"error":"no such city"}'),
        ("[1]", '{"error":[1]}'),
        ("", '{"error":""}'),
        ('{"code": 5}', '{"code": 5}'),
    ],
)
def test_an_error_is_told_as_one(given_: str, expected: str) -> None:
    """A call that failed gave no result; an object says itself what it is."""
    assert content(Result("1", "f", [Text(given_)], is_error=True)) == expected


def test_json_in_json_is_unwrapped_a_few_times() -> None:
    """What is wrapped deeper than anybody means stays a string."""
    text = "{}"
    for _ in range(9):
        text = json.dumps(text)
    assert isinstance(orjson.loads(as_object(text))["result"], str)


def test_parts_are_joined() -> None:
    """Several parts are one result, a line each; none are an empty one."""
    assert content(Result("1", None, [Text("a"), Text("b")])) == '{"result":"a\\nb"}'
    assert content(Result("1", None, [Text('{"a":'), Text("1}")])) == '{"a":\n1}'
    assert content(Result("1", None, [])) == '{"result":""}'
    assert orjson.loads(NO_RESULT) == {"error": "no result"}


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
BRANCHES = st.lists(LEAVES, max_size=3) | st.dictionaries(st.text(), LEAVES, max_size=3)
VALUES = LEAVES | BRANCHES | st.lists(BRANCHES, max_size=3) | st.dictionaries(st.text(), BRANCHES, max_size=3)


@examples()
@given(VALUES, st.booleans())
def test_any_value_keeps_its_meaning(value: object, escaped: bool) -> None:
    """Escaped or not, JSON says the same when it was made an object."""
    found = json.loads(as_object(json.dumps(value, ensure_ascii=escaped)))
    if isinstance(value, str):
        assert isinstance(found, dict)  # a string may hold JSON
    else:
        assert found == (value if isinstance(value, dict) else {"result": value})


@examples()
@given(st.text() | st.text('{}[]":,1\\ud83ef0'))
def test_any_text_becomes_an_object(text: str) -> None:
    """Whatever a function printed, GigaChat gets JSON."""
    assert isinstance(orjson.loads(as_object(text)), dict)


@pytest.mark.parametrize("depth", [900, 1022, 1023, 1024, 1025, 5000])
def test_deep_values_can_be_read(depth: int) -> None:
    """Wrapping makes nothing that is too deep for a reader."""
    assert isinstance(orjson.loads(as_object("[" * depth + "]" * depth)), dict)
    assert isinstance(orjson.loads(as_object('{"a":' * depth + "1" + "}" * depth)), dict)
    half = depth // 2
    assert isinstance(orjson.loads(as_object('[{"a":' * half + "1" + "}]" * half)), dict)
