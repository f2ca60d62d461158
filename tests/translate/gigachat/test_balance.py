"""GigaChat's balance is read as documented; what is no balance is none."""

from __future__ import annotations

import pytest

from app.translate.gigachat.balance import read


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"balance":[{"usage":"GigaChat","value":900000},{"usage":"embeddings","value":0}]}', None),
        (b'{"balance":[{"usage":"GigaChat","value":1.5,"more":1}],"more":1}', [("GigaChat", 1.5)]),
        (b'{"balance":[{"usage":"","value":1},{"usage":"a","value":-3}]}', [("a", -3.0)]),
        (b'{"balance":[]}', []),
    ],
)
def test_read(data: bytes, expected: list[tuple[str, float]] | None) -> None:
    """Names and numbers, in their order; unknown fields are passed over."""
    assert read(data) == (expected if expected is not None else [("GigaChat", 900_000.0), ("embeddings", 0.0)])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"status":200}',
        b'{"balance":null}',
        b'{"balance":["x"]}',
        b'{"balance":[{"usage":"GigaChat"}]}',
        b'{"balance":[{"usage":"GigaChat","value":"1"}]}',
        b'{"balance":[{"usage":"GigaChat","value":true}]}',
        b'{"balance":[{"usage":"GigaChat","value":null}]}',
    ],
)
def test_no_balance(data: bytes) -> None:
    """Nothing is shown for an answer that is none: a wrong number would be believed."""
    assert read(data) is None
