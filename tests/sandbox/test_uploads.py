"""Uploads: how they are read, what is refused, and that a body without end fills no memory."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from app.sandbox.filetypes import TYPES
from app.sandbox.server import Running
from app.sandbox.uploads import NOT_MULTIPART, RULES
from tests.sandbox.specimens import SPECIMENS, TEXT, form, png

FILES = "/v1/files"
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}


def _form(**fields: str) -> aiohttp.FormData:
    sent = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        sent.add_field(name, value)
    return sent


def _twice() -> aiohttp.FormData:
    sent: aiohttp.FormData = form()
    sent.add_field("file", TEXT, filename="b.txt", content_type="text/plain")
    return sent


REFUSED: list[tuple[str, Any]] = [
    ("file", _form(purpose="general")),
    ("file", _form(purpose="general", other="a")),
    ("filename", _form(file="text", purpose="general")),
    ("purpose", form(purpose="assistants")),
    ("purpose", form(purpose="")),
    ("type", form(b"\xff\xfb\x90\x00", "audio/mpeg")),
    ("type", form(b"RIFF\0\0\0\0WEBP", "image/webp")),
    ("type", form(TEXT, "application/octet-stream")),
    ("empty", form(b"")),
    ("content", form(TEXT, "image/png")),
    ("content", form(png()[:-4], "image/png")),
    ("content", form(png(), "image/jpeg")),
]


async def _answer(session: aiohttp.ClientSession, data: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    async with session.post(FILES, data=data, headers=headers) as response:
        return response.status, await response.json()


@pytest.mark.parametrize(("name", "data"), REFUSED)
async def test_refused(running: Running, session: aiohttp.ClientSession, name: str, data: Any) -> None:
    """An upload that breaks a row is refused with that row's words, and nothing is kept."""
    (row,) = [rule for rule in RULES if rule.name == name]
    assert await _answer(session, data) == (row.status, {"status": row.status, "message": row.message})
    assert list(running.state.files) == []


async def test_purpose_is_required(session: aiohttp.ClientSession) -> None:
    """A file without a purpose is refused."""
    sent = aiohttp.FormData()
    sent.add_field("file", TEXT, filename="a.txt", content_type="text/plain")
    assert await _answer(session, sent) == (
        422,
        {"status": 422, "message": "Invalid params: purpose must be: general"},
    )


async def test_one_file(session: aiohttp.ClientSession) -> None:
    """Two files in one upload are refused."""
    assert await _answer(session, _twice()) == (422, {"status": 422, "message": "Invalid params: file must be one"})


@pytest.mark.parametrize("mime", TYPES)
async def test_each_type_is_taken(session: aiohttp.ClientSession, mime: str) -> None:
    """Every type of the vendor's list passes, parameters of the type and its case do not matter."""
    assert (await _answer(session, form(SPECIMENS[mime], mime)))[0] == 200
    assert (await _answer(session, form(SPECIMENS[mime], f"{mime.upper()}; charset=utf-8")))[0] == 200


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{}", "application/json"),
        (b"a=b", "application/x-www-form-urlencoded"),
        (b"", "multipart/mixed; boundary=b"),
        (b"no boundary here", MULTIPART["Content-Type"]),
        (HEAD + b"never ends", MULTIPART["Content-Type"]),
        (HEAD, "multipart/form-data"),
        (b"--b\r\nno header\r\n\r\n--b--\r\n", MULTIPART["Content-Type"]),
    ],
)
async def test_not_multipart(session: aiohttp.ClientSession, body: bytes, content_type: str) -> None:
    """A body that is no form, or a broken one, is a 400."""
    headers = {"Content-Type": content_type}
    assert await _answer(session, body, **headers) == (400, {"status": 400, "message": NOT_MULTIPART})


async def test_other_parts_are_ignored(session: aiohttp.ClientSession) -> None:
    """Fields that nobody asked for do no harm, be they nested."""
    sent = form(png(), "image/png")
    sent.add_field("access_policy", "public")
    with aiohttp.MultipartWriter("mixed", boundary="inner") as nested:
        nested.append("a")
        sent.add_field("more", nested)
        assert (await _answer(session, sent))[0] == 200


@pytest.mark.parametrize(("mime", "most"), [("image/png", 15_000_000), ("audio/wav", 35_000_000)])
async def test_sizes(running: Running, session: aiohttp.ClientSession, mime: str, most: int) -> None:
    """A file of the greatest size is taken, one byte more is a 413."""
    whole = SPECIMENS[mime].ljust(most, b"\0")
    assert (await _answer(session, form(whole, mime)))[0] == 200
    assert await _answer(session, form(whole + b"\0", mime)) == (413, {"status": 413, "message": "Payload too large"})
    record = running.state.requests.of("files")[-1]
    assert (record.body["filename"], record.body["bytes"]) == ("файл.txt", None)


async def test_a_promised_size_is_enough(running: Running, session: aiohttp.ClientSession) -> None:
    """What promises to be greater than any file may be is refused before it is read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rpartition(":")[2]))
    lines = [f"POST {FILES} HTTP/1.1", "Host: a", f"Authorization: {session.headers['Authorization']}"]
    lines += [f"Content-Type: {MULTIPART['Content-Type']}", "Content-Length: 1000000000", "", ""]
    writer.write("\r\n".join(lines).encode())
    async with asyncio.timeout(5):
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_without_end(running: Running, session: aiohttp.ClientSession) -> None:
    """A body that never ends is refused as soon as it is too large."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield HEAD
        while True:
            sent += 1_000_000
            yield bytes(1_000_000)

    async with asyncio.timeout(10):
        async with session.post(FILES, data=endless(), headers=MULTIPART) as response:
            assert response.status == 413
    assert sent < 30_000_000
    assert running.state.files.held == 0


async def test_purpose_without_end(session: aiohttp.ClientSession) -> None:
    """A field can't be used to fill the memory either."""
    assert (await _answer(session, form(purpose="a" * 2_000)))[0] == 413


async def test_client_gone(
    running: Running, session: aiohttp.ClientSession, until: Callable[[Callable[[], object]], Awaitable[None]]
) -> None:
    """An upload whose client leaves keeps nothing."""

    async def half() -> AsyncIterator[bytes]:
        yield HEAD + b"half"
        await until(lambda: running.state.requests.of("files"))
        raise ValueError

    with pytest.raises((ValueError, aiohttp.ClientError)):
        await session.post(FILES, data=half(), headers=MULTIPART)
    (record,) = running.state.requests.of("files")
    await until(lambda: record.ended)
    assert record.outcome == "client_gone"
    assert list(running.state.files) == []


async def test_token_comes_first(session: aiohttp.ClientSession) -> None:
    """Without a token nothing is judged, however wrong it is."""
    assert (await _answer(session, b"{}", Authorization="Bearer wrong"))[0] == 401


async def test_record(running: Running, session: aiohttp.ClientSession) -> None:
    """The record tells what an upload brought, a refused one too, and under which client id."""
    content = png()
    await _answer(session, form(content, "image/png", "кот.png"), **{"X-Client-ID": "я"})
    await _answer(session, form(TEXT, "audio/mpeg", "a.mp3"))
    first, second = running.state.requests.of("files")
    assert first.body == {
        "filename": "кот.png",
        "mime": "image/png",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "purpose": "general",
        "client_id": "я",
    }
    assert (second.body["mime"], second.body["bytes"], second.body["client_id"]) == ("audio/mpeg", len(TEXT), None)


def test_each_row_has_a_case() -> None:
    """No row of the table is untested."""
    assert {case[0] for case in REFUSED} == {rule.name for rule in RULES}
    assert all(rule.source for rule in RULES)
