"""Payloads as bytes, and what has no JSON."""

from __future__ import annotations

import pytest

from app.errors import GatewayError
from app.exchange.payload import encoded


def test_a_payload_is_compact_utf8() -> None:
    """Cyrillic as it is, no spaces."""
    assert encoded({"a": "Да"}) == '{"a":"Да"}'.encode()


def test_the_field_without_json_is_named() -> None:
    """A number of more than 64 bits, or a nesting too deep, is the client's error."""
    nested: list[object] = []
    for _ in range(2000):
        nested = [nested]
    for value in (2**70, nested):
        with pytest.raises(GatewayError) as caught:
            encoded({"model": "m", "flags": value})
        assert (caught.value.row.status, caught.value.param) == (400, "flags")
