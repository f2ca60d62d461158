"""Files in the form that GigaChat takes, and images that wait for their turn to be read, or for a process."""

from __future__ import annotations

import asyncio
import sys

import aiohttp
import pytest

from app import errors
from app.admission.memory import Memory
from app.errors import GatewayError
from app.exchange.file_loader import LoadedFile
from app.exchange.file_preparer import FilePreparer
from app.exchange.uploaded_files import UploadKey
from app.media import images
from app.sandbox import server
from app.server.app_keys import BODIES
from app.translate.dialogue import FileKind
from tests.attaching import image, showing, uploads
from tests.exchange.uploading import CLIENT
from tests.media import files as made
from tests.running import Running, eventually
from tests.watching import ask

PHOTO, OTHER = made.photo("JPEG"), made.photo("PNG")


def left(gateway: Running) -> int:
    """The memory that is free."""
    return gateway.app[BODIES].memory.left


def load(data: bytes, mime: str, kind: FileKind, digest: str = "digest") -> LoadedFile:
    """A file whose bytes are there."""
    key = UploadKey("bot", CLIENT, digest)
    return LoadedFile(key, "messages[0]", "name", mime, kind, len(data), data, Memory(1000).reserve(), held=0)


@pytest.mark.parametrize(
    ("given", "name", "mime", "note"),
    [
        (load(PHOTO, "image/jpeg", "image"), "name.jpg", "image/jpeg", None),
        (load(made.photo("WEBP"), "image/webp", "image"), "name.jpg", "image/jpeg", None),
        (load("кот".encode("cp1251"), "text/plain", "document"), "name.txt", "text/plain", None),
        (load(made.OPUS, "audio/ogg", "audio"), "name.ogg", "audio/x-ogg", None),
    ],
    ids=["jpeg", "webp", "text", "audio"],
)
async def test_what_is_uploaded(given: LoadedFile, name: str, mime: str, note: str | None) -> None:
    """A type that GigaChat takes, under its name for it; from the file's turn on the upload outlives its requests."""
    prepared = await FilePreparer().prepare(given)
    assert (prepared.form.name, prepared.form.mime, prepared.note) == (name, mime, note)
    assert prepared.form.fields == (("purpose", "general"),)
    assert given.has_begun
    if given.mime == "text/plain":
        assert prepared.form.data == "кот".encode()
    elif given.mime == mime:
        assert prepared.form.data == given.data


async def test_an_image_is_checked_once() -> None:
    """Another upload of the same content needs no turn, until too many others came since."""
    preparer = FilePreparer(max_checked=1)
    for digest in ("a", "b"):
        await preparer.prepare(load(PHOTO, "image/jpeg", "image", digest))
    async with images.find_queue().turn("another", 1):
        await preparer.prepare(load(PHOTO, "image/jpeg", "image", "b"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await preparer.prepare(load(PHOTO, "image/jpeg", "image", "a"))


async def test_an_image_that_cannot_be_read() -> None:
    """Its place in the request is named."""
    with pytest.raises(GatewayError, match=r"'messages\[0\]': The image can't be read") as refused:
        await FilePreparer().prepare(load(PHOTO[:100], "image/jpeg", "image"))
    assert (refused.value.kind, refused.value.param) == (errors.UNSUPPORTED_FILE, "messages[0]")


async def test_an_image_whose_turn_does_not_come(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind images that take for ever it is no bad image: a 503 that says to try again."""
    monkeypatch.setattr(images, "WAIT_SECONDS", 0.1)
    async with images.find_queue().turn("another", 1):
        reply = await ask(http, gateway, showing(image(PHOTO)))
    assert (reply.status, reply.error["code"], reply.headers["x-should-retry"]) == (503, "overloaded", "true")
    assert "Try again" in reply.error["message"]
    assert (await ask(http, gateway, showing(image(PHOTO)))).status == 200
    assert uploads(sandbox) == 1


async def test_a_client_that_leaves_before_its_images_turn(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Nothing waits for it any more: its memory is free, its turn passes, nothing is uploaded."""
    before = left(gateway)
    async with images.find_queue().turn("another", 1):
        client = asyncio.create_task(ask(http, gateway, showing(image(PHOTO))))
        await eventually(lambda: bool(images.find_queue().waiting))
        client.cancel()
        await eventually(lambda: not images.find_queue().waiting)
        await eventually(lambda: left(gateway) == before)
    assert (await ask(http, gateway, showing(image(OTHER)))).status == 200
    assert uploads(sandbox) == 1


async def test_no_process_for_an_image(
    gateway: Running, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A machine that starts no process any more: a 503, and a line that says what to do."""
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    reply = await ask(http, gateway, showing(image(PHOTO)))
    assert (reply.status, reply.error["code"]) == (503, "overloaded")
    (line,) = [one for one in caplog.records if one.getMessage().startswith("images can't be read")]
    assert "pids_limit" in line.__dict__["gateway_fields"]["remedy"]


async def test_two_that_wait_for_the_same_image(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """One that leaves takes nothing from the other; nor does one that comes when the first has left."""
    async with images.find_queue().turn("another", 1):
        first, second = (asyncio.create_task(ask(http, gateway, showing(image(PHOTO), text=text))) for text in "ab")
        await eventually(lambda: gateway.app[BODIES].memory.left < 0 or bool(images.find_queue().waiting))
        await asyncio.sleep(0.1)
        first.cancel()
        await asyncio.sleep(0.1)
        third = asyncio.create_task(ask(http, gateway, showing(image(PHOTO), text="c")))
        await asyncio.sleep(0.1)
    assert {reply.status for reply in await asyncio.gather(second, third)} == {200}
    assert uploads(sandbox) == 1
