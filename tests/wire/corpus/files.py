"""Images, audio and documents in messages: types, forms, uploads and what refuses them."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

from tests.wire.cases import GONE, Case, Group, Json, Step, both, called, case, distinct, fault, message, talk, tool

SEES = "GigaChat-2-Max"
ID = "7f1d2c3a-1111-4222-8333-944445555666"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(shade: int, side: int = 2) -> bytes:
    """A grey square; each shade is a file of its own."""
    rows = (b"\0" + bytes([shade]) * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows, 0)) + _chunk(b"IEND", b"")


def wav(sample: int) -> bytes:
    """A moment of sound."""
    data = struct.pack("<h", sample) * 80
    form = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    head = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data))
    return b"RIFF" + struct.pack("<I", 4 + len(head) + len(data)) + b"WAVE" + head + data


GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
WEBP = base64.b64decode("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def encoded(data: bytes) -> str:
    """Base64."""
    return base64.b64encode(data).decode()


def url(data: bytes, mime: str = "image/png") -> str:
    """A data URL."""
    return f"data:{mime};base64,{encoded(data)}"


def image(given: str, **more: Any) -> Json:
    """An `image_url`."""
    return {"type": "image_url", "image_url": {"url": given, **more}}


def sound(data: bytes, form: str = "wav") -> Json:
    """An `input_audio`."""
    return {"type": "input_audio", "input_audio": {"data": encoded(data), "format": form}}


def document(data: bytes, name: str | None = None) -> Json:
    """A `file`."""
    return {"type": "file", "file": {"file_data": url(data, "application/octet-stream"), "filename": name}}


def show(*parts: Json, text: str = "что это?", **more: Any) -> Json:
    """A request with one message: text and files."""
    return talk(message([{"type": "text", "text": text}, *parts]), **{"model": SEES, **more})


TAKEN: dict[str, Json] = {
    "an image": show(image(url(png(1)))),
    "an image as plain base64": show(image(encoded(png(2)))),
    "an image with a detail": show(image(url(png(3)), detail="high")),
    "an image of Responses": show({"type": "input_image", "image_url": url(png(4))}),
    "a wrong claim": show(image(url(png(5), "image/jpeg"))),
    "a gif": show(image(url(GIF, "image/gif"))),
    "a webp": show(image(url(WEBP, "image/webp"))),
    "a model that sees nothing": show(image(url(png(6))), model="GigaChat-2"),
    "two images": show(image(url(png(7))), image(url(png(8)))),
    "eleven images": show(*(image(url(png(20 + shade))) for shade in range(11))),
    "the same twice": show(image(url(png(9))), image(url(png(9)))),
    "a sound": show(sound(wav(1))),
    "a document": show(document(PDF, "Отчёт за год.pdf")),
    "a text": show(document("привет".encode(), "notes.txt")),
    "a text in another encoding": show(document("привет, это по-русски".encode("cp1251"), "старое.txt")),
    "a document of Responses": show({"type": "input_file", "file_data": url(PDF), "filename": "a.pdf"}),
    "two documents": show(document(PDF + b"1", "1.pdf"), document(PDF + b"2", "2.pdf")),
    "files only": talk(message([image(url(png(10)))]), model=SEES),
    "a system's file": talk(message([image(url(png(11)))], "system"), message("что это?"), model=SEES),
    "an assistant's file": talk(
        message("нарисуй"), message([image(url(png(12)))], "assistant"), message("что это?"), model=SEES
    ),
    "a result's file": talk(
        message("снимок?"),
        message(None, "assistant", tool_calls=[called("1", "shot", "{}")]),
        message([{"type": "text", "text": "вот"}, image(url(png(13)))], "tool", tool_call_id="1"),
        model=SEES,
        tools=[tool("shot")],
    ),
    "a file of a conversation": talk(
        message([{"type": "text", "text": "это"}, image(url(png(14)))]),
        message("вижу", "assistant"),
        message("а ещё?"),
        model=SEES,
    ),
    "two choices": show(image(url(png(15))), n=2),
}
REFUSED: dict[str, Json] = {
    "no image": show(image("x")),
    "broken base64": show(image("data:image/png;base64,@@@")),
    "a data URL without a comma": show(image("data:image/png")),
    "a cut image": show(image(url(png(40)[:40]))),
    "an empty file": show(document(b"", "a.txt")),
    "a program": show(document(b"\x7fELF" + bytes(60), "a.bin")),
    "a video": show({"type": "video_url", "video_url": {"url": "x"}}),
    "no URL": show({"type": "image_url", "image_url": {}}),
    "an image of a number": show({"type": "image_url", "image_url": 5}),
    "no data": show({"type": "input_audio", "input_audio": {"format": "wav"}}),
    "no file": show({"type": "file", "file": {}}),
    "an id that nobody has": show({"type": "file", "file": {"file_id": ID}}),
    "an id that is none": show({"type": "file", "file": {"file_id": "../models"}}),
    "a link to this machine": show(image("http://127.0.0.1/a.png")),
    "a link to an inner address": show(image("http://10.0.0.1/a.png")),
    "a link of another scheme": show(image("ftp://example.org/a.png")),
    "a link with a password": show(image("http://user:secret@example.org/a.png")),
    "a link to another port": show(image("http://example.org:8080/a.png")),
    "101 files": show(*(image(url(png(99))) for _ in range(101))),
}
UPLOADS: dict[str, tuple[Json, ...]] = {
    "413": (fault("status", "files", status=413),),
    "422": (fault("status", "files", status=422, message="Invalid params: bad file"),),
    "400, a page": (fault("status", "files", status=400, html=True),),
    "403": (fault("status", "files", status=403),),
    "429": (fault("status", "files", status=429),),
    "500": (fault("status", "files", status=500),),
    "no answer": (fault("down", "files", times=None), GONE),
    "no description": (fault("status", "files", status=200, body={"id": 5}),),
    "lost": (fault("files_lost"),),
}


def _cases() -> tuple[Case, ...]:
    found = [one for name, body in TAKEN.items() for one in both(name, body)]
    found += [case(f"refused, {name}", body) for name, body in REFUSED.items()]
    for number, (name, spoil) in enumerate(UPLOADS.items()):
        found.append(case(f"upload, {name}", show(image(url(png(60 + number)))), faults=spoil))
        found.append(case(f"upload, {name}, streamed", show(image(url(png(80 + number))), stream=True), faults=spoil))
    strict = {"X-Gateway-Strict": "1"}
    for name in ("a model that sees nothing", "two documents", "a webp", "a gif", "an image with a detail"):
        found.append(case(f"strict, {name}", TAKEN[name], headers=strict))
    again = TAKEN["an image"]
    forgotten = Step(again, control=(("/sandbox/files/forget", {}),))
    found.append(Case("known, forgotten, sent anew", (Step(again), forgotten, Step(again))))
    found.append(Case("another tenant's", (Step(again, headers={"X-Tenant-ID": "second"}),)))
    return tuple(found)


GROUPS = (
    Group("files", distinct(_cases())),
    Group(
        "files, narrow",
        distinct(
            (
                case("a model that sees nothing", TAKEN["a model that sees nothing"]),
                case("a link to another host", show(image("http://example.org/a.png"))),
            )
        ),
        {"GPT2GIGA_VISION_MODEL": "off", "GPT2GIGA_FETCH_HOSTS": "cdn.example.com"},
    ),
)
