"""Strangers' name servers and web servers: nothing inside is reached, and all ends in bounded time and memory."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import time
import tracemalloc

import pytest

from app.media.failure import MediaError
from app.media.fetch import open_fetcher
from app.media.url_policy import PORTS
from tests.media.conftest import Answer, Names, Web, plain, redirect
from tests.media.test_fetch import LIMIT, failed, fetch

PUBLIC = "93.184.216.34"


@pytest.mark.parametrize(
    ("answers", "seconds"),
    [
        ([["127.0.0.1"]], 0.0),
        ([["::1"]], 0.0),
        ([["::ffff:127.0.0.1"]], 0.0),
        ([["127.0.0.1"] * 500], 0.0),
        ([[PUBLIC, "127.0.0.1"]], 0.0),
        ([["127.0.0.1", PUBLIC]], 0.0),
        ([[PUBLIC] * 300 + ["127.0.0.1"]], 0.0),
        ([[]], 0.0),
        ([["not an address"]], 0.0),
        ([["127.0.0.1"]], 60.0),
    ],
)
async def test_name_servers(web: Web, answers: list[list[str]], seconds: float) -> None:
    """Whatever a name server says, and however slowly: no connection to inside, and an end in time."""
    begun = time.monotonic()
    async with open_fetcher(ports=(web.port,), resolver=Names(answers, seconds), seconds=0.5) as fetcher:
        with pytest.raises(MediaError) as caught:
            await fetcher.get(f"http://evil.example:{web.port}/", LIMIT)
    assert caught.value.reason == "download"
    assert "127.0" not in str(caught.value)
    assert time.monotonic() - begun < 2
    assert web.connections == 0


async def test_hundreds_of_addresses(web: Web) -> None:
    """A name with hundreds of addresses that nobody answers from costs a few tries."""
    many = [f"127.0.{number // 250}.{number % 250 + 1}" for number in range(1000)]
    tried: list[str] = []

    def public(address: str) -> bool:
        tried.append(address)
        return True

    async with open_fetcher(ports=(1,), public=public, resolver=Names([many]), seconds=2) as fetcher:
        with pytest.raises(MediaError):
            await fetcher.get("http://evil.example:1/", LIMIT)
    assert len(tried) <= 1000 + 6 + 5 + 4 + 3 + 2 + 1


async def test_rebinding(web: Web) -> None:
    """A name that is public at first and inner the next time: each connection is made to what was judged."""
    web.answers["/"] = redirect("/again")
    names = Names([["127.0.0.1"], ["127.0.0.2"]])

    async with open_fetcher(ports=(web.port,), public="127.0.0.1".__eq__, resolver=names, seconds=2) as fetcher:
        with pytest.raises(MediaError, match="no public address"):
            await fetcher.get(f"http://evil.example:{web.port}/", LIMIT)
    assert names.asked == ["evil.example"] * 2
    assert web.connections == 1


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2:{port}/",
        "http://[::1]:{port}/",
        "http://inner.example:{port}/",
        "http://2130706434:{port}/",
        "//127.0.0.2:{port}/",
        "http://user@127.0.0.1:{port}/",
        "http://127.0.0.1:6379/",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "data:text/plain,hello",
        "ftp://127.0.0.1:{port}/",
        "http://[",
        "http://a\\b/",
        "/" + "a" * 9000,
    ],
)
async def test_redirects(web: Web, target: str) -> None:
    """A redirect is judged like the URL that came from the client: its target is not asked."""
    web.answers["/"] = redirect(target.format(port=web.port))
    ports, names = (*PORTS, web.port), Names([["127.0.0.2"]])
    async with open_fetcher(ports=ports, public="127.0.0.1".__eq__, resolver=names, seconds=1) as fetcher:
        with pytest.raises(MediaError) as caught:
            await fetcher.get(web.url(), LIMIT)
    assert caught.value.reason == "download"
    assert web.connections == 1


async def test_a_circle(web: Web) -> None:
    """A redirect to itself ends."""
    web.answers["/"] = redirect("/")
    assert "redirects more than 5 times" in await failed(web)
    assert web.connections == 6


def dripping(begin: bytes, drip: bytes, pause: float = 0.02) -> Answer:
    """An answer that never ends, slowly or (without a pause) as fast as it goes."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        while True:
            writer.write(drip)
            await writer.drain()
            await asyncio.sleep(pause)

    return answer


async def silent(_: asyncio.StreamWriter) -> None:
    """No answer at all."""
    await asyncio.sleep(60)


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
MEGABYTE = bytes(2**20)
ANSWERS: dict[str, tuple[bytes | Answer, str]] = {
    "nothing": (b"", "download"),
    "silence": (silent, "download"),
    "slow headers": (dripping(HEAD, b"X-A: b\r\n"), "download"),
    "a slow header": (dripping(HEAD + b"X-A: ", b"b"), "download"),
    "endless headers": (dripping(HEAD, b"X-A: b\r\n" * 1000, 0), "download"),
    "an endless header": (dripping(HEAD + b"X-A: ", b"b" * 65536, 0), "download"),
    "an endless status": (dripping(b"HTTP/1.1 200 ", b"O" * 65536, 0), "download"),
    "endless hints": (dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 0), "download"),
    "a slow body": (dripping(HEAD + b"Content-Length: 1000\r\n\r\n", b"a", 0.05), "download"),
    "an endless body": (dripping(HEAD + b"\r\n", MEGABYTE, 0), "too_large"),
    "endless chunks": (dripping(CHUNKED, b"100000\r\n" + MEGABYTE + b"\r\n", 0), "too_large"),
    "endless small chunks": (dripping(CHUNKED, b"1\r\na\r\n" * 10_000, 0), "download or too_large"),
    "an endless chunk's name": (dripping(CHUNKED, b"1;a=" + b"b" * 65536, 0), "download"),
    "one chunk too many": (plain(bytes(LIMIT + 1)), "too_large"),
    "a long promise": (plain(b"a", length=10**15), "too_large"),
    "a longer promise": (plain(b"a", length=10**30), "download"),
    "less than promised": (plain(b"file", length=5), "download"),
    "chunks that end early": (CHUNKED + b"5\r\nab", "download"),
    "no last chunk": (CHUNKED + b"2\r\nab\r\n", "download"),
    "chunks that are none": (CHUNKED + b"zz\r\nab\r\n", "download"),
    "a negative promise": (plain(b"file", length=-1), "download"),
    "two promises": (HEAD + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nfiles", "download"),
    "no promise but a word": (HEAD + b"Content-Length: four\r\n\r\nfile", "download"),
    "an empty file": (plain(b""), "download"),
    "an empty file in chunks": (CHUNKED + b"0\r\n\r\n", "download"),
    "gzip": (plain(gzip.compress(bytes(10**7)), "Content-Encoding: gzip"), "download"),
    "gzip, hidden": (plain(gzip.compress(b"a"), "Content-Encoding: identity", "Content-Encoding: gzip"), "download"),
    "brotli": (plain(b"a", "Content-Encoding: br"), "download"),
    "HTTP/0.9": (b"<html>hello</html>", "download"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n", "download"),
    "a broken status": (b"HTTP/1.1 abc OK\r\n\r\n", "download"),
    "a strange version": (b"HTTP/9.9 200 OK\r\n\r\nfile", "download"),
    "a switch": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", "download"),
    "a header that is none": (HEAD + b"no header\r\n\r\nfile", "download"),
    "many redirects at once": (redirect("/a", "302 Found", *["Location: /b"] * 200), "download"),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_web_servers(web: Web, name: str) -> None:
    """Each is refused, within its time and with little memory, and its connection is gone."""
    answer, reason = ANSWERS[name]
    web.answers["/"] = answer
    begun = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(MediaError) as caught:
            await fetch(web, seconds=0.5)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.reason in reason
    assert "127.0" not in str(caught.value)
    assert time.monotonic() - begun < 4
    assert peak < 16 * 2**20
    async with asyncio.timeout(2):
        while web.at_once and answer is not silent:
            await asyncio.sleep(0.01)


async def test_more_than_promised(web: Web) -> None:
    """What follows the promised length is not part of the file: nothing of it is taken."""
    web.answers["/"] = plain(b"file and more", length=4)
    with contextlib.suppress(MediaError):
        assert await fetch(web) == b"file"
