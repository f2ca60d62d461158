"""Checks an image, or converts it to a JPEG or PNG without the original's metadata.

Source: EXIF 2.32, 4.6.4 (orientation); Pillow's handbook.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from app.media.decoders import assemble, decode, open_image
from app.media.failure import Broken
from app.media.structure import examine, jpeg_frame
from app.media.tiff import read_tiff_layout

if TYPE_CHECKING:
    from PIL import Image

# The first quality whose file fits is used. Fine text stays readable at 90, and 50 is better than a refusal.
_QUALITIES = (90, 75, 50)
# Higher levels take twice as long and save a few per cent.
_PNG_LEVEL = 3
_STRIPS = 16
# A display's colour profile has some hundred bytes, a printer's has a megabyte.
_MAX_PROFILE_BYTES = 64 * 1024
# Names of Pillow's `Transpose` by EXIF's orientation.
_TRANSPOSITIONS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


class TooManyPixels(Exception):
    """The memory is not enough for the picture, even if it is made smaller."""

    def __init__(self, pixels: int) -> None:
        super().__init__(pixels)
        self.pixels = pixels


class TooLarge(Exception):
    """Even the JPEG of lowest quality exceeds the limit."""


def check(data: bytes, mime: str, decode_bytes: int | None) -> None:
    """Check that a JPEG, PNG, TIFF or BMP is complete. Raises Broken, or what decoders raise.

    `decode_bytes`: the memory that decoding may use; None without Pillow. The structure of each file is checked. If the
    memory is enough, a JPEG is also decoded at an eighth of its size, and a TIFF at its full size.
    """
    examine(data, mime)
    if decode_bytes is None:
        return
    if mime == "image/jpeg":
        if jpeg_frame(data).coefficients < decode_bytes:
            image = open_image(data, mime)
            image.draft(image.mode, (max(image.width // 8, 1), max(image.height // 8, 1)))
            image.load()
    elif mime == "image/tiff":
        from app.media.costs import estimate

        if estimate(data, mime).peak < decode_bytes:
            open_image(data, mime).load()
        elif not read_tiff_layout(data).plausible:
            raise Broken("cut off")


def convert(data: bytes, mime: str, limit: int, decode_bytes: int) -> tuple[bytes, str, bool]:
    """Convert an image. Returns the new file, its type, and whether the original was animated.

    `limit`: the largest new file, in bytes. `decode_bytes`: the memory that decoding may use. Raises TooManyPixels,
    TooLarge, Broken, or what decoders raise.
    """
    from app.media.costs import estimate

    cost = estimate(data, mime)
    factor = cost.shrink(decode_bytes)
    if factor is None:
        raise TooManyPixels(cost.width * cost.height)
    decoded = decode(data, mime)
    profile, orientation, animated = decoded.profile, decoded.orientation, decoded.animated
    image = assemble(decoded, factor)
    del decoded  # frees its pixels
    if image.mode.startswith("I"):  # 16 bits of grey: Pillow would clip the values at 255 instead of scaling them
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if orientation in _TRANSPOSITIONS:
        from PIL import Image

        image = image.transpose(Image.Transpose[_TRANSPOSITIONS[orientation]])
    if profile and len(profile) > _MAX_PROFILE_BYTES:
        profile = None
    return (*_encode(image, profile, limit), animated)


def _encode(image: Image.Image, profile: bytes | None, limit: int) -> tuple[bytes, str]:
    if image.has_transparency_data:
        image = image.convert("RGBA") if image.mode != "RGBA" else image
        if image.getchannel("A").getextrema()[0] != 255:
            png = _save(image, "PNG", profile, compress_level=_PNG_LEVEL) if _may_fit(image, limit) else b""
            if 0 < len(png) <= limit:
                return png, "image/png"
            del png
            _put_on_white(image)
    if image.mode != "RGB":  # convert() makes a copy even if the mode is the same
        image = image.convert("RGB")
    for quality in _QUALITIES:
        jpeg = _save(image, "JPEG", profile, quality=quality)
        if len(jpeg) <= limit:
            return jpeg, "image/jpeg"
    raise TooLarge


def _may_fit(image: Image.Image, limit: int) -> bool:
    """Whether a PNG may fit into the limit. To encode a large one takes seconds, so a strip of it is encoded first."""
    if image.width * image.height * len(image.getbands()) <= limit:
        return True
    rows = max(1, image.height // _STRIPS)
    top = (image.height - rows) // 2
    strip = image.crop((0, top, image.width, top + rows))
    return len(_save(strip, "PNG", None, compress_level=_PNG_LEVEL)) * image.height // rows <= limit * 5 // 4


def _put_on_white(image: Image.Image) -> None:
    from PIL import ImageChops

    image.paste((255, 255, 255, 255), mask=ImageChops.invert(image.getchannel("A")))


def _save(image: Image.Image, form: str, profile: bytes | None, **options: int) -> bytes:
    """Encode the image with its colour profile, without the original's other metadata."""
    image.info = {}
    image.readonly = 0  # otherwise Pillow makes a copy before it saves
    out = BytesIO()
    image.save(out, form, icc_profile=profile, **options)
    return out.getvalue()
