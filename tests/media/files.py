"""Real files, made when they are needed: images by Pillow, sounds and documents by hand after their formats' rules."""

from __future__ import annotations

import io
import struct
import wave
import zipfile
import zlib
from functools import cache
from typing import Any

import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()


def picture(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A picture with something in it: the left upper quarter is red, the rest is a slope of greys."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    image.paste((255, 0, 0), (0, 0, size[0] // 2, size[1] // 2))
    return image.convert(mode)


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    """The image in a format."""
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


@cache
def photo(form: str, **options: Any) -> bytes:
    """The picture as a file of a format."""
    return saved(picture(), form, **options)


@cache
def bomb(side: int = 30_000) -> bytes:
    """A PNG of black pixels, so many of the same that some hundred kilobytes become almost a gigabyte."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    rows = packer.compress(bytes(side + 1) * 100) + packer.flush(zlib.Z_FULL_FLUSH)
    check = struct.pack(">HH", side * (side + 1) % 65521, 1)  # Adler-32 of so many zeros
    pixels = b"\x78\x01" + rows * (side // 100) + b"\x03\0" + check
    header = struct.pack(">II", side, side) + b"\x08\0\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def wav() -> bytes:
    """A tenth of a second of silence."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(1600))
    return out.getvalue()


def ogg(packet: bytes) -> bytes:
    """One page of Ogg with one packet."""
    return b"OggS\0\x02" + bytes(16) + bytes(4) + b"\x01" + bytes([len(packet)]) + packet


OPUS = ogg(b"OpusHead\x01\x01" + bytes(9))
VORBIS = ogg(b"\x01vorbis" + bytes(23))
THEORA = ogg(b"\x80theora\x03\x02\x01" + bytes(33))

# MPEG-1 layer III, 128 kbit/s, 44.1 kHz: 417 bytes a frame.
MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)
# AAC LC, 44.1 kHz, stereo, 200 bytes a frame.
AAC_FRAME = b"\xff\xf1\x50\x80" + bytes([200 >> 3, (200 & 7) << 5 | 0x1F, 0xFC]) + bytes(193)


def id3(size: int) -> bytes:
    """A tag of so many bytes after its header."""
    return b"ID3\x04\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(size)


def box(name: bytes, *content: bytes) -> bytes:
    """A box of MP4."""
    data = b"".join(content)
    return struct.pack(">I4s", 8 + len(data), name) + data


def track(handler: bytes) -> bytes:
    """A track of a kind: "vide" or "soun"."""
    return box(b"trak", box(b"tkhd", bytes(84)), box(b"mdia", box(b"hdlr", bytes(8), handler, bytes(13))))


def mp4(major: bytes, *handlers: bytes, compatible: bytes = b"isom", media_first: bool = True) -> bytes:
    """A file of boxes with tracks of these kinds."""
    start = box(b"ftyp", major, bytes(4), major, compatible)
    movie = box(b"moov", box(b"mvhd", bytes(100)), *map(track, handlers))
    media = box(b"mdat", bytes(1000))
    return start + (media + movie if media_first else movie + media)


def element(name: int, *content: bytes, unknown: bool = False) -> bytes:
    """An element of EBML, its size in eight bytes."""
    data = b"".join(content)
    size = b"\x01" + (b"\xff" * 7 if unknown else len(data).to_bytes(7))
    return name.to_bytes((name.bit_length() + 7) // 8) + size + data


def matroska(doctype: bytes, *tracks: int, live: bool = False) -> bytes:
    """A Matroska file with tracks of these types: 1 is video, 2 is audio."""
    head = element(0x1A45DFA3, element(0x4286, b"\x01"), element(0x4282, doctype))
    entries = [element(0xAE, element(0xD7, b"\x01"), element(0x83, bytes([kind]))) for kind in tracks]
    parts = [element(0x1549A966, element(0x2AD7B1, b"\x0f\x42\x40")), element(0x1654AE6B, *entries)]
    return head + element(0x18538067, *parts, element(0x1F43B675, bytes(100), unknown=live), unknown=live)


def zipped(*names: str, stated: str = "") -> bytes:
    """A ZIP with these files, or with a first one that states its type."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        if stated:
            archive.writestr(zipfile.ZipInfo("mimetype"), stated)
        for name in names:
            archive.writestr(name, "<xml/>" * 20)
    return out.getvalue()


def compound(*names: str) -> bytes:
    """An OLE file whose directory has these names, four a sector of 512 bytes, chained through its table."""
    sectors = [names[at : at + 4] for at in range(0, len(names), 4)]
    header = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504))
    struct.pack_into("<HH", header, 28, 0xFFFE, 9)
    struct.pack_into("<I", header, 48, 1)
    struct.pack_into("<109I", header, 76, 0, *[0xFFFFFFFF] * 108)
    chain = [0xFFFFFFFD, *range(2, len(sectors) + 1), 0xFFFFFFFE]
    table = struct.pack("<128I", *chain, *[0xFFFFFFFF] * (128 - len(chain)))
    directory = b""
    for sector in sectors:
        for name in (*sector, *[""] * (4 - len(sector))):
            text = name.encode("utf-16-le")
            directory += text.ljust(64, b"\0") + struct.pack("<H", len(text) + 2 if name else 0) + bytes(62)
    return bytes(header) + table + directory


PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n"
