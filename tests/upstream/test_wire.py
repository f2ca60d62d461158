"""Dates as answers bear them, bodies with a bound, bugs that are told."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from app.upstream.wire import beginning, moment, survived, unpooled
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
def test_moment(date: str | None, seconds: float | None) -> None:
    """An HTTP date is a moment in UTC, wherever this machine thinks it is; anything else is none, never an error."""
    assert moment(date) == seconds


@pytest.mark.parametrize(("most", "kept"), [(100, b"one two"), (7, b"one two"), (5, b"one t"), (3, b"one")])
async def test_beginning(http: aiohttp.ClientSession, bare: Bare, most: int, kept: bytes) -> None:
    """A body that comes in pieces is read to its end, but no more of it is kept than was allowed."""
    bare.answers = [[b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", b"one ", b"two"]]
    async with http.get(bare.url) as response:
        assert await beginning(response, most) == kept


async def test_a_bug_is_told() -> None:
    """The loop's handler hears of the bug with its traceback, and of what was being done."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    fault = RuntimeError("a bug")
    survived(fault, "nothing came of it")
    assert told[0]["exception"] is fault
    assert "nothing came of it" in told[0]["message"]


def test_unpooled() -> None:
    """The name that marks a connection as not to be reused is the host's own, so that TLS checks the same name."""
    assert unpooled("https://api.giga.chat:443/v1/chat/completions") == "api.giga.chat"
