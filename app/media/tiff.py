"""Reads a TIFF's directory: the sizes of the picture, its strips and its tiles, by which a decoder allocates memory.

Source: TIFF 6.0, sections 2, 8 and 15; libtiff's table of compressions. BigTIFF, for files of gigabytes, is refused.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from app.media.failure import Broken

_WIDTH, _HEIGHT, _BITS, _PACKING, _SAMPLES, _ROWS = 256, 257, 258, 259, 277, 278
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
# Tags of the positions and sizes of the pixel data: in strips, or in tiles.
_PLACES = ((273, 279), (324, 325))
_NUMBERS = frozenset({_WIDTH, _HEIGHT, _PACKING, _SAMPLES, _ROWS, _TILE_WIDTH, _TILE_HEIGHT})
_WANTED = _NUMBERS | {_BITS, *(tag for pair in _PLACES for tag in pair)}
# Letters in `struct` of the integer types, which decoders accept for each other; the bytes of a value of each type.
_LETTERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_UNDEFINED = 7

_MOST_TAGS = 500
_MOST_STRIPS = 100_000  # one for each line of the largest picture is less
# Fax compressions, and the most bytes that one compressed byte may become in the others: none, LZW, JPEG, deflate (two
# numbers), PackBits. Other compressions are rare, and each would need one more decoder.
_FAX = frozenset({2, 3, 4})
_MOST_UNPACKED = {1: 1, 5: 3000, 7: 600, 8: 1100, 32773: 64, 32946: 1100}
_MOST_SAMPLES, _MOST_BITS = 5, 32
# A tile may be larger than a small picture: programs use the same tile size for all pictures.
_MOST_TILE_PIXELS = 1024 * 1024

_Tags = dict[int, tuple[int, ...]]


class Layout(NamedTuple):
    """The fields by which a decoder allocates memory.

    `buffer`: the bytes of one decompressed strip or tile. `packed`: the compressed bytes of all of them. `packing`: the
    number of the compression.
    """

    width: int
    height: int
    samples: int
    bits: int
    buffer: int
    packed: int
    packing: int

    @property
    def plausible(self) -> bool:
        """Whether the compressed bytes can hold so many pixels."""
        raw = self.width * self.height * self.samples * self.bits // 8
        return self.packing in _FAX or raw <= _MOST_UNPACKED.get(self.packing, 1) * self.packed


def read_tiff_layout(data: bytes) -> Layout:
    """Read the first directory, and check that its strips or tiles are inside the file and of usual sizes.

    Raises Broken, or struct.error if the directory is truncated.
    """
    order = "<" if data.startswith(b"II") else ">"
    version, at = struct.unpack_from(f"{order}HI", data, 2)
    if version != 42:
        raise Broken("not a classic TIFF")
    tags = _directory(data, at, order)
    for offsets, counts in _PLACES:
        for start, length in zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False):
            if start + length > len(data):
                raise Broken("cut off")
    packed = sum(sum(tags.get(counts, ())) for _, counts in _PLACES)
    return _layout({tag: values[0] for tag, values in tags.items() if values}, tags.get(_BITS) or (1,), packed)


def _directory(data: bytes, at: int, order: str) -> _Tags:
    """The values of the wanted tags. Raises Broken if all tags together have more values than the file has bytes."""
    (count,) = struct.unpack_from(f"{order}H", data, at)
    if count > _MOST_TAGS:
        raise Broken("too many tags")
    tags: _Tags = {}
    left = len(data)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, amount = struct.unpack_from(f"{order}HHI", data, entry)
        size = amount * _BYTES.get(kind, 0)
        left -= size
        if left < 0:
            raise Broken("values that are not there")
        if tag not in _WANTED or kind == _UNDEFINED:
            continue
        letter = _LETTERS.get(kind)
        if letter is None or tag in tags or amount > _MOST_STRIPS:
            raise Broken("a directory that contradicts itself")
        place = entry + 8
        if size > 4:
            (place,) = struct.unpack_from(f"{order}I", data, place)
        tags[tag] = struct.unpack_from(f"{order}{amount}{letter}", data, place)
    return tags


def _layout(first: dict[int, int], depths: tuple[int, ...], packed: int) -> Layout:
    width, height = first.get(_WIDTH, 0), first.get(_HEIGHT, 0)
    samples, bits = first.get(_SAMPLES, 1), max(depths)
    if not 0 < samples <= _MOST_SAMPLES or not 0 < bits <= _MOST_BITS:
        raise Broken("samples of no usual kind")
    packing = first.get(_PACKING, 1)
    if packing not in _FAX and packing not in _MOST_UNPACKED:
        raise Broken("packed in an unusual way")
    columns, rows = width, min(first.get(_ROWS, height), height)
    if _TILE_WIDTH in first or _TILE_HEIGHT in first:
        columns, rows = first.get(_TILE_WIDTH, 0), first.get(_TILE_HEIGHT, 0)
        padded = (width + 255) * (height + 255)
        if not 0 < columns * rows <= max(padded, _MOST_TILE_PIXELS) or columns > padded or rows > padded:
            raise Broken("tiles of no usual size")
    buffer = (columns * samples * bits + 7) // 8 * rows
    return Layout(width, height, samples, bits, buffer, packed, packing)
