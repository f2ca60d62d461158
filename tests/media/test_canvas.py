"""The first pictures of GIF and WebP, as their headers tell before anything is decoded."""

from __future__ import annotations

import struct

import pytest
from PIL import Image

from app.media.canvas import Canvas, read_gif_canvas, read_webp_canvas, webp_chunks
from app.media.failure import Broken
from tests.media import files
from tests.media.crafted import gif, webp_film

FAULTS = (Broken, IndexError, struct.error)


@pytest.mark.parametrize("mode", ["P", "L", "RGBA"])
def test_gif(mode: str) -> None:
    """With a palette of any size, a comment in front, several frames."""
    more = {"save_all": True, "append_images": [files.picture().rotate(90)]} if mode == "P" else {}
    data = files.saved(files.picture(mode, (101, 50)), "GIF", comment=b"x" * 1000, **more)
    canvas = read_gif_canvas(data)
    assert (canvas.width, canvas.height) == (101, 50)


def test_gif_that_leads_out_of_its_screen() -> None:
    """Decoders enlarge the screen."""
    canvas = read_gif_canvas(gif((64, 48), (8000, 20)))
    assert (canvas.width, canvas.height) == (8000, 48)


@pytest.mark.parametrize(
    ("mode", "options", "canvas"),
    [
        ("RGB", {}, Canvas(101, 50)),
        ("RGBA", {}, Canvas(101, 50, alpha=True)),
        ("RGB", {"lossless": True}, Canvas(101, 50, lossless=True)),
        ("RGB", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}, Canvas(101, 50)),
        ("RGB", {"save_all": True, "append_images": [Image.new("RGB", (101, 50))]}, Canvas(101, 50, animated=True)),
    ],
)
def test_webp(mode: str, options: dict[str, object], canvas: Canvas) -> None:
    """Lossy, lossless, transparent, with metadata, animated."""
    picture = files.picture("RGB", (101, 50))
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize((101, 50)))
    found = read_webp_canvas(files.saved(picture, "WEBP", **options))
    assert (found.width, found.height, found.animated) == (canvas.width, canvas.height, canvas.animated)
    if not canvas.animated:
        assert found == canvas


def test_webp_film() -> None:
    """The canvas counts, however small its frames are."""
    found = read_webp_canvas(webp_film(16_000, 1600))
    assert (found.width, found.height, found.animated) == (16_000, 1600, True)


def test_chunks() -> None:
    """Profile and EXIF beside the picture, no further than the file goes."""
    data = files.saved(files.picture(), "WEBP", icc_profile=b"profile", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")
    assert webp_chunks(data)[b"ICCP"] == b"profile"
    assert set(webp_chunks(data)) == {b"ICCP", b"EXIF"}
    assert webp_chunks(data[:30]) == {}


@pytest.mark.parametrize("data", [files.photo("GIF"), files.photo("WEBP"), webp_film(10, 10)])
def test_cut(data: bytes) -> None:
    """Wherever it is cut off, no other error is raised."""
    look = read_gif_canvas if data.startswith(b"GIF") else read_webp_canvas
    for size in range(min(len(data), 1000)):
        try:
            look(data[:size])
        except FAULTS:
            continue
    with pytest.raises(FAULTS):
        look(data[:12])


def test_endless() -> None:
    """A file of blocks that say nothing ends soon."""
    with pytest.raises(FAULTS):
        read_gif_canvas(b"GIF89a" + bytes(7) + bytes(1_000_000))
    with pytest.raises(FAULTS):
        read_gif_canvas(b"GIF89a" + bytes(7) + b"!\xfe" + b"\x01x" * 500_000)
