"""Files that can't be passed on: a 400 that names the part; nothing is uploaded, GigaChat is not asked without them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import aiohttp
import pytest

from app.media import images
from app.media.fetch import open_fetcher
from app.sandbox import server
from app.server.app_keys import BODIES
from tests.attaching import attached, by_id, chats, document, image, shelf, showing, sound, uploads
from tests.hosting import Host, Hosted
from tests.media import files as made
from tests.running import GatewayStarter, Running
from tests.watching import ask, tally

PART = "messages[0].content[1]"
IMAGE, AUDIO, DATA = f"{PART}.image_url.url", f"{PART}.input_audio.data", f"{PART}.file.file_data"
MIB = 2**20


@cache
def padded(begin: bytes, size: int) -> bytes:
    """A file of this size, by its beginning."""
    return begin + b"\0" * (size - len(begin))


async def refused(
    http: aiohttp.ClientSession, gateway: Running, sandbox: server.Running, body: dict[str, Any]
) -> dict[str, Any]:
    """The error of a request, the same whole and streamed, that cost nothing and holds no memory."""
    memory = gateway.app[BODIES].memory
    before, counts = memory.left, await tally(http, gateway)
    errors = []
    for stream in (False, True):
        reply = await ask(http, gateway, {**body, "stream": stream})
        assert (reply.status, reply.headers["x-should-retry"]) == (400, "false"), reply.text
        errors.append(reply.error)
    assert errors[0] == errors[1]
    assert (chats(sandbox), shelf(sandbox), uploads(sandbox)) == ([], [], 0)
    assert (await tally(http, gateway)).since(counts) == ({"invalid_request": 2}, {"excluded": 2})
    assert memory.left == before
    assert errors[0]["type"] == "invalid_request_error"
    return errors[0]


Part = Callable[[], dict[str, Any]]
# name -> the part, the code, the field, words of the message
UNFIT: dict[str, tuple[Part, str, str, str]] = {
    "half a jpeg": (lambda: image(made.photo("JPEG")[:500]), "unsupported_file", IMAGE, "cut off"),
    "half a png": (lambda: image(made.photo("PNG")[:-30]), "unsupported_file", IMAGE, "cut off"),
    "half a webp": (lambda: image(made.photo("WEBP")[:-50]), "unsupported_file", IMAGE, "cut off"),
    "half a heic": (lambda: image(made.photo("HEIF")[:-300]), "unsupported_file", IMAGE, "cut off"),
    "a bomb": (lambda: image(made.bomb(side=8000), "image/png"), "unsupported_file", IMAGE, "million pixels"),
    "a text as an image": (lambda: image(b"hello"), "unsupported_file", IMAGE, "not an image by its content: jpeg"),
    "a pdf as an image": (lambda: image(made.PDF), "unsupported_file", IMAGE, "not an image by its content"),
    "a sound as an image": (lambda: image(made.OPUS), "unsupported_file", IMAGE, "not an image by its content"),
    "an image as sound": (lambda: sound(made.photo("PNG")), "unsupported_file", AUDIO, "not audio by its content: mp3"),
    "a webp as sound": (lambda: sound(made.photo("WEBP")), "unsupported_file", AUDIO, "not audio by its content"),
    "a video": (lambda: document(made.mp4(b"isom", b"vide")), "unsupported_file", DATA, "is video/mp4"),
    "a video as sound": (lambda: sound(made.mp4(b"isom", b"vide", b"soun")), "unsupported_file", AUDIO, "video/mp4"),
    "aac": (lambda: sound(made.AAC_FRAME * 3), "unsupported_file", AUDIO, "is audio/aac, which GigaChat does not take"),
    "svg": (lambda: image(b"<svg xmlns='x'/>"), "unsupported_file", IMAGE, "jpeg, png, tiff, bmp (and webp"),
    "a zip": (lambda: document(made.zipped("a")), "unsupported_file", DATA, "application/zip"),
    "anything": (lambda: document(bytes(range(256))), "unsupported_file", DATA, "of no type that is known here"),
    "no base64": (lambda: image("data:image/png;base64,!!!"), "unsupported_file", IMAGE, "base64"),
    "nothing": (lambda: image("data:image/png;base64,"), "unsupported_file", IMAGE, "empty"),
    "a large image": (
        lambda: image(padded(made.photo("JPEG"), 15 * MIB + 1)),
        "file_too_large",
        IMAGE,
        "has 15728641 bytes; GigaChat takes 15 MiB of image",
    ),
    "a place on this machine": (lambda: image("file:///etc/passwd"), "file_download_failed", IMAGE, "http and https"),
    "an inner address": (lambda: image("http://127.0.0.1/a.png"), "file_download_failed", IMAGE, "public address"),
    "a name inside": (lambda: image("http://localhost/a.png"), "file_download_failed", IMAGE, "public address"),
    "a cloud's metadata": (lambda: image("http://169.254.169.254/x"), "file_download_failed", IMAGE, "public address"),
    "another port": (lambda: image("http://example.com:22/"), "file_download_failed", IMAGE, "ports"),
    "an id that is a path": (lambda: by_id("../models"), "file_not_found", f"{PART}.file.file_id", "no file of yours"),
    "an id of nobody's": (lambda: by_id("file-abc"), "file_not_found", f"{PART}.file.file_id", "Send the file itself"),
}


@pytest.mark.parametrize(("part", "code", "param", "words"), UNFIT.values(), ids=UNFIT)
async def test_a_file_that_does_not_fit(
    part: Part,
    code: str,
    param: str,
    words: str,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
) -> None:
    """The error says which part it is, and why."""
    error = await refused(http, gateway, sandbox, showing(part()))
    assert (error["code"], error["param"]) == (code, param)
    assert words in error["message"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("size", "status", "code"), [(60_000_000, 413, "request_too_large"), (45 * MIB, 400, "file_too_large")]
)
async def test_sixty_megabytes(
    size: int, status: int, code: str, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """In base64 it exceeds what any body may have; what fits there exceeds what a file may have."""
    reply = await ask(http, gateway, showing(document(padded(made.PDF, size)), stream=True))
    assert (reply.status, reply.error["code"]) == (status, code)
    assert (chats(sandbox), uploads(sandbox)) == ([], 0)
    assert gateway.app[BODIES].memory.left == gateway.gateway.config.max_bodies_bytes


async def test_more_files_than_a_request_may_hold(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """The first that is too many is named; a hundred are taken."""
    parts = [document(f"{number}".encode()) for number in range(101)]
    error = await refused(http, gateway, sandbox, showing(*parts))
    assert (error["code"], error["param"]) == ("invalid_value", "messages[0].content[101].file.file_data")


# name -> what the host has, the code, words of the message
LINKS: dict[str, tuple[Hosted, str, str]] = {
    "nothing there": (404, "file_download_failed", "status 404"),
    "an empty file": (b"", "file_download_failed", "empty file"),
    "a page": (b"<html><body>log in</body></html>", "unsupported_file", "not an image by its content"),
    "sixty megabytes": (bytes(60_000_000), "file_too_large", "larger than 40 MB"),
    "half an image": (made.photo("JPEG")[:400], "unsupported_file", "cut off"),
    "silence": (5.0, "file_download_failed", "took longer than 0.2 s"),
}


@pytest.mark.parametrize(("file", "code", "words"), LINKS.values(), ids=LINKS)
async def test_a_link_that_leads_to_no_image(
    file: Hosted,
    code: str,
    words: str,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    host: Host,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A 400, never an answer to the text alone; other files of the request are not uploaded either."""
    if isinstance(file, float):
        monkeypatch.setattr("app.wiring.open_fetcher", partial(open_fetcher, seconds=0.2))
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    body = showing(image(host.url("a", file)), image(made.photo("PNG")))
    error = await refused(http, gateway, sandbox, body)
    assert (error["code"], error["param"]) == (code, IMAGE)
    assert words in error["message"]
    assert str(host.port) not in error["message"]


async def test_a_link_that_leads_inside(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, host: Host
) -> None:
    """A redirect is judged like the link itself: the inner place is not asked."""
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    host.files["inside"] = made.photo("JPEG")
    body = showing(image(host.url("a") + f"?to=http://localhost:{host.port}/inside"))
    error = await refused(http, gateway, sandbox, body)
    assert (error["code"], error["param"]) == ("file_download_failed", IMAGE)
    assert host.asked == {"a": 2}


@pytest.mark.long
async def test_eighty_megabytes_together(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, host: Host
) -> None:
    """Images and sound of a request are bounded together, documents are not counted; nothing is uploaded of them."""
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    song = padded(made.wav(), 30 * MIB)
    links = [host.url(f"{number}", song + bytes([number])) for number in range(2)]
    photo = host.url("photo", padded(made.photo("JPEG"), 14 * MIB))
    files = [{"type": "file", "file": {"file_url": link}} for link in [*links, photo]]
    more = {"type": "file", "file": {"file_url": host.url("more", padded(made.photo("PNG"), 7 * MIB))}}
    error = await refused(http, gateway, sandbox, showing(*files, more))
    assert (error["code"], error["param"]) == ("file_too_large", "messages[0].content[4].file.file_url")
    assert "80 MiB together" in error["message"]


async def test_without_pillow_what_must_be_converted_is_refused(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says so; what GigaChat takes as it is goes on, if it is whole."""
    monkeypatch.setattr(images, "can_convert", lambda: False)
    for data in (made.photo("WEBP"), made.photo("GIF"), made.photo("AVIF"), made.photo("HEIF")):
        error = await refused(http, gateway, sandbox, showing(image(data)))
        assert (error["code"], error["param"]) == ("unsupported_file", IMAGE)
        assert "does not convert images: send a JPEG or PNG" in error["message"]
    error = await refused(http, gateway, sandbox, showing(image(made.photo("PNG")[:-30])))
    assert (error["code"], error["param"]) == ("unsupported_file", IMAGE)
    for form in ("JPEG", "PNG", "BMP", "TIFF"):
        assert (await ask(http, gateway, showing(image(made.photo(form))))).status == 200
        assert len(attached(sandbox)) == 1
