"""Dates as answers bear them, and bodies with a bound."""

from __future__ import annotations

import aiohttp
import pytest

from app.upstream.reading import parse_http_date, read_at_most
from tests.upstream.conftest import Bare

NOON = 1_704_110_400.0


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Mon, 01 Jan 2024 12:00:00 GMT", NOON),
        ("Mon, 01 Jan 2024 15:00:00 +0300", NOON),
        ("Mon, 01 Jan 2024 12:00:00 -0000", NOON),
        ("Mon, 01 Jan 2024 12:00:00", NOON),
        ("Mon, 01 Jan 99999999999999999999 12:00:00 GMT", None),
        ("Mon, 01 Jan 2024 12:00:00 +9999999999", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_dates(date: str | None, seconds: float | None) -> None:
    """An HTTP date is a moment in UTC, wherever this machine thinks it is; anything else is none, never an error."""
    assert parse_http_date(date) == seconds


@pytest.mark.parametrize(("most", "kept"), [(100, b"one two"), (7, b"one two"), (5, b"one t"), (3, b"one")])
async def test_a_body_with_a_bound(http: aiohttp.ClientSession, bare: Bare, most: int, kept: bytes) -> None:
    """A body that comes in pieces is read to its end, but no more of it is kept than was allowed."""
    bare.answers = [[b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", b"one ", b"two"]]
    async with http.get(bare.url) as response:
        assert await read_at_most(response, most) == kept
