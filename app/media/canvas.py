"""Reads the size of the first picture of a GIF or WebP, and whether it is animated.

Source: GIF89a specification, 18 to 24; RFC 9649 (WebP), 2.3 to 2.7; RFC 6386, 9.1 (VP8).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from app.media.failure import Broken

_MOST_BLOCKS = 200_000
_MOST_CHUNKS = 1000
_GIF_SCREEN_BYTES = 13
_GIF_EXTENSION, _GIF_IMAGE = 0x21, 0x2C
_ANIMATED, _ALPHA = 0x02, 0x10


class Canvas(NamedTuple):
    """The first picture. Only a WebP sets `animated`, `alpha` and `lossless`."""

    width: int
    height: int
    animated: bool = False
    alpha: bool = False
    lossless: bool = False


def read_gif_canvas(data: bytes) -> Canvas:
    """The size of the screen, or of the first image if it is larger. Raises Broken, IndexError, struct.error."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = _GIF_SCREEN_BYTES + _palette_bytes(flags)
    for _ in range(_MOST_BLOCKS):
        kind = data[at]
        if kind == _GIF_IMAGE:
            left, top, across, down = struct.unpack_from("<4H", data, at + 1)
            return Canvas(max(width, left + across), max(height, top + down))
        # Unknown bytes are skipped one by one, as decoders do.
        at = _after_extension(data, at + 2) if kind == _GIF_EXTENSION else at + 1
    raise Broken("too much before the first image")


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_extension(data: bytes, at: int) -> int:
    for _ in range(_MOST_BLOCKS):
        length = data[at]
        at += 1 + length
        if not length:
            return at
    raise Broken("an extension without an end")


def read_webp_canvas(data: bytes) -> Canvas:
    """The largest size in the file: of the canvas, a frame or a stream. Raises Broken, IndexError, struct.error."""
    width = height = 0
    animated = alpha = lossless = False
    at = 12
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(data):
            break
        name, length = struct.unpack_from("<4sI", data, at)
        start = at + 8
        size = (0, 0)
        if name == b"VP8X":
            animated, alpha = bool(data[start] & _ANIMATED), alpha or bool(data[start] & _ALPHA)
            size = _three(data, start + 4) + 1, _three(data, start + 7) + 1
        elif name == b"ANMF":  # the chunks of the frame follow its sizes
            size = _three(data, start + 6) + 1, _three(data, start + 9) + 1
            length = 16
        elif name == b"VP8 ":
            across, down = struct.unpack_from("<HH", data, start + 6)
            size = across & 0x3FFF, down & 0x3FFF
        elif name == b"VP8L":
            head = int.from_bytes(data[start + 1 : start + 5], "little")
            size = (head & 0x3FFF) + 1, (head >> 14 & 0x3FFF) + 1
            lossless, alpha = True, alpha or bool(head >> 28 & 1)
        if size[0] * size[1] > width * height:
            width, height = size
        at = start + length + (length & 1)
    if not width * height:
        raise Broken("without a picture")
    return Canvas(width, height, animated, alpha, lossless)


def _three(data: bytes, at: int) -> int:
    if at + 3 > len(data):
        raise Broken("cut off")
    return int.from_bytes(data[at : at + 3], "little")


def webp_chunks(data: bytes) -> dict[bytes, bytes]:
    """The contents of the colour profile (ICCP) and EXIF chunks, by name."""
    found: dict[bytes, bytes] = {}
    at = 12
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(data):
            break
        name, length = struct.unpack_from("<4sI", data, at)
        if name in (b"ICCP", b"EXIF"):
            found.setdefault(name, data[at + 8 : at + 8 + length])
        at += 8 + length + (length & 1)
    return found
