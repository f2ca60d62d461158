"""Finds the largest picture size in an AVIF or HEIC file, in all places that hold one.

A decoder allocates memory by the size in the codec's stream. The size in the container (`ispe`) may be far smaller.
Source: ISO/IEC 23008-12 (HEIF), 6.5 and 6.6; ISO/IEC 14496-12, 8.11 (items); AV1 Image File Format, 2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from app.media.codec_headers import av1_size, hevc_size
from app.media.containers import MOST_BOXES, boxes
from app.media.failure import Broken

# A phone's photo has about fifty tiles and a few other items.
_MOST_ITEMS = 1000
# The codec's headers are at the beginning of the stream.
_STREAM_BYTES = 4096
# Boxes that contain boxes: those around the properties of pictures, and around the sample entries of a video.
_CONTAINER_BOXES = frozenset({b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"av01", b"hvc1", b"hev1"})
# Bytes of fields before the boxes inside.
_HEADER_BYTES = {b"stsd": 8, b"av01": 78, b"hvc1": 78, b"hev1": 78}


class Pictures:
    """The largest picture size of a file, and its pixels' format."""

    __slots__ = ("alpha", "bits", "chroma", "height", "tiled", "width")

    def __init__(self) -> None:
        self.width = self.height = 0
        self.bits = 8
        self.chroma: float = 0.5  # colour samples per brightness sample: 0.5 for 4:2:0
        self.alpha = self.tiled = False

    @property
    def planes(self) -> float:
        """Bytes per pixel of the codec's output: brightness, colours, transparency."""
        return (1 + self.chroma + self.alpha) * (1 if self.bits == 8 else 2)

    def add(self, width: int, height: int) -> None:
        """Add a size that the file holds."""
        if width * height > self.width * self.height:
            self.width, self.height = width, height


class _Items:
    """The type of each item, and the position and length of its first extent."""

    __slots__ = ("extents", "kinds")

    def __init__(self) -> None:
        self.kinds: dict[int, bytes] = {}
        self.extents: dict[int, tuple[int, int]] = {}


def read_heif_pictures(data: bytes) -> Pictures:
    """The largest size in the file. Raises Broken if there is none, or struct.error if the file is truncated."""
    found, steps = Pictures(), iter(range(MOST_BOXES))
    for name, start, end in boxes(data, 0, len(data), steps):
        if name == b"meta":
            _read_meta(data, start + 4, end, steps, found)
        elif name == b"moov":
            for inner, inner_start, inner_end in _walk_boxes(data, start, end, steps):
                _read_property(data, inner, inner_start, inner_end, found)
    if not found.width:
        raise Broken("without a size")
    return found


def _walk_boxes(data: bytes, start: int, end: int, steps: Iterator[int]) -> Iterator[tuple[bytes, int, int]]:
    """The boxes in this range, with the boxes inside them."""
    for name, inner, stop in boxes(data, start, end, steps):
        yield name, inner, stop
        if name in _CONTAINER_BOXES:
            yield from _walk_boxes(data, inner + _HEADER_BYTES.get(name, 0), stop, steps)


def _read_meta(data: bytes, start: int, end: int, steps: Iterator[int], found: Pictures) -> None:
    items, idat_start = _Items(), 0
    for name, inner, stop in boxes(data, start, end, steps):
        if name == b"iinf":
            _read_kinds(data, inner, stop, steps, items)
        elif name == b"idat":
            idat_start = inner
        elif name == b"iprp":
            for kind, property_start, property_end in _walk_boxes(data, inner, stop, steps):
                _read_property(data, kind, property_start, property_end, found)
    for name, inner, stop in boxes(data, start, end, steps):
        if name == b"iloc":
            _read_extents(data, inner, stop, items, idat_start)
    for item, kind in items.kinds.items():
        at, length = items.extents.get(item, (0, 0))
        _read_item(kind, data[at : at + min(length or len(data), _STREAM_BYTES)], found)


def _read_property(data: bytes, name: bytes, start: int, end: int, found: Pictures) -> None:
    content = data[start:end]
    if name == b"ispe":
        found.add(*struct.unpack_from(">4xII", content))
    elif name == b"tkhd":
        width, height = struct.unpack_from(">II", content, len(content) - 8) if len(content) >= 84 else (0, 0)
        found.add(width >> 16, height >> 16)
    elif name == b"hvcC":
        found.bits = max(found.bits, (content[17] & 7) + 8)
        found.chroma = max(found.chroma, (0, 0.5, 1, 2)[content[16] & 3])
        found.add(*(hevc_size(content) or (0, 0)))
    elif name == b"av1C":
        found.bits = max(found.bits, 12 if content[2] & 0x20 else 10 if content[2] & 0x40 else 8)
        found.chroma = max(found.chroma, {0: 2, 8: 1}.get(content[2] & 0xC, 0.5))
        found.add(*(av1_size(content[4:]) or (0, 0)))
    elif name == b"auxC":
        found.alpha = found.alpha or b"alpha" in content or b"auxid:1" in content


def _read_item(kind: bytes, content: bytes, found: Pictures) -> None:
    if kind == b"av01":
        found.add(*(av1_size(content) or (0, 0)))
    elif kind == b"grid":
        found.tiled = True
        found.add(*struct.unpack_from(">II" if content[1] & 1 else ">HH", content, 4))
    elif kind == b"iovl":
        # After the version: flags, a colour of four numbers, then the canvas.
        found.add(*struct.unpack_from(">II" if content[1] & 1 else ">HH", content, 10))


def _read_kinds(data: bytes, start: int, end: int, steps: Iterator[int], items: _Items) -> None:
    first = start + (6 if data[start] == 0 else 8)
    for name, inner, _ in boxes(data, first, end, steps):
        if name != b"infe" or data[inner] < 2:
            continue
        form = ">4xH2x4s" if data[inner] == 2 else ">4xI2x4s"
        item, kind = struct.unpack_from(form, data, inner)
        items.kinds[item] = kind
        if len(items.kinds) > _MOST_ITEMS:
            raise Broken("too many items")


def _read_extents(data: bytes, start: int, end: int, items: _Items, idat_start: int) -> None:
    """Read from `iloc` the first extent of each item. It is a position in the file or in `idat`."""
    version, sizes = data[start], int.from_bytes(data[start + 4 : start + 6])
    offset_bytes, length_bytes, base_bytes = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_bytes = sizes & 15 if version else 0
    at = start + 6

    def number(width: int) -> int:
        nonlocal at
        if at + width > end:
            raise Broken("cut off")
        at += width
        return int.from_bytes(data[at - width : at])

    id_bytes = 2 if version < 2 else 4
    count = number(id_bytes)
    if count > _MOST_ITEMS:
        raise Broken("too many items")
    for _ in range(count):
        item = number(id_bytes)
        method = number(2) & 15 if version else 0
        number(2)
        base, extents = number(base_bytes), number(2)
        for extent in range(extents):
            number(index_bytes)
            offset, length = number(offset_bytes), number(length_bytes)
            if extent == 0 and method < 2:
                items.extents[item] = base + offset + (idat_start if method else 0), length
