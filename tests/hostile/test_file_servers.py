"""A stranger's file server that attacks the gateway which fetches from it."""

from __future__ import annotations

import asyncio
import gzip
import time

import aiohttp
import pytest

from tests.hostile.conftest import Attacked, chat
from tests.hostile.gigachat import OK, Attack, Hostile, sends, whole
from tests.hostile.measuring import BLOCK, MEGABYTE, costs
from tests.hostile.test_gigachat_http import HEADS, HINTS
from tests.media import files

CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PNG = files.photo("PNG")
ENDLESS: dict[str, Attack] = {
    **HEADS,
    "a chunk's name": sends(CHUNKED + b"1;a=", b"b" * 65_536, times=None),
    "chunks of one byte": sends(CHUNKED, b"1\r\na\r\n" * 20_000, times=None),
    "trailers": sends(CHUNKED + b"1\r\na\r\n0\r\n", b"A: b\r\n" * 20_000, times=None),
    "a trailer": sends(CHUNKED + b"1\r\na\r\n0\r\nA: ", b"b" * 65_536, times=None),
    "answers after the file": sends(whole(b"a"), b"HTTP/1.1 204\r\n\r\n" * 16_384, times=None),
    "empty redirects": sends(whole(b"", "Location: /file", status="302 Found"), HINTS, times=None),
    "gzip": sends(whole(gzip.compress(bytes(100 * MEGABYTE)), "Content-Encoding: gzip")),
    "gzip in the transfer": sends(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + b"1\r\na\r\n0\r\n\r\n"),
}


def asking(*urls: str) -> list[dict[str, object]]:
    """Messages with pictures from these URLs."""
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return [{"role": "user", "content": [{"type": "text", "text": "what is this?"}, *parts]}]


@pytest.mark.samples("103", "one header")
@pytest.mark.parametrize("name", ENDLESS)
async def test_servers_without_end(
    hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession, name: str
) -> None:
    """Eight at once are refused, in little memory, and others are served meanwhile."""
    process = await attacked()
    hostile.answers["/file"] = ENDLESS[name]
    urls = [f"{hostile.url}/file?{number}" for number in range(8)]
    hostile.answers |= {f"/file?{number}": ENDLESS[name] for number in range(8)}
    with costs(process) as found:
        async with asyncio.timeout(60):
            status, text = await chat(http, process, messages=asking(*urls))
    assert status == 400, text
    assert found.grown < 40 * MEGABYTE, found
    assert found.longest < BLOCK, found


@pytest.mark.long
@pytest.mark.parametrize(
    "begin",
    [b"", b"HTTP/1.1 103\r\n\r\n", OK + b"X", OK + b"\r\n", CHUNKED + b"1;", CHUNKED + b"1\r\na\r\n0\r\nX"],
    ids=["nothing", "after a hint", "in a header", "in the file", "in a chunk's name", "in a trailer"],
)
async def test_servers_that_drip(
    hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession, begin: bytes
) -> None:
    """A redirect after the other, each of which drips: all of it together has the time of one file."""
    process = await attacked()
    drip = sends(begin, b"a", times=None, pause=0.05)

    async def redirect(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.8)
        writer.write(whole(b"", "Location: /a", status="302 Found"))
        await writer.drain()

    hostile.answers |= {"/file": redirect, "/a": drip}
    began = time.monotonic()
    async with asyncio.timeout(50):
        status, text = await chat(http, process, messages=asking(f"{hostile.url}/file"))
    assert (status, "file_download_failed" in text) == (400, True)
    assert time.monotonic() - began < 15


async def test_an_honest_server(hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession) -> None:
    """Hints before a file, a file in small chunks and with a trailer are read as ever."""
    process = await attacked()
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (PNG[:1], PNG[1:9], PNG[9:]))
    hostile.answers["/file"] = hint * 3 + CHUNKED + chunks + b"0\r\nA: b\r\n\r\n"
    status, text = await chat(http, process, messages=asking(f"{hostile.url}/file"))
    assert status == 200, text
    assert hostile.asked["/v1/files"] == 1
