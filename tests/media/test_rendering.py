"""What is made of a picture, step by step; `test_images` has the whole."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from app.media.failure import Broken
from app.media.rendering import TooLarge, TooManyPixels, check, convert
from tests.media import files
from tests.media.crafted import one_strip
from tests.resident import MB

ROOM = 110 * MB


def test_a_png_that_is_far_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transparent photo is not written as a PNG for seconds only to be thrown away."""
    written: list[tuple[str, int]] = []
    save = Image.Image.save

    def counted(image: Image.Image, file: BytesIO, form: str, **options: Any) -> None:
        written.append((form, image.height))
        save(image, file, form, **options)

    picture = files.picture("RGBA", (800, 600))
    picture.paste((0, 0, 0, 0), (400, 0, 800, 600))
    data = files.saved(picture.effect_spread(50), "PNG")
    monkeypatch.setattr(Image.Image, "save", counted)
    assert convert(data, "image/png", len(data) // 3, ROOM)[1] == "image/jpeg"
    assert written[:2] == [("PNG", 37), ("JPEG", 600)]


def test_room() -> None:
    """More pixels than fit are told with their number; a file that can't be made small enough is another matter."""
    data = files.photo("WEBP")
    with pytest.raises(TooManyPixels) as caught:
        convert(data, "image/webp", 100_000, 1000)
    assert caught.value.pixels == 64 * 48
    with pytest.raises(TooLarge):
        convert(data, "image/webp", 10, ROOM)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "BMP"])
def test_checks(form: str) -> None:
    """A whole file passes with decode_bytes for a decoder, without, and where there is no decoder."""
    data = files.saved(files.picture(size=(400, 300)), form)
    mime = f"image/{form.lower()}"
    for decode_bytes in (ROOM, 0, None):
        check(data, mime, decode_bytes)


@pytest.mark.parametrize("packing", ["tiff_lzw", "tiff_deflate", "packbits"])
def test_a_tiff_that_is_broken_inside(packing: str) -> None:
    """Only a decoder sees that; where it has no decode_bytes the number of bytes must be plausible."""
    data = files.saved(files.picture(size=(400, 300)).effect_spread(9), "TIFF", compression=packing)
    broken = data[:100] + b"\xff" * (len(data) - 2000) + data[len(data) - 1900 :]
    with pytest.raises(Exception):  # noqa: B017 - decoders raise anything
        check(broken, "image/tiff", ROOM)
    with pytest.raises(Broken):
        check(one_strip(7000, 7000, samples=4), "image/tiff", ROOM)


def test_a_progressive_jpeg_that_does_not_fit() -> None:
    """Is looked at by its structure alone."""
    data = files.saved(files.picture(size=(1200, 900)), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda") + 20
    broken = data[:at] + b"\xff\xd9"
    check(data, "image/jpeg", 1000)
    check(broken, "image/jpeg", 1000)
