"""JSON with whole numbers of more than 64 bits."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.translate import big_integers

ACCOUNT = 40817810099910004312


@pytest.mark.parametrize("number", [ACCOUNT, -ACCOUNT, 2**64, 2**64 - 1, -(2**63) - 1, 10**300])
def test_no_digit_is_lost(number: int) -> None:
    """In bytes, in text, and back."""
    text = f'{{"n":[{number}]}}'
    assert big_integers.loads(text) == big_integers.loads(text.encode()) == {"n": [number]}
    assert big_integers.dumps({"n": [number]}) == text.encode()


@pytest.mark.parametrize("text", ['{"a":"12345678901234567890 ф","b":0.12345678901234567890123}', "[1,2.5,null]", "5"])
def test_all_else_is_as_orjson_has_it(text: str) -> None:
    """Long runs of digits in strings and fractions change nothing."""
    assert big_integers.loads(text) == orjson.loads(text)
    assert big_integers.dumps(big_integers.loads(text)) == orjson.dumps(orjson.loads(text))


@pytest.mark.parametrize("text", ["", "{", "[NaN]", "[12345678901234567890, NaN]", "[1e999, 12345678901234567890]"])
def test_what_is_no_json_is_refused(text: str) -> None:
    """As orjson refuses it, whatever Python's json would take."""
    with pytest.raises(orjson.JSONDecodeError):
        big_integers.loads(text)


def test_beyond_all_measure_it_is_a_float() -> None:
    """Python reads no number of thousands of digits, nor so many levels: nothing fails of that."""
    deep = "[" * 1000 + str(ACCOUNT) + "]" * 1000
    found: Any = big_integers.loads(deep)
    while isinstance(found, list):
        (found,) = found
    assert found == pytest.approx(ACCOUNT)


def test_depth_and_half_characters_can_be_written() -> None:
    """What a lenient parser has let through."""
    nested: Any = []
    for _ in range(300):
        nested = [nested]
    assert big_integers.dumps(nested) == b"[" * 301 + b"]" * 301
    assert big_integers.dumps({"\ud800": 2**70}) == f'{{"?":{2**70}}}'.encode()
