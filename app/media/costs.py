"""Estimates from an image's header how much memory its decoder needs.

The bytes per pixel were measured with Pillow 13, libwebp 1.6, libavif 1.4, libheif 1.23 and libde265 1.1. The estimate
decides whether an image is refused, and by which factor a large one is made smaller. The process has its own limit in
any case. Imported modules take memory and time, so each format's module is imported where it is needed.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from app.media.failure import Broken
from app.media.structure import MAX_PIXELS, check_pixels, examine, jpeg_frame

# Pillow needs four bytes per pixel of a coloured image.
_PILLOW = 4
# The finished picture, and a copy of it that is rotated or without transparency.
_FINISHED = 2 * _PILLOW
_MOST_SHRUNK = 4


class Cost(NamedTuple):
    """An image's size in pixels, and the bytes that its decoder needs.

    `peak`: at most while decoding. `held`: from then until the picture is assembled. `piecewise`: whether it is
    assembled strip by strip, so that it can be made smaller on the way.
    """

    width: int
    height: int
    peak: int
    held: int
    piecewise: bool = True

    def shrink(self, decode_bytes: int) -> int | None:
        """The factor by which to divide each side so that `decode_bytes` bytes are enough; None if there is none."""
        pixels = self.width * self.height
        for factor in range(1, _MOST_SHRUNK + 1 if self.piecewise else 2):
            finished = _FINISHED * pixels // factor**2
            assembling = self.held + (_PILLOW * pixels // factor**2 if self.piecewise else 0)
            if max(self.peak, assembling, finished) <= decode_bytes:
                return factor
        return None


def estimate(data: bytes, mime: str) -> Cost:
    """Estimate the cost of decoding an image. Raises Broken if its header is invalid or it has too many pixels."""
    try:
        cost = _COSTS[mime](data)
    except (struct.error, IndexError):
        raise Broken("cut off") from None
    check_pixels(cost.width, cost.height, MAX_PIXELS)
    return cost


def _of_jpeg(data: bytes) -> Cost:
    frame = jpeg_frame(data)
    pixels = frame.width * frame.height
    return Cost(frame.width, frame.height, frame.coefficients + _PILLOW * pixels, _PILLOW * pixels, piecewise=False)


def _of_png(data: bytes) -> Cost:
    examine(data, "image/png")
    width, height = struct.unpack_from(">II", data, 16)
    return Cost(width, height, _FINISHED * width * height, _PILLOW * width * height, piecewise=False)


def _of_tiff(data: bytes) -> Cost:
    from app.media.tiff import read_tiff_layout

    layout = read_tiff_layout(data)
    check_pixels(layout.width, layout.height)
    pixels = layout.width * layout.height
    peak = (_FINISHED if layout.bits > 8 else _PILLOW) * pixels + layout.buffer
    return Cost(layout.width, layout.height, peak, _PILLOW * pixels, piecewise=False)


def _of_bmp(data: bytes) -> Cost:
    examine(data, "image/bmp")
    if data[14] > 12 and data[30] in (1, 2):
        raise Broken("runs, which Pillow unpacks in Python")
    width, signed_height = struct.unpack_from("<HH" if data[14] == 12 else "<ii", data, 18)
    height = abs(signed_height)  # negative if the rows go from top to bottom
    pixels = width * height
    return Cost(width, height, _FINISHED * pixels, _PILLOW * pixels, piecewise=False)


def _of_gif(data: bytes) -> Cost:
    from app.media.canvas import read_gif_canvas

    canvas = read_gif_canvas(data)
    pixels = canvas.width * canvas.height
    return Cost(canvas.width, canvas.height, 2 * pixels, 2 * pixels)


def _of_webp(data: bytes) -> Cost:
    from app.media.canvas import read_webp_canvas

    canvas = read_webp_canvas(data)
    pixels = canvas.width * canvas.height
    channels = 4 if canvas.alpha else 3
    if canvas.animated:  # two canvases, the frame and Pillow's picture
        return Cost(canvas.width, canvas.height, 16 * pixels, 13 * pixels)
    if canvas.lossless:
        decoder = 6.2
    elif canvas.alpha:
        decoder = 3
    else:
        decoder = 0.5
    return Cost(canvas.width, canvas.height, int((channels + decoder) * pixels), channels * pixels)


def _of_avif(data: bytes) -> Cost:
    from app.media.heif import read_heif_pictures

    pictures = read_heif_pictures(data)
    pixels = pictures.width * pictures.height
    channels = 4 if pictures.alpha else 3
    peak = (pictures.planes + 2 * channels + (1.4 if pictures.alpha else 0.7)) * pixels
    return Cost(pictures.width, pictures.height, int(peak), channels * pixels)


def _of_heic(data: bytes) -> Cost:
    from app.media.heif import read_heif_pictures

    pictures = read_heif_pictures(data)
    pixels = pictures.width * pictures.height
    if pictures.alpha:
        peak, held = pictures.planes + 4 + 1.8, 4.5
    elif pictures.tiled:
        peak, held = pictures.planes + 3.02, 3.2
    else:
        peak, held = pictures.planes + 3.6, pictures.planes + 3.6
    return Cost(pictures.width, pictures.height, int(peak * pixels), int(held * pixels))


_COSTS = {
    "image/jpeg": _of_jpeg,
    "image/png": _of_png,
    "image/tiff": _of_tiff,
    "image/bmp": _of_bmp,
    "image/gif": _of_gif,
    "image/webp": _of_webp,
    "image/avif": _of_avif,
    "image/heic": _of_heic,
}
