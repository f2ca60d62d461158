"""Base64 and percent-encoding: what is taken, what is refused, and that nobody waits for it."""

from __future__ import annotations

import asyncio
import base64
import gc
import os
import time
from collections.abc import Awaitable
from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.media.failure import MediaError
from app.media.inline import BASE64_SLICE, PERCENT_SLICE, decode_base64, decode_percent
from tests.examples import examples

MEGABYTES = 54


# As they are, and of a few characters, so that every text is cut.
BASE64_SLICES = pytest.mark.parametrize("size", [BASE64_SLICE, 5])
PERCENT_SLICES = pytest.mark.parametrize("size", [PERCENT_SLICE, 5])


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("QQ==", b"A"),
        ("QQ", b"A"),
        ("QUI=", b"AB"),
        ("QUI", b"AB"),
        ("QUJD", b"ABC"),
        ("QUJDRA==", b"ABCD"),
        ("-_-_", b"\xfb\xff\xbf"),
        ("+/+/", b"\xfb\xff\xbf"),
        ("QUJD\r\nRE\tVG \n", b"ABCDEF"),
        ("QUJDRA==\n\n      \n", b"ABCD"),
        ("Q Q = =", b"A"),
    ],
)
@BASE64_SLICES
async def test_base64(text: str, data: bytes, size: int) -> None:
    """Both alphabets, padding or none, white space anywhere; whole and in slices."""
    assert await decode_base64(text, size) == data


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "Q",
        "QUJDR",
        "Q===",
        "QQ=",
        "QUI==",
        "=",
        "====",
        "=QQ=",
        "QQ==QQ==",
        "QQ==Q",
        "QQ==        QUJD",
        "QUJDRA==   x",
        "QUJD!",
        "QUJD\x00",
        "QUJD%3D",
        "data:image/png;base64,QUJD",
        "файл",
        "QUJD\ud800",
    ],
)
@BASE64_SLICES
async def test_no_base64(text: str, size: int) -> None:
    """Nothing is skipped silently: what isn't base64 is refused, and so is an empty file."""
    with pytest.raises(MediaError) as caught:
        await decode_base64(text, size)
    assert caught.value.reason == "unsupported"


@examples(max_examples=50)
@given(st.binary(min_size=1), st.booleans(), st.booleans(), st.integers(1, 7))
def test_base64_of_anything(data: bytes, url_safe: bool, padded: bool, size: int) -> None:
    """What was encoded comes back, cut at any place."""
    text = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(data).decode()
    assert asyncio.run(decode_base64(text if padded else text.rstrip("="), size)) == data


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("Hello%2C%20World!", b"Hello, World!"),
        ("%D0%BF%d1%80", "пр".encode()),
        ("привет", "привет".encode()),
        ("100% sure", b"100% sure"),
        ("%", b"%"),
        ("%4", b"%4"),
        ("abcd%41", b"abcdA"),
        ("abc%41", b"abcA"),
        ("a+b", b"a+b"),
        ("%00%ff", b"\0\xff"),
    ],
)
@PERCENT_SLICES
async def test_percent(text: str, data: bytes, size: int) -> None:
    """As browsers read data URLs: escapes are decoded, everything else stays."""
    assert await decode_percent(text, size) == data


@pytest.mark.parametrize("text", ["", "\udc80"])
async def test_no_text(text: str) -> None:
    """An empty file, and half a character."""
    with pytest.raises(MediaError) as caught:
        await decode_percent(text)
    assert caught.value.reason == "unsupported"


@examples(max_examples=50)
@given(st.binary(min_size=1), st.text(alphabet="a%4f", min_size=1))
def test_percent_of_anything(data: bytes, mess: str) -> None:
    """What was encoded comes back, and a mess of percents is read as in one piece."""
    assert asyncio.run(decode_percent(quote_from_bytes(data), 5)) == data
    assert asyncio.run(decode_percent(mess, 5)) == unquote_to_bytes(mess)


async def held_up(work: Awaitable[bytes]) -> tuple[bytes, float, int]:
    """The result, the time of this thread's that the loop was held up in a long turn, and how often others had one.

    Three longer turns are left out, and the garbage collector is, which looks at all that other tests left behind.
    """
    waits: list[float] = []

    async def others() -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            waits.append(now - last)
            last = now

    task = asyncio.create_task(others())
    await asyncio.sleep(0)
    gc.disable()
    try:
        result = await work
    finally:
        gc.enable()
    task.cancel()
    return result, sorted(waits)[-4], len(waits)


async def test_a_long_text_holds_nobody_up() -> None:
    """54 MB of base64 are decoded in hundreds of short turns, each far below what a stream's reader would notice."""
    data = os.urandom(MEGABYTES * 10**6 // 4 * 3)
    result, longest, turns = await held_up(decode_base64(base64.b64encode(data).decode()))
    assert result == data
    assert turns >= 400
    assert longest < 0.02


async def test_percents_hold_nobody_up() -> None:
    """A text of nothing but escapes is the slowest there is."""
    result, longest, turns = await held_up(decode_percent("%41" * 300_000))
    assert result == b"A" * 300_000
    assert turns >= 100
    assert longest < 0.02
