"""Payloads as bytes, and what has no JSON."""

from __future__ import annotations

import pytest

from app.errors import GatewayError
from app.exchange.payload import encode
from app.translate.field_names import FieldNames


def test_a_payload_is_compact_utf8() -> None:
    """Cyrillic as it is, no spaces."""
    assert encode({"a": "Да"}, FieldNames()) == '{"a":"Да"}'.encode()


def test_the_field_without_json_is_named() -> None:
    """A nesting too deep is the client's error, long numbers in it or not."""
    nested: list[object] = [2**70]
    for _ in range(2000):
        nested = [nested]
    for value in (nested, [2**70, nested]):
        with pytest.raises(GatewayError) as caught:
            encode({"model": "m", "flags": value}, FieldNames())
        assert (caught.value.kind.status, caught.value.param) == (400, "flags")


def test_a_long_number_keeps_its_digits() -> None:
    """An account's number is an argument like others."""
    assert encode({"город": 2**70}, FieldNames()) == f'{{"город":{2**70}}}'.encode()
