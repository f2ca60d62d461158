"""The framing of chunked bodies, against aiohttp's own parser: nothing that it takes is refused, little is missed."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiohttp import web
from aiohttp.http import HttpRequestParser, HttpVersion11, RawRequestMessage
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from app.server.chunks import ChunkedBody, find_body
from tests.examples import examples

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
GOOD = {
    "one chunk": b"5\r\nhello\r\n0\r\n\r\n",
    "nothing": b"0\r\n\r\n",
    "many zeros": b"0000\r\n\r\n",
    "capitals": b"A\r\n0123456789\r\n0\r\n\r\n",
    "line ends inside": b"4\r\n\r\n\r\n\r\n0\r\n\r\n",
    "extensions": b'5;a=b;c="d;e"\r\nhello\r\n0;x\r\n\r\n',
    "trailers": b"0\r\nA: b\r\nC:\r\n\r\n",
}
BAD = {
    "no size": b"\r\n",
    "no number": b"zz\r\n",
    "a sign": b"-5\r\n",
    "a prefix": b"0x5\r\n",
    "a bare line feed": b"5\nhello",
    "a space": b"5 \r\n",
    "beyond 64 bits": b"1" * 17 + b"\r\n",
    "too long a chunk": b"5\r\nhelloX\r\n",
    "no line end behind a chunk": b"5\r\nhello0\r\n\r\n",
    "a bare carriage return": b"5\r\nhello\rX",
    "a control character": b"5;\x00\r\n",
    "a trailer without a name": b"0\r\n: b\r\n\r\n",
    "a trailer without a colon": b"0\r\nabc\r\n\r\n",
    "an endless extension": b"5;" + b"a" * 10_000,
    "an endless trailer": b"0\r\nA: " + b"a" * 10_000,
}


def verdict(pieces: list[bytes]) -> str:
    """How the framing ends."""
    body = ChunkedBody()
    for piece in pieces:
        if not body.feed(piece):
            return "bad"
    return "ended" if body.ended else "open"


def split(data: bytes, size: int) -> list[bytes]:
    """The same in pieces."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def parsed(pieces: list[bytes], loop: asyncio.AbstractEventLoop) -> str:
    """How it ends for aiohttp's parser."""
    connection = web.RequestHandler(web.Server(None, loop=loop), loop=loop)  # type: ignore[arg-type] # never called
    parser = HttpRequestParser(connection, loop, 2**20, max_field_size=65536)
    [(_, body)], _, _ = parser.feed_data(HEAD)
    for piece in pieces:
        if body.is_eof():
            break
        try:
            parser.feed_data(piece)
        except Exception:  # noqa: BLE001 - whatever it says
            return "bad"
    return "ended" if body.is_eof() else "open"


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_what_is_well_formed(data: bytes, size: int) -> None:
    """In pieces of any size it is good to its end, and open until then."""
    assert verdict(split(data, size)) == "ended"
    assert verdict(split(data[:-1], size)) == "open"


@pytest.mark.parametrize("size", [1, 3, 20_000])
@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_what_is_not(data: bytes, size: int) -> None:
    """It is known as soon as it has come."""
    assert verdict(split(data, size)) == "bad"


def test_what_follows_the_end_is_not_looked_at() -> None:
    """It is the next request."""
    assert verdict([GOOD["one chunk"] + b"GET / HTTP/1.1\r\n"]) == "ended"


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A chunked body, perhaps with some bytes changed."""
    data = bytearray()
    for content in draw(st.lists(st.binary(min_size=1, max_size=20), max_size=4)):
        data += b"%x%b\r\n%b\r\n" % (len(content), draw(st.sampled_from([b"", b";a=b", b';a="q"'])), content)
    data += draw(st.sampled_from([b"0\r\n\r\n", b"0;x\r\nA: b\r\n\r\n", b"0\r\nA: b\r\nC: d\r\n\r\n"]))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(data) - 1))
        data[place : place + draw(st.integers(0, 1))] = draw(
            st.sampled_from([b"", b"\r", b"\n", b" ", b"0", b";", b"z"])
        )
    return bytes(data)


@examples(max_examples=400)
@given(bodies(), st.sampled_from([1, 3, 1000]))
def test_it_agrees_with_the_parser(data: bytes, size: int) -> None:
    """A body that the parser takes is never refused; what is bad inside a chunk or its size is never missed."""
    loop = asyncio.new_event_loop()
    pieces = split(data, size)
    here, there = verdict(pieces), parsed(pieces, loop)
    loop.close()
    assert there == "bad" or here == there
    # Odd extensions and trailers are left to the parser, and to the time that a body has.
    if there == "bad" and here != "bad":
        assert b";" in data or b"\r\n0" in data or data.startswith(b"0")


@pytest.mark.parametrize("size", [65_537, 300_000])
def test_many_tiny_chunks(size: int) -> None:
    """50,000 of them take a fraction of what the parser takes, however they are cut."""
    begun = time.perf_counter()
    assert verdict(split(b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n", size)) == "ended"
    assert time.perf_counter() - begun < 0.6


@pytest.mark.parametrize("data", [b"5;" + b'"a' * 4000 + b"\r\n", b"5;" + b"a" * 8000 + b"\x00\r\n"])
def test_no_line_takes_long(data: bytes) -> None:
    """The longest ones, and byte by byte: a millisecond each, not a power of their length."""
    begun = time.perf_counter()
    verdict([data])
    whole = time.perf_counter() - begun
    verdict(split(data, 1))
    assert whole < 0.1
    assert time.perf_counter() - begun < 3


def test_where_a_body_begins() -> None:
    """Behind its own head; where another head stands first, or it has not ended, nobody says."""
    headers = CIMultiDict({"Host": "x", "Transfer-Encoding": "chunked"})
    raw = tuple((name.encode(), value.encode()) for name, value in headers.items())
    message = RawRequestMessage(
        "POST", "/a", HttpVersion11, CIMultiDictProxy(headers), raw, False, None, False, True, URL("/a")
    )
    head = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert find_body(head, message) == b""
    assert find_body(b"\r\n" + head + b"5\r\n", message) == b"5\r\n"
    assert find_body(head[:-2], message) is None
    assert find_body(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + head, message) is None
    assert find_body(head.replace(b"Host: x\r\n", b""), message) is None
