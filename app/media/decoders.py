"""Decodes image files with as few copies of the pixels as each library allows.

Pillow and pillow-heif are optional (the extra `images`), so they are imported where they are used. This code runs in a
separate process: see `worker`.
Source: Pillow's handbook ("Image file formats", "Security"); libwebp's decode.h; pillow-heif's documentation.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import ctypes

    from PIL import Image, ImageFile

# By type: the module of the decoder, and its function that opens a file. Pillow's other decoders are never used: some
# start programs (EPS). Only the needed module is imported, because modules take memory.
_OPENERS = {
    "image/jpeg": ("PIL.JpegImagePlugin", "jpeg_factory"),
    "image/png": ("PIL.PngImagePlugin", "PngImageFile"),
    "image/tiff": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "image/bmp": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "image/gif": ("PIL.GifImagePlugin", "GifImageFile"),
    "image/webp": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "image/avif": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "image/heic": ("pillow_heif", "open_heif"),
}
_ORIENTATION = 0x0112
# A common multiple of all factors by which pictures are made smaller.
_STRIP_ROWS = 48


class Decoded(NamedTuple):
    """A decoded picture. `strip(top, bottom)` returns some of its rows. `orientation` is the value in EXIF.

    `mode` is Pillow's mode, or "whole" if `strip` can only return all rows.
    """

    width: int
    height: int
    mode: str
    strip: Callable[[int, int], Image.Image]
    profile: bytes | None
    orientation: int = 1
    animated: bool = False


def load_library(mime: str) -> None:
    """Import the decoder of this type, without its warnings and without Pillow's own limit of pixels."""
    from PIL import Image

    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None
    if mime in _OPENERS:
        import_module(_OPENERS[mime][0])


def decode(data: bytes, mime: str) -> Decoded:
    """Decode the (first) picture of a file. Raises what the decoder raises."""
    if mime == "image/heic":
        return _decode_heic(data)
    if mime == "image/webp" and (library := load_libwebp()) is not None:
        from app.media.canvas import read_webp_canvas

        canvas = read_webp_canvas(data)
        if not canvas.animated:
            return _decode_webp(data, "RGBA" if canvas.alpha else "RGB", library)
    return _decode_avif(data) if mime == "image/avif" else _decode_with_pillow(open_image(data, mime))


def open_image(data: bytes, mime: str) -> ImageFile.ImageFile:
    """Open the image: its header is read, its pixels are not decoded."""
    module, opener = _OPENERS[mime]
    load_library(mime)
    image: ImageFile.ImageFile = getattr(import_module(module), opener)(BytesIO(data))
    return image


def assemble(decoded: Decoded, factor: int) -> Image.Image:
    """The picture as one image, each side divided by the factor."""
    from PIL import Image

    size = -(-decoded.width // factor), -(-decoded.height // factor)
    if decoded.mode == "whole":
        return decoded.strip(0, decoded.height)
    image = Image.new(decoded.mode, size)
    for top in range(0, decoded.height, _STRIP_ROWS):
        strip = decoded.strip(top, min(top + _STRIP_ROWS, decoded.height))
        if strip.mode != decoded.mode:
            strip = strip.convert(decoded.mode)
        image.paste(strip.reduce(factor) if factor > 1 else strip, (0, top // factor))
    return image


def _read_strips_from(data: Any, mode: str, size: tuple[int, int], stride: int) -> Callable[[int, int], Image.Image]:
    from PIL import Image

    def strip(top: int, bottom: int) -> Image.Image:
        rows = data[top * stride : bottom * stride]
        return Image.frombytes(mode, (size[0], bottom - top), rows, "raw", mode, stride)

    return strip


def _decode_with_pillow(image: ImageFile.ImageFile) -> Decoded:
    """Decode with Pillow. A GIF or WebP is cut into strips; Pillow's image of other types is used whole."""
    image.load()
    orientation = _read_orientation(image)
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
    # MPO: a camera's JPEG with further pictures (depth, a preview). It is no animation.
    animated = bool(getattr(image, "is_animated", False)) and image.format != "MPO"
    if image.format not in ("GIF", "WEBP"):
        return Decoded(image.width, image.height, "whole", lambda *_: image, profile, orientation, animated)

    def strip(top: int, bottom: int) -> Image.Image:
        return image.crop((0, top, image.width, bottom))

    mode = "RGBA" if image.has_transparency_data else "RGB"
    return Decoded(image.width, image.height, mode, strip, profile, orientation, animated)


def _decode_avif(data: bytes) -> Decoded:
    """Decode with the decoder inside Pillow's image. It is freed before the picture is assembled."""
    from PIL import AvifImagePlugin

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    image: Any = open_image(data, "image/avif")
    orientation, mode, size = _read_orientation(image), image.mode, image.size
    pixels = image._decoder.get_frame(0)[0]
    strip = _read_strips_from(pixels, mode, size, size[0] * len(mode))
    return Decoded(size[0], size[1], mode, strip, image.info.get("icc_profile"), orientation, image.is_animated)


def _decode_heic(data: bytes) -> Decoded:
    """Decode with pillow-heif, which applies the orientation itself."""
    import pillow_heif

    options = pillow_heif.options
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    options.DECODE_THREADS = 0
    file: Any = pillow_heif.open_heif(BytesIO(data), remove_stride=False)
    image = file[file.primary_index]
    pixels = image.data
    mode = "RGBA" if image.mode == "RGBa" else image.mode
    strip = _read_strips_from(pixels, image.mode, image.size, image.stride)
    return Decoded(image.size[0], image.size[1], mode, strip, image.info.get("icc_profile"), animated=len(file) > 1)


@cache
def load_libwebp() -> ctypes.CDLL | None:
    """The libwebp inside Pillow. Pillow needs sixteen bytes per pixel, a call of libwebp with one buffer three."""
    import ctypes

    from PIL import _webp

    try:
        library = ctypes.CDLL(_webp.__file__)
        for function in (library.WebPDecodeRGBInto, library.WebPDecodeRGBAInto):
            function.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
            function.restype = ctypes.c_void_p
        library.WebPGetInfo.argtypes = (
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.POINTER(ctypes.c_int),
            ctypes.POINTER(ctypes.c_int),
        )
    except (OSError, AttributeError):
        return None
    return library


def _decode_webp(data: bytes, mode: str, library: ctypes.CDLL) -> Decoded:
    import ctypes

    from app.media.canvas import webp_chunks

    width, height = ctypes.c_int(), ctypes.c_int()
    if not library.WebPGetInfo(data, len(data), ctypes.byref(width), ctypes.byref(height)):
        raise ValueError("not a WebP")
    size = width.value, height.value
    stride = size[0] * len(mode)
    pixels = ctypes.create_string_buffer(stride * size[1])
    into = library.WebPDecodeRGBAInto if len(mode) == 4 else library.WebPDecodeRGBInto
    if not into(data, len(data), pixels, len(pixels), stride):
        raise ValueError("not a whole WebP")
    chunks = webp_chunks(data)
    strip = _read_strips_from(memoryview(pixels).cast("B"), mode, size, stride)
    return Decoded(size[0], size[1], mode, strip, chunks.get(b"ICCP"), _parse_orientation(chunks.get(b"EXIF")))


def _read_orientation(image: Image.Image) -> int:
    with suppress(Exception):  # a picture with broken metadata is accepted
        return int(image.getexif().get(_ORIENTATION, 1))
    return 1


def _parse_orientation(exif: bytes | None) -> int:
    from PIL import Image

    with suppress(Exception):
        if exif:
            parsed = Image.Exif()
            parsed.load(exif)
            return int(parsed.get(_ORIENTATION, 1))
    return 1
