"""Files of every kind and in every form, over the wire: what GigaChat gets is a file that it takes, readable again."""

from __future__ import annotations

import io
import wave
import zipfile
from collections.abc import Callable
from functools import cache
from typing import Any

import aiohttp
import pytest
from PIL import Image

from app.sandbox import server
from app.sandbox.filetypes import TYPES
from tests.attaching import (
    attached,
    document,
    image,
    plain,
    shelf,
    showing,
    sound,
)
from tests.hosting import Host
from tests.media import files as made
from tests.running import GatewayStarter, Running
from tests.watching import Reply, ask

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@cache
def animated() -> bytes:
    """Three frames of a GIF, of one size and of three colours."""
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "green", "blue")]
    return made.saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)


@cache
def camera() -> bytes:
    """A photo of 12 megapixels."""
    return made.saved(made.picture(size=(4000, 3000)), "JPEG", quality=90)


@cache
def phone() -> bytes:
    """A phone's HEIC that lies on its side, as its EXIF says."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return made.saved(made.picture(size=(640, 480)), "HEIF", quality=50, exif=exif.tobytes())


@cache
def sticker() -> bytes:
    """A WebP that is transparent in part."""
    drawn = made.picture("RGBA")
    drawn.putalpha(Image.linear_gradient("L").resize(drawn.size))
    return made.saved(drawn, "WEBP")


MP3 = made.id3(20) + made.MP3_FRAME * 3
M4A = made.mp4(b"M4A ", b"soun")
WORD = made.zipped("[Content_Types].xml", "word/document.xml")
DOC, PPT = made.compound("Root Entry", "WordDocument"), made.compound("Root Entry", "PowerPoint Document")
SLIDES = made.zipped("[Content_Types].xml", "ppt/presentation.xml")
SHEET = made.zipped("[Content_Types].xml", "xl/workbook.xml")
BOOK = made.zipped("META-INF/container.xml", stated="application/epub+zip")
TEXT = "Привет, мир!\n".encode() * 3

Part = Callable[[], dict[str, Any]]
# name -> the part, the type and name that GigaChat gets, what the image is like or the bytes themselves
KINDS: dict[str, tuple[Part, str, str, Any]] = {
    "jpeg": (lambda: image(made.photo("JPEG")), "image/jpeg", "file.jpg", made.photo("JPEG")),
    "png": (lambda: image(made.photo("PNG"), "image/png"), "image/png", "file.png", made.photo("PNG")),
    "tiff": (lambda: image(made.photo("TIFF")), "image/tiff", "file.tiff", made.photo("TIFF")),
    "bmp": (lambda: image(made.photo("BMP")), "image/bmp", "file.bmp", made.photo("BMP")),
    "webp": (lambda: image(made.photo("WEBP"), "image/webp"), "image/jpeg", "file.jpg", (64, 48)),
    "a sticker": (lambda: image(sticker(), "image/webp"), "image/png", "file.png", (64, 48)),
    "an animated gif": (lambda: image(animated(), "image/gif"), "image/jpeg", "file.jpg", (32, 32)),
    "a phone's heic": (lambda: image(phone(), "image/heic"), "image/jpeg", "file.jpg", (480, 640)),
    "avif": (lambda: image(made.photo("AVIF"), "image/avif"), "image/jpeg", "file.jpg", (64, 48)),
    "12 megapixels": (lambda: image(camera()), "image/jpeg", "file.jpg", camera),
    "a wrong claim": (lambda: image(made.photo("PNG"), "image/jpeg"), "image/png", "file.png", made.photo("PNG")),
    "a claim of text": (lambda: image(made.photo("JPEG"), "text/plain"), "image/jpeg", "file.jpg", made.photo("JPEG")),
    "a wrong extension": (lambda: document(made.photo("PNG"), "a.pdf"), "image/png", "a.png", made.photo("PNG")),
    "a webp as a file": (lambda: document(made.photo("WEBP"), "кот.webp"), "image/jpeg", "кот.jpg", (64, 48)),
    "Telegram's voice": (lambda: sound(made.OPUS, "ogg"), "audio/x-ogg", "file.ogg", made.OPUS),
    "vorbis": (lambda: sound(made.VORBIS, "mp3"), "audio/x-ogg", "file.ogg", made.VORBIS),
    "mp3": (lambda: sound(MP3, "mp3"), "audio/mp3", "file.mp3", MP3),
    "wav": (lambda: sound(made.wav()), "audio/wav", "file.wav", made.wav()),
    "a wav called mp3": (lambda: sound(made.wav(), "mp3"), "audio/wav", "file.wav", made.wav()),
    "m4a": (lambda: sound(M4A, "m4a"), "audio/mp4", "file.m4a", M4A),
    "webm": (lambda: sound(made.matroska(b"webm", 2)), "audio/webm", "file.webm", made.matroska(b"webm", 2)),
    "a voice as a file": (lambda: document(made.OPUS, "voice.oga"), "audio/x-ogg", "voice.ogg", made.OPUS),
    "pdf": (lambda: document(made.PDF, "отчёт за май.pdf"), "application/pdf", "отчёт за май.pdf", made.PDF),
    "docx": (lambda: document(WORD, "a.docx"), DOCX, "a.docx", WORD),
    "a docx called zip": (lambda: document(WORD, "a.zip"), DOCX, "a.docx", WORD),
    "doc": (lambda: document(DOC, "a"), "application/msword", "a.doc", DOC),
    "ppt": (lambda: document(PPT, "a.ppt"), "application/ppt", "a.ppt", PPT),
    "pptx": (lambda: document(SLIDES), "application/pptx", "file.pptx", SLIDES),
    "xlsx": (lambda: document(SHEET), "application/vnd.ms-excel", "file.xlsx", SHEET),
    "epub": (lambda: document(BOOK, "война и мир.epub"), "application/epub", "война и мир.epub", BOOK),
    "txt": (lambda: document(TEXT, "readme"), "text/plain", "readme.txt", TEXT),
    "markdown": (lambda: document(TEXT, "README.md"), "text/plain", "README.txt", TEXT),
    "no name": (lambda: document(TEXT), "text/plain", "file.txt", TEXT),
    "a path": (lambda: document(TEXT, "../../etc/pass\r\nwd"), "text/plain", "pass_wd.txt", TEXT),
    "a path of another system": (lambda: document(TEXT, 'C:\\a\\"b".txt'), "text/plain", "_b_.txt", TEXT),
    "a long name": (lambda: document(TEXT, "x" * 300 + ".txt"), "text/plain", "x" * 80 + ".txt", TEXT),
}


def frames(file: io.BytesIO) -> int:
    """How long a sound is."""
    with wave.open(file, "rb") as opened:
        return opened.getnframes()


READERS: dict[str, Callable[[io.BytesIO], Any]] = {
    "image": lambda file: Image.open(file).load(),
    "audio/wav": frames,
    DOCX: lambda file: zipfile.ZipFile(file).testzip(),
}


async def content(http: aiohttp.ClientSession, sandbox: server.Running, number: str) -> bytes:
    """The bytes of a file, as the sandbox tells them."""
    async with http.get(f"{sandbox.url}/sandbox/files/{number}/content") as response:
        assert response.status == 200
        return await response.read()


async def both(http: aiohttp.ClientSession, gateway: Running, body: dict[str, Any]) -> list[Reply]:
    """The replies to a request, whole and streamed, of two tenants."""
    tenants = {"whole": False, "stream": True}
    return [await ask(http, gateway, {**body, "stream": tenants[one]}, headers={"X-Tenant-ID": one}) for one in tenants]


@pytest.mark.parametrize(("part", "mime", "name", "like"), KINDS.values(), ids=KINDS)
async def test_each_kind_arrives_as_gigachat_takes_it(
    part: Part,
    mime: str,
    name: str,
    like: Any,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
) -> None:
    """By its content, under GigaChat's name for it and with its extension, readable, attached to the message."""
    for reply in await both(http, gateway, showing(part())):
        assert (reply.status, reply.text.count("I see")) == (200, 1), reply.text
        assert reply.headers.get("x-gateway-adapted") == ("image.first_frame" if like == (32, 32) else None)
    files = shelf(sandbox)
    assert [(file.mime, file.filename, file.purpose) for file in files] == [(mime, name, "general")] * 2
    assert attached(sandbox) == [[files[1].id]]
    data = await content(http, sandbox, files[0].id)
    assert TYPES[mime].fits(data)
    READERS.get(mime, READERS.get(mime.partition("/")[0], io.BytesIO.read))(io.BytesIO(data))
    if isinstance(like, tuple):
        assert Image.open(io.BytesIO(data)).size == like
    else:
        assert data == (like() if callable(like) else like)


PHOTO = made.photo("JPEG")
# name -> the part, of the photo's bytes in base64 or of its link
FORMS: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "a data URL": lambda b64, link: image(f"data:image/jpeg;base64,{b64}"),
    "a data URL without a type": lambda b64, link: image(f"data:;base64,{b64}"),
    "base64 alone": lambda b64, link: image(b64),
    "base64 for URLs, in lines": lambda b64, link: image(
        "\n".join(b64.translate(str.maketrans("+/", "-_")).rstrip("=")[at : at + 76] for at in range(0, len(b64), 76))
    ),
    "a link": lambda b64, link: image(link),
    "a bare string": lambda b64, link: {"type": "image_url", "image_url": link},
    "input_image": lambda b64, link: {"type": "input_image", "image_url": f"data:image/jpeg;base64,{b64}"},
    "input_image, a link": lambda b64, link: {"type": "input_image", "image_url": link},
    "file_data": lambda b64, link: {"type": "file", "file": {"file_data": f"data:image/jpeg;base64,{b64}"}},
    "file_data, base64 alone": lambda b64, link: {"type": "file", "file": {"file_data": b64, "filename": "a.jpg"}},
    "file_url": lambda b64, link: {"type": "file", "file": {"file_url": link}},
    "input_file": lambda b64, link: {"type": "input_file", "file_data": b64},
    "input_file, a link": lambda b64, link: {"type": "input_file", "file_url": link, "filename": "a.jpg"},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_each_form_brings_the_same_bytes(
    form: Callable[[str, str], dict[str, Any]],
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    host: Host,
) -> None:
    """Whole and streamed, for the chat's own parts and for those of Responses."""
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    host.files["a/photo"] = PHOTO
    part = form(plain(PHOTO), host.url("a/photo?size=l"))
    for reply in await both(http, gateway, showing(part)):
        assert (reply.status, reply.text.count("I see image/jpeg")) == (200, 1), reply.text
    assert [file.content for file in shelf(sandbox)] == [PHOTO] * 2
