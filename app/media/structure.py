"""Whether an image is whole, as far as its structure tells without decoding it: for gateways without Pillow.

The bounds on pixels and scans are for those with Pillow as well, which look at them before they decode.

Source: ITU-T T.81, annex B (JPEG); RFC 2083, 3 (PNG); TIFF 6.0, section 2; Microsoft's BITMAPINFOHEADER (BMP).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

# A phone's best photo has 50 million; four bytes for each of them are what decoding takes.
MAX_PIXELS = 50_000_000
# A progressive JPEG has about ten; each costs a walk over all its pixels, and a hostile one has thousands.
MAX_SCANS = 100

_SOI, _EOI, _SOS = b"\xff\xd8", 0xD9, 0xDA
# What is a marker: not a stuffed byte of a scan, not a restart inside one, not a byte of fill.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_MOST_SEGMENTS = 10_000
# Frame headers, which have the size: SOF0 to SOF15 without DHT, JPG and DAC.
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

_PNG_HEADER = 8
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
# Where the pixels lie, and how many bytes of them: in strips or in tiles.
_TIFF_STRIPS = ((273, 279), (324, 325))
_TIFF_TYPES = {3: "H", 4: "I"}
_TIFF_WANTED = frozenset({_TIFF_WIDTH, _TIFF_HEIGHT, *(tag for pair in _TIFF_STRIPS for tag in pair)})
_MOST_STRIPS = 100_000  # one for each line of the largest picture is less
_BMP_UNCOMPRESSED = (0, 3)


class Broken(ValueError):
    """An image that is cut off, contradicts itself or is larger than any real one."""


def examine(data: bytes, mime: str) -> None:
    """Look at a JPEG, PNG, TIFF or BMP. Raises Broken."""
    look = {"image/jpeg": _jpeg, "image/png": _png, "image/tiff": _tiff, "image/bmp": _bmp}[mime]
    try:
        width, height = look(data)
    except (struct.error, IndexError):
        raise Broken("cut off") from None
    if not 0 < width * height <= MAX_PIXELS:
        raise Broken("no pixels, or too many")


def check_scans(data: bytes) -> None:
    """Refuse a JPEG that is made to be slow; other formats pass. Raises Broken."""
    if data.startswith(_SOI) and sum(kind == _SOS for kind, _ in _segments(data)) > MAX_SCANS:
        raise Broken("too many scans")


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """A JPEG's segments up to its end, or its last whole one: what each is and where its length stands."""
    at = len(_SOI)
    for _ in range(_MOST_SEGMENTS):
        marker = _MARKER.search(data, at)
        if not marker:
            return
        at = marker.end()
        yield data[at - 1], at
        if data[at - 1] == _EOI or at + 2 > len(data):
            return
        at += int.from_bytes(data[at : at + 2])
    raise Broken("too many segments")


def _jpeg(data: bytes) -> tuple[int, int]:
    """A frame's header, scans of it, and an end."""
    check_scans(data)
    size, kinds = (0, 0), set()
    for kind, at in _segments(data):
        kinds.add(kind)
        if kind in _SOF:
            height, width = struct.unpack_from(">HH", data, at + 3)
            size = width, height
    if not {_SOS, _EOI} <= kinds:
        raise Broken("cut off")
    return size


def _png(data: bytes) -> tuple[int, int]:
    """Chunks from the header to the end's, with data between."""
    width, height = struct.unpack_from(">II", data, _PNG_HEADER + 8)
    at, seen = _PNG_HEADER, set()
    while True:
        length, name = struct.unpack_from(">I4s", data, at)
        at += 12 + length
        if at > len(data):
            raise Broken("cut off")
        seen.add(name)
        if name == b"IEND":
            break
    if not {b"IHDR", b"IDAT"} <= seen:
        raise Broken("no picture")
    return width, height


def _tiff(data: bytes) -> tuple[int, int]:
    """The first directory, and that the strips or tiles it names lie inside the file. BigTIFF is not taken."""
    order = "<" if data.startswith(b"II") else ">"
    (version, at) = struct.unpack_from(f"{order}HI", data, 2)
    if version != 42:
        raise Broken("not a classic TIFF")
    (count,) = struct.unpack_from(f"{order}H", data, at)
    tags = {}
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, amount = struct.unpack_from(f"{order}HHI", data, entry)
        if tag in _TIFF_WANTED and tag not in tags and (letter := _TIFF_TYPES.get(kind)):
            if amount > _MOST_STRIPS:
                raise Broken("too many strips")
            form = f"{order}{amount}{letter}"
            place = entry + 8
            if struct.calcsize(form) > 4:
                (place,) = struct.unpack_from(f"{order}I", data, place)
            tags[tag] = struct.unpack_from(form, data, place)
    for offsets, counts in _TIFF_STRIPS:
        for start, length in zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False):
            if start + length > len(data):
                raise Broken("cut off")
    return tags.get(_TIFF_WIDTH, (0,))[0], tags.get(_TIFF_HEIGHT, (0,))[0]


def _bmp(data: bytes) -> tuple[int, int]:
    """Both headers, and as many pixels as they promise where those are not compressed."""
    start, header = struct.unpack_from("<II", data, 10)
    if header == 12:
        width, height, _, bits = struct.unpack_from("<4H", data, 18)
        packed = 0
    else:
        width, height, _, bits, packed = struct.unpack_from("<iiHHI", data, 18)
    height = abs(height)  # a negative one means top to bottom
    if packed in _BMP_UNCOMPRESSED and start + (width * bits + 31) // 32 * 4 * height > len(data):
        raise Broken("cut off")
    return width, height
