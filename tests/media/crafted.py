"""Images that are made to take memory or time, made when they are needed: most are smaller than this line is long."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tests.media import files

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "images"
LARGE_AVIF, LARGE_HEIC = ("frame_16384.avif", 16_384), ("frame_10000.heic", 10_000)


def tiff(*tags: tuple[int, int, int, int], content: bytes = b"", order: str = "<") -> bytes:
    """A classic TIFF with one directory of (tag, type, count, value), and content behind it."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    packed = [
        struct.pack(f"{order}HHI", tag, kind, count) + _value(order, kind, value) for tag, kind, count, value in tags
    ]
    return head + struct.pack(f"{order}H", len(tags)) + b"".join(packed) + bytes(4) + content


def _value(order: str, kind: int, value: int) -> bytes:
    letter = {1: "B", 3: "H"}.get(kind, "I")
    return struct.pack(f"{order}{letter}", value).ljust(4, b"\0")


def sized(
    width: int, height: int, *more: tuple[int, int, int, int], packing: int = 8
) -> tuple[tuple[int, int, int, int], ...]:
    """The tags of a grey picture of this size, deflated; `more` replace them."""
    tags = {256: (256, 4, 1, width), 257: (257, 4, 1, height), 258: (258, 3, 1, 8), 259: (259, 3, 1, packing)}
    tags |= {262: (262, 3, 1, 1), 277: (277, 3, 1, 1)}
    tags |= {tag[0]: tag for tag in more}
    return tuple(tags[number] for number in sorted(tags))


def tiled(side: int, kind: int = 4, packing: int = 8) -> bytes:
    """A small picture in one tile of this side."""
    more = ((322, kind, 1, side), (323, kind, 1, side), (324, 4, 1, 8), (325, 4, 1, 40))
    return tiff(*sized(64, 64, *more, packing=packing), content=zlib.compress(bytes(100)))


def one_strip(width: int, height: int, samples: int = 1, planar: int = 1) -> bytes:
    """A picture in one strip, with so many samples a pixel."""
    more = ((273, 4, 1, 8), (277, 3, 1, samples), (278, 4, 1, height), (279, 4, 1, 40), (284, 3, 1, planar))
    return tiff(*sized(width, height, *more), content=zlib.compress(bytes(100)))


def tiff_of_tags(count: int, size: int) -> bytes:
    """A small picture whose tags all claim the same bytes."""
    tags = [*sized(8, 8, (273, 4, 1, 8), (279, 4, 1, 64)), *((50_000 + number, 7, size, 8) for number in range(count))]
    return tiff(*tags, content=bytes(size))


def bmp_runs(width: int, height: int, bits: int = 8, content: bytes = b"\0\1") -> bytes:
    """A BMP in runs, RLE8 or RLE4."""
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 1 if bits == 8 else 2, len(content), 0, 0, 2, 0)
    return b"BM" + struct.pack("<IHHI", 62 + len(content), 0, 0, 62) + header + bytes(8) + content


_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def png(
    width: int, height: int, depth: int = 16, colour: int = 6, interlaced: int = 1, rows: int | None = None
) -> bytes:
    """A PNG of black pixels; `rows` -1 leaves the last row out. By default eight bytes a pixel."""
    bits = depth * {0: 1, 2: 3, 6: 4}[colour]
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    sizes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in passes]
    lines = [1 + (across * bits + 7) // 8 for across, down in sizes if across > 0 for _ in range(down)]
    packer = zlib.compressobj(1)
    data = b"".join(packer.compress(bytes(line)) for line in lines[:rows]) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def webp_film(width: int, height: int) -> bytes:
    """An animated WebP with a large canvas and a tiny frame."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return name + struct.pack("<I", len(data)) + data + bytes(len(data) & 1)

    frame = files.saved(Image.new("RGB", (1, 1)), "WEBP", lossless=True)[12:]
    one = (0).to_bytes(3, "little")
    moved = chunk(b"ANMF", one * 4 + (100).to_bytes(3, "little") + b"\0" + frame)
    head = b"\x02\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + chunk(b"VP8X", head) + chunk(b"ANIM", bytes(6)) + moved * 2
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif(screen: tuple[int, int], frame: tuple[int, int]) -> bytes:
    """A GIF whose frame may lead out of the screen; its data end at once."""
    head = b"GIF89a" + struct.pack("<HH", *screen) + b"\x80\0\0" + bytes(6)
    return head + b"," + struct.pack("<HHHH", 0, 0, *frame) + b"\0\x02\x02L\x01\0;"


def jpeg_claiming(width: int, height: int, **options: bool | int) -> bytes:
    """A small JPEG whose header claims another size."""
    data = bytearray(files.saved(files.picture(), "JPEG", subsampling=0, **options))
    at = max(data.find(b"\xff\xc2"), data.find(b"\xff\xc0"))
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def jpeg_of_scans(width: int, height: int, scans: int) -> bytes:
    """A progressive JPEG of this size whose last scan, all end-of-block runs, comes again and again."""
    data = jpeg_claiming(width, height, progressive=True)
    at = data.rindex(b"\xff\xda")
    return data[:at] + data[at:-2] * scans + b"\xff\xd9"


def shown_smaller(name: str, side: int) -> bytes:
    """A sample of one colour whose container says 64 x 64. It was honest when it was made."""
    real = b"ispe" + bytes(4) + struct.pack(">II", side, side)
    data = (SAMPLES / name).read_bytes()
    assert real in data
    return data.replace(real, b"ispe" + bytes(4) + struct.pack(">II", 64, 64))


def hidden() -> bytes:
    """An AVIF whose stream begins with padding, so that its header stands where nobody looks for it."""
    data, padding = shown_smaller(*LARGE_AVIF), 6000
    content = data.index(b"mdat") + 4
    size = len(data) - content
    unit = b"\x7a" + bytes([padding & 127 | 128, padding >> 7]) + bytes(padding)
    made = data[: content - 8] + struct.pack(">I4s", 8 + len(unit) + size, b"mdat") + unit + data[content:]
    place = struct.pack(">II", content, size)
    assert place in data
    return made.replace(place, struct.pack(">II", content, size + len(unit)))


def grid_claiming(side: int) -> bytes:
    """A HEIF of tiles whose grid claims this side, while the container says less."""
    data = files.saved(files.picture(size=(256, 256)), "HEIF", tile_size=64)
    real = b"\0\0\3\3" + struct.pack(">HH", 256, 256)
    assert real in data
    return data.replace(real, b"\0\0\3\3" + struct.pack(">HH", side, side))


Maker = Callable[[], bytes]
# By what they do; each is small, and took hundreds of megabytes or seconds.
ATTACKS: dict[str, Maker] = {
    "a tiff of one tile": lambda: tiled(26_000),
    "a tiff of one tile, in bytes of eight": lambda: tiled(26_000, kind=16),
    "a tiff of one tile that is a jpeg": lambda: tiled(16_000, packing=7),
    "a tiff of one strip": lambda: one_strip(26_000, 26_000),
    "a tiff of many samples": lambda: one_strip(7000, 7000, samples=60_000),
    "a tiff of many planes": lambda: one_strip(7000, 7000, samples=4, planar=2),
    "a tiff of tags": lambda: tiff_of_tags(400, 1_000_000),
    "an avif shown smaller": lambda: shown_smaller(*LARGE_AVIF),
    "an avif that hides its size": hidden,
    "a heic shown smaller": lambda: shown_smaller(*LARGE_HEIC),
    "a heic of tiles": lambda: grid_claiming(60_000),
    "a bmp in runs": lambda: bmp_runs(60_000, 800, content=b"\1\0\0\0" * 250),
    "a bmp in runs of four bits": lambda: bmp_runs(60_000, 800, 4, content=b"\1\0\0\0" * 250),
    "a png of sixteen bits": lambda: png(6000, 6000),
    "a webp film": lambda: webp_film(16_000, 1600),
    "a gif that leads out of its screen": lambda: gif((64, 48), (8000, 6000)),
    "a progressive jpeg": lambda: jpeg_claiming(7000, 7000, progressive=True),
    "a jpeg of scans": lambda: jpeg_of_scans(7000, 7000, 80),
}
