"""What a stranger's file is told to be: signatures, containers, the structure of images, what decoding them takes."""

from __future__ import annotations

from contextlib import suppress

from app.media.costs import estimate
from app.media.sniffer import sniff_type
from app.media.structure import MAX_PIXELS, Broken, examine
from tests.media import files
from tests.media.crafted import ATTACKS

_FORMS = ("JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP", "HEIF", "AVIF")
_EXAMINED = ("image/jpeg", "image/png", "image/tiff", "image/bmp")
_LARGEST_SEED = 20_000

SEEDS: list[bytes] = [
    *(files.photo(form) for form in _FORMS),
    files.photo("JPEG", progressive=True),
    files.photo("TIFF", compression="tiff_lzw"),
    files.photo("WEBP", lossless=True),
    files.saved(files.picture(size=(256, 256)), "HEIF", tile_size=64),
    files.saved(files.picture(), "AVIF", save_all=True, append_images=[files.picture().rotate(90)]),
    *(data for data in (make() for make in ATTACKS.values()) if len(data) < _LARGEST_SEED),
    files.wav(),
    files.OPUS,
    files.MP3_FRAME * 2,
    files.mp4(b"isom", b"vide", b"soun"),
    files.matroska(b"webm", 1, 2),
    files.zipped("a.txt", "word/b.xml"),
    files.compound("Root Entry", "WordDocument"),
    files.PDF,
]


def run_one(data: bytes) -> None:
    """Nothing raises anything but Broken. What passes has as many pixels as may be decoded, and a cost."""
    mime = sniff_type(data)
    if mime in _EXAMINED:
        with suppress(Broken):
            examine(data, mime)
    if mime is not None and mime.startswith("image/"):
        with suppress(Broken):
            cost = estimate(data, mime)
            assert 0 < cost.width * cost.height <= MAX_PIXELS
            assert cost.peak >= 0
            assert cost.shrink(0) is None
