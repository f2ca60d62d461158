"""Images that GigaChat takes: others become JPEG or PNG, and those that pass as they are are looked at first.

Pillow and pillow-heif are the optional extra `images`, imported where they are used. The work is done in two threads of
its own: Pillow lets the loop run meanwhile. The bytes are a stranger's, so that formats, pixels, scans and time are
bounded, and whatever a decoder raises means one thing: the file is no good.
Source: Pillow's handbook ("Image file formats", "Security"), EXIF 2.32, 4.6.4 (orientation).
"""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache, partial
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from app.media.failure import MediaError
from app.media.structure import MAX_PIXELS, check_scans, examine

if TYPE_CHECKING:
    from PIL import Image, ImageFile

_T = TypeVar("_T")

# The formats by the types that pass as they are, and all that are converted. Others that Pillow reads are never tried:
# among them are some that start programs (EPS).
_PASSED = {"image/jpeg": "JPEG", "image/png": "PNG", "image/tiff": "TIFF", "image/bmp": "BMP"}
_PILLOW = (*_PASSED.values(), "WEBP", "GIF", "AVIF")
_HEIF = "HEIF"

_THREADS = 2
# A conversion holds several copies of the pixels: about half a gigabyte at this size, which covers most cameras.
_MOST_CONVERTED = 26_000_000
# Decoding takes up to 16 bytes a pixel for a while (WebP, turned): larger ones than an ordinary photo go one by one.
_LARGE_PIXELS = 16_000_000
_LARGE = threading.Lock()
# The worst that passes the bounds takes seconds. So long may an image wait for a thread, and as long in it.
_SECONDS = 30.0
# The first that fits is taken: fine text stays readable at 90, and 50 is better than a refusal.
_QUALITIES = (90, 75, 50)
# Higher levels take twice the time for a few per cent.
_PNG_LEVEL = 3
_STRIPS = 16
# A display's profile has some hundred bytes, a printer's a megabyte.
_MAX_PROFILE_BYTES = 64 * 1024


class Converted(NamedTuple):
    """An image that GigaChat takes; `note` is "first_frame" if frames of an animation were left out."""

    data: bytes
    mime: str
    note: str | None


def available() -> bool:
    """Whether images can be converted: whether Pillow is installed."""
    return find_spec("PIL") is not None


async def converted(data: bytes, limit: int) -> Converted:
    """An image as JPEG, or as PNG if parts of it are transparent and the PNG has at most `limit` bytes.

    Turned as its EXIF says; nothing else of its metadata is kept. Raises MediaError: "unsupported" where it can't be
    read or Pillow is missing, "too_large" where even the coarsest JPEG exceeds the limit, "busy" where its turn did not
    come.
    """
    if not available():
        raise MediaError("unsupported", "This gateway does not convert images: send a JPEG or PNG.")
    return await _off_the_loop(partial(_convert, data, limit))


async def check(data: bytes, mime: str) -> None:
    """Look whether a JPEG, PNG, TIFF or BMP is whole before it is passed on as it is.

    Raises MediaError: "unsupported" where it is truncated, unreadable or a bomb, "busy" where its turn did not come.
    """
    await _off_the_loop(partial(_decode if available() else examine, data, mime))


async def _off_the_loop(work: Callable[[], _T]) -> _T:
    """Do it in one of the threads, in bounded time. What has begun there goes on to its end, in vain.

    The wait for a thread is no fault of the image, so that the time of the work is counted from its own beginning.
    """
    loop = asyncio.get_running_loop()
    begun = asyncio.Event()

    def timed() -> _T:
        loop.call_soon_threadsafe(begun.set)
        return _judged(work)

    future = loop.run_in_executor(_threads(), timed)
    try:
        async with asyncio.timeout(_SECONDS):
            await begun.wait()
        async with asyncio.timeout(_SECONDS):
            return await future
    except TimeoutError:
        if not begun.is_set():
            raise _busy() from None
        raise MediaError("unsupported", "The image took too long to be read: send a smaller one.") from None
    finally:
        future.cancel()  # what has not begun never will


def _busy() -> MediaError:
    return MediaError("busy", "The gateway has too many images to read at once. Try again shortly.")


def _judged(work: Callable[[], _T]) -> _T:
    try:
        return work()
    except MediaError:
        raise
    except Exception as fault:  # decoders raise anything for bytes that they don't understand
        raise MediaError(
            "unsupported",
            "The image can't be read: it is damaged, cut off, of an unknown format, "
            f"or has more than {MAX_PIXELS // 1_000_000} million pixels.",
        ) from fault


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="media-images")


@cache
def _formats() -> tuple[str, ...]:
    """Make Pillow ready, once; the formats to try."""
    from PIL import Image

    warnings.filterwarnings("ignore", module=r"PIL\.")  # what it thinks of a stranger's file is no operator's matter
    # Our own bound is lower; Pillow's would write a warning first.
    Image.MAX_IMAGE_PIXELS = None
    if find_spec("pillow_heif") is None:
        return _PILLOW
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False)
    return (*_PILLOW, _HEIF)


def _opened(data: bytes, formats: tuple[str, ...]) -> ImageFile.ImageFile:
    """The image with its header read, and no pixel decoded yet. Raises what decoders raise."""
    from PIL import Image

    check_scans(data)
    image = Image.open(BytesIO(data), formats=formats)
    if image.width * image.height > MAX_PIXELS:
        raise ValueError("too many pixels")
    return image


def _decode(data: bytes, mime: str) -> None:
    """Decode it, a JPEG at an eighth of its size; the pixels are thrown away."""
    _formats()
    image = _opened(data, (_PASSED[mime],))
    with _room(image):
        image.draft(image.mode, (image.width // 8, image.height // 8))
        image.load()


@contextmanager
def _room(image: Image.Image) -> Iterator[None]:
    """Held while the image is in memory. Raises MediaError ("busy") where another large one holds it for too long."""
    if image.width * image.height <= _LARGE_PIXELS:
        yield
        return
    if not _LARGE.acquire(timeout=_SECONDS / 2):  # the other half is for this image
        raise _busy()
    try:
        yield
    finally:
        _LARGE.release()


def _convert(data: bytes, limit: int) -> Converted:
    image = _opened(data, _formats())
    if image.width * image.height > _MOST_CONVERTED:
        most = f"{_MOST_CONVERTED // 1_000_000} million pixels"
        raise MediaError("too_large", f"The image has more than the {most} that are converted: send a JPEG or PNG.")
    with _room(image):
        return _repainted(image, limit)


def _repainted(image: ImageFile.ImageFile, limit: int) -> Converted:
    """What was opened, decoded and written anew. Raises what decoders raise, and MediaError."""
    # A camera's JPEG may hold several pictures (depth, a preview): the first is the picture.
    animated = getattr(image, "is_animated", False) and image.format != "MPO"
    note = "first_frame" if animated else None
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
    if profile and len(profile) > _MAX_PROFILE_BYTES:
        profile = None
    upright = _upright(image)
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        if upright.getchannel("A").getextrema()[0] != 255:
            png = _saved(upright, "PNG", profile, compress_level=_PNG_LEVEL) if _may_fit(upright, limit) else b""
            if 0 < len(png) <= limit:
                return Converted(png, "image/png", note)
            upright = _on_white(upright)
    if upright.mode != "RGB":  # the same again would be a copy
        upright = upright.convert("RGB")
    for quality in _QUALITIES:
        jpeg = _saved(upright, "JPEG", profile, quality=quality)
        if len(jpeg) <= limit:
            return Converted(jpeg, "image/jpeg", note)
    raise MediaError("too_large", f"The image is larger than {limit / 2**20:.3g} MB as a JPEG too: send a smaller one.")


def _upright(image: Image.Image) -> Image.Image:
    """The decoded pixels as a person should see them, in eight bits."""
    from PIL import ImageOps

    image.load()
    with suppress(Exception):  # broken metadata are no reason to refuse a picture
        ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off at 255 instead of scaling
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return image


def _may_fit(image: Image.Image, limit: int) -> bool:
    """Whether a PNG is worth the seconds that a large one takes: a strip from its middle is not far too long."""
    if image.width * image.height * len(image.getbands()) <= limit:
        return True
    rows = max(1, image.height // _STRIPS)
    top = (image.height - rows) // 2
    strip = image.crop((0, top, image.width, top + rows))
    return len(_saved(strip, "PNG", None, compress_level=_PNG_LEVEL)) * image.height // rows <= limit * 5 // 4


def _on_white(image: Image.Image) -> Image.Image:
    from PIL import Image

    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _saved(image: Image.Image, form: str, profile: bytes | None, **options: int) -> bytes:
    """The file, without anything that the original told beside its pixels and the meaning of its colours."""
    image.info = {}
    out = BytesIO()
    image.save(out, form, icc_profile=profile, **options)
    return out.getvalue()
