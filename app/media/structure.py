"""Checks the structure of a JPEG, PNG, TIFF or BMP without decoding it: whether it is complete and of a usual size.

Each check has a limit of steps and memory, whatever the file holds. The checks run before any decoder.

Source: ITU-T T.81, annex B (JPEG); RFC 2083, 3 (PNG); Microsoft's BITMAPINFOHEADER (BMP).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from app.media.failure import Broken
from app.media.tiff import read_tiff_layout

__all__ = ["MAX_PIXELS", "MAX_SCANS", "Broken", "Frame", "check_scans", "examine", "jpeg_frame"]

# The best photo of a phone has 50 million pixels.
MAX_PIXELS = 50_000_000
# A progressive JPEG has about ten scans. Each costs a pass over all pixels, and a hostile file has thousands.
MAX_SCANS = 100
# Pixels times scans: a photo of 50 million pixels in twelve scans.
_MAX_WALKED = 600_000_000

_SOI, _EOI, _SOS = b"\xff\xd8", 0xD9, 0xDA
# A marker, but not a stuffed byte in a scan (FF00), a restart marker (FFD0 to FFD7), or a fill byte (FFFF).
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_MAX_SEGMENTS = 10_000
# Frame headers, which hold the size: SOF0 to SOF15 except DHT, JPG and DAC.
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Baseline, extended and progressive, with Huffman or arithmetic coding. Usual viewers do not support the others
# (lossless, differential).
_USUAL_SOF = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_PROGRESSIVE_SOF = frozenset({0xC2, 0xCA})
_HUFFMAN_SOF = frozenset({0xC0, 0xC1, 0xC2})
_MAX_PIXELS_PER_BYTE = 512

_PNG_HEADER = 8
_MAX_CHUNKS = 100_000
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PNG_CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
# The seven passes of an interlaced PNG: the first pixel and the steps, as x, y, dx, dy.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_PACKED_SLICE, _INFLATED_SLICE = 16 * 1024, 256 * 1024

_BMP_UNCOMPRESSED = (0, 3, 6)
_BMP_RUNS = (1, 2)
# Decoders unpack run-length encoded pictures slowly. Real ones, icons and screenshots, are smaller.
_MAX_RUN_PIXELS = 4_000_000


class Frame(NamedTuple):
    """A JPEG's size. `coefficients`: the bytes of the whole picture's coefficients, if its decoder must hold them."""

    width: int
    height: int
    coefficients: int


def examine(data: bytes, mime: str) -> None:
    """Check the structure of a JPEG, PNG, TIFF or BMP. Raises Broken."""
    try:
        match mime:
            case "image/jpeg":
                jpeg_frame(data)
            case "image/png":
                _check_png(data)
            case "image/tiff":
                layout = read_tiff_layout(data)
                check_pixels(layout.width, layout.height)
            case _:
                _check_bmp(data)
    except (struct.error, IndexError):
        raise Broken("cut off") from None


def check_pixels(width: int, height: int, most: int = MAX_PIXELS) -> None:
    """Raise Broken if there are no pixels, or too many."""
    if width <= 0 or height <= 0 or width * height > most:
        raise Broken("no pixels, or too many")


def check_scans(data: bytes) -> None:
    """Raise Broken for a JPEG with so many scans that decoding is slow. Other formats are not checked."""
    if data.startswith(_SOI) and sum(kind == _SOS for kind, _ in _segments(data)) > MAX_SCANS:
        raise Broken("too many scans")


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield each segment of a JPEG, up to its end or the last whole one: the marker, and the position after it."""
    at = len(_SOI)
    for _ in range(_MAX_SEGMENTS):
        marker = _MARKER.search(data, at)
        if not marker:
            return
        at = marker.end()
        yield data[at - 1], at
        if data[at - 1] == _EOI or at + 2 > len(data):
            return
        at += int.from_bytes(data[at : at + 2])
    raise Broken("too many segments")


def jpeg_frame(data: bytes) -> Frame:
    """The frame of a JPEG that has one frame, scans and an end. Raises Broken, IndexError or struct.error."""
    frames = []
    kinds = set()
    scans = 0
    in_first_scan = 0  # components
    for kind, at in _segments(data):
        kinds.add(kind)
        if kind in _SOF:
            frames.append((kind, at))
        elif kind == _SOS:
            scans += 1
            if scans == 1:
                in_first_scan = data[at + 2]
    if len(frames) != 1 or not {_SOS, _EOI} <= kinds:
        raise Broken("cut off, or of several frames")
    if scans > MAX_SCANS:
        raise Broken("too many scans")
    kind, at = frames[0]
    height, width, components = struct.unpack_from(">HHB", data, at + 3)
    check_pixels(width, height)
    if kind not in _USUAL_SOF or not 0 < components <= 4 or width * height * scans > _MAX_WALKED:
        raise Broken("of an unusual kind, or made to be slow")
    # With Huffman coding, each block of 8 x 8 pixels takes at least one bit.
    if kind in _HUFFMAN_SOF and width * height > _MAX_PIXELS_PER_BYTE * len(data):
        raise Broken("cut off")
    has_several_scans = kind in _PROGRESSIVE_SOF or in_first_scan < components
    coefficients = _count_coefficient_bytes(data, at + 8, components, width * height) if has_several_scans else 0
    return Frame(width, height, coefficients)


def _count_coefficient_bytes(data: bytes, at: int, components: int, pixels: int) -> int:
    """The bytes of all coefficients, two per sample. A decoder keeps them if a picture has several scans."""
    factors = [(data[place] >> 4, data[place] & 15) for place in range(at + 1, at + 3 * components, 3)]
    most = max(across for across, _ in factors) * max(down for _, down in factors)
    return 2 * pixels * sum(across * down for across, down in factors) // max(most, 1)


def _check_png(data: bytes) -> None:
    """Check that a PNG has all chunks, correct check sums, and as many pixels as its header says."""
    at = _PNG_HEADER
    last = b""  # the name of the previous chunk
    left = 0  # bytes of pixels that must still come
    unpacker = zlib.decompressobj()
    view = memoryview(data)
    for _ in range(_MAX_CHUNKS):
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        is_first = last == b""
        if end > len(data) or is_first != (name == b"IHDR"):
            raise Broken("cut off, or without a header")
        content = view[at + 8 : end - 4]
        if name in _PNG_CRITICAL and zlib.crc32(content, zlib.crc32(name)) != int.from_bytes(data[end - 4 : end]):
            raise Broken("a check sum that is wrong")
        if name == b"IHDR":
            left = _count_png_bytes(*struct.unpack_from(">IIBBBBB", content))
        elif name == b"IDAT":
            left -= _count_inflated(unpacker, content, left)
        elif name == b"IEND":
            break
        at = end
        last = name
    else:
        raise Broken("too many chunks")
    if left:
        raise Broken("cut off")


def _count_png_bytes(
    width: int, height: int, depth: int, colour: int, _packing: int, _filters: int, interlaced: int
) -> int:
    """The number of bytes of a PNG's pixels before compression. Each row has one more byte, its filter."""
    check_pixels(width, height)
    bits = depth * _PNG_CHANNELS.get(colour, 0)
    if not bits or depth not in (1, 2, 4, 8, 16):
        raise Broken("of no known colours")
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    sizes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in passes]
    return sum(rows * (1 + (columns * bits + 7) // 8) for columns, rows in sizes if columns > 0 and rows > 0)


def _count_inflated(unpacker: zlib._Decompress, content: memoryview, most: int) -> int:
    """Decompress the content and count its bytes, up to `most`. The bytes are not kept."""
    count = 0
    try:
        for at in range(0, len(content), _PACKED_SLICE):
            given: memoryview | bytes = content[at : at + _PACKED_SLICE]
            while count < most and not unpacker.eof:
                made = len(unpacker.decompress(given, min(_INFLATED_SLICE, most - count)))
                count += made
                given = unpacker.unconsumed_tail
                if not made and not given:
                    break
    except zlib.error:
        raise Broken("not packed as it should be") from None
    return count


def _check_bmp(data: bytes) -> None:
    """Check both headers of a BMP, and that it has all its pixels if they are not compressed."""
    start, header = struct.unpack_from("<II", data, 10)
    packed = 0
    if header == 12:
        width, height, _, bits = struct.unpack_from("<4H", data, 18)
    elif header == 16:
        width, height, _, bits = struct.unpack_from("<iiHH", data, 18)
    else:
        width, height, _, bits, packed = struct.unpack_from("<iiHHI", data, 18)
    height = abs(height)  # negative if the rows go from top to bottom
    check_pixels(width, height, _MAX_RUN_PIXELS if packed in _BMP_RUNS else MAX_PIXELS)
    if packed not in (*_BMP_UNCOMPRESSED, *_BMP_RUNS) or (header == 64 and packed > 2):
        raise Broken("packed in an unusual way")
    if packed in _BMP_UNCOMPRESSED and start + (width * bits + 31) // 32 * 4 * height > len(data):
        raise Broken("cut off")
