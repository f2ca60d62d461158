"""The smallest content of each type that the sandbox takes, and how a client sends a file."""

from __future__ import annotations

import struct
import zipfile
import zlib
from io import BytesIO
from typing import Any

import aiohttp

from app.sandbox.server import Running


def png(shade: int = 0) -> bytes:
    """One grey pixel."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes((0, shade)))), (b"IEND", b""))
    framed = (struct.pack(">I", len(data)) + kind + data + _sum(kind + data) for kind, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def zipped(*members: str) -> bytes:
    """An archive with these members."""
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for member in members:
            opened.writestr(member, "<x/>")
    return archive.getvalue()


def _sum(data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data))


THUMBNAIL = b"\xff\xe1\x00\x08\xff\xd8\xff\xd9\x00\x00"  # a segment that holds an end of image
JPEG = b"\xff\xd8" + THUMBNAIL + b"\xff\xff\x01\xff\xda\x00\x02pixels\xff\xd9"
WAV = b"RIFF\x24\0\0\0WAVEfmt "
OGG = b"OggS\0\x02" + bytes(22)
MP4 = b"\0\0\0\x18ftypM4A "
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(8)
OFFICE = zipped("[Content_Types].xml")
TEXT = "Привет".encode()

SPECIMENS: dict[str, bytes] = {
    "text/plain": TEXT,
    "application/msword": OLE,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": OFFICE,
    "application/pdf": b"%PDF-1.7\n",
    "application/epub": zipped("mimetype", "META-INF/container.xml"),
    "application/ppt": OLE,
    "application/pptx": OFFICE,
    "application/vnd.ms-excel": OFFICE,
    "image/jpeg": JPEG,
    "image/png": png(),
    "image/tiff": b"II*\0\x08\0\0\0\0\0\0\0",
    "image/bmp": b"BM" + struct.pack("<IIII", 27, 0, 26, 12) + bytes(9),
    "audio/mp4": MP4,
    "audio/mp3": b"ID3\x04\0\0\0\0\0\0\0",
    "audio/x-m4a": MP4,
    "audio/x-wav": WAV,
    "audio/wave": WAV,
    "audio/wav": WAV,
    "audio/x-pn-wav": WAV,
    "audio/webm": b"\x1aE\xdf\xa3\x01",
    "audio/x-ogg": OGG,
    "audio/opus": OGG + b"OpusHead",
}


def form(content: bytes = TEXT, mime: str = "text/plain", filename: str = "файл.txt", purpose: str = "general") -> Any:
    """What an upload sends, its file's name unescaped."""
    sent = aiohttp.FormData(quote_fields=False)
    sent.add_field("file", BytesIO(content), filename=filename, content_type=mime)
    sent.add_field("purpose", purpose)
    return sent


async def upload(
    session: aiohttp.ClientSession, content: bytes = TEXT, mime: str = "text/plain", client: str | None = None
) -> str:
    """Send a file; give its id."""
    headers = {} if client is None else {"X-Client-ID": client}
    async with session.post("/v1/files", data=form(content, mime), headers=headers) as response:
        answer = await response.json()
        assert response.status == 200, answer
        return str(answer["id"])


def put(running: Running, size: int, mime: str = "image/png") -> str:
    """Lay a file of any size on the shelf of the usual owner without sending it; give its id."""
    from app.sandbox.file_store import Owner, Upload
    from app.sandbox.tokens import ACCOUNT

    given = Upload(filename="a", mime=mime, content=bytes(size), sha256="0" * 64, purpose="general")
    return running.state.files.keep(Owner(ACCOUNT, None), given, 0).id
