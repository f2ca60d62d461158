"""Estimates of what decoding takes: never far below what it really takes, and by them what becomes of a picture."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from app.media.costs import Cost, estimate
from app.media.failure import Broken
from app.media.sniffer import sniff_type
from tests.media import files
from tests.media.crafted import bmp_runs, jpeg_claiming, one_strip, webp_film
from tests.resident import MB

SIZE = (4032, 3024)
PIXELS = SIZE[0] * SIZE[1]
FAST = {"quality": 1, "enc_params": {"preset": "ultrafast"}}
# Runs the file's decoder, and tells by how much its peak is above what it held before.
MEASURE = """
import sys
from app.media.decoders import decode, load_library
data, mime = open(sys.argv[1], "rb").read(), sys.argv[2]
load_library(mime)
def held(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))
before = held("VmRSS")
decoded = decode(data, mime)
print((held("VmHWM") - before) * 1024)
"""


def rough(mode: str = "RGB") -> Image.Image:
    """A picture with some noise: decoders that need more for that need it here."""
    picture = Image.effect_noise(SIZE, 40)
    shifted = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    bands = {"RGB": (picture, shifted, picture), "RGBA": (picture, shifted, picture, shifted)}
    return Image.merge(mode, bands[mode])


MADE: dict[str, Callable[[], bytes]] = {
    "webp": lambda: files.saved(rough(), "WEBP", method=0),
    "transparent webp": lambda: files.saved(rough("RGBA"), "WEBP", method=0),
    "lossless webp": lambda: files.saved(files.picture(size=SIZE), "WEBP", lossless=True, quality=0, method=0),
    "avif": lambda: files.saved(rough(), "AVIF", speed=10),
    "transparent avif": lambda: files.saved(rough("RGBA"), "AVIF", speed=10),
    "avif without subsampling": lambda: files.saved(rough(), "AVIF", speed=10, subsampling="4:4:4"),
    "heic": lambda: files.saved(files.picture(size=SIZE), "HEIF", **FAST),
    "heic of tiles": lambda: files.saved(files.picture(size=SIZE), "HEIF", tile_size=512, **FAST),
    "transparent heic": lambda: files.saved(files.picture("RGBA", SIZE), "HEIF", **FAST),
    "gif": lambda: files.saved(rough().convert("L"), "GIF"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", MADE)
def test_estimates_hold(name: str, tmp_path: Path) -> None:
    """What decoding takes in a process of its own is at most a twelfth more than was estimated."""
    data = MADE[name]()
    (tmp_path / "file").write_bytes(data)
    cost, mime = estimate(data, str(sniff_type(data))), str(sniff_type(data))
    arguments = [sys.executable, "-c", MEASURE, str(tmp_path / "file"), mime]
    taken = int(subprocess.run(arguments, capture_output=True, check=True, timeout=120).stdout)
    print(f"{taken / PIXELS:.1f} bytes a pixel, estimated {cost.peak / PIXELS:.1f}")
    assert taken < cost.peak * 13 / 12 + 8 * MB


@pytest.mark.parametrize(
    ("cost", "factor"),
    [
        (Cost(1000, 1000, 3 * MB, 3 * MB), 1),
        (Cost(4000, 3000, 42 * MB, 36 * MB), 1),
        (Cost(5000, 3000, 50 * MB, 45 * MB), 2),
        (Cost(6000, 4000, 90 * MB, 72 * MB), 2),
        (Cost(8000, 6000, 90 * MB, 80 * MB), 3),
        (Cost(8000, 6000, 130 * MB, 90 * MB), None),
        (Cost(8000, 6000, 90 * MB, 118 * MB), None),
        (Cost(5000, 3000, 60 * MB, 60 * MB, piecewise=False), None),
    ],
)
def test_made_smaller(cost: Cost, factor: int | None) -> None:
    """By the smallest number that lets each step fit into the decode_bytes."""
    assert cost.shrink(110 * MB) == factor


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP", "AVIF", "HEIF"])
def test_sizes(form: str) -> None:
    """Of every format."""
    data = files.photo(form)
    cost = estimate(data, str(sniff_type(data)))
    assert 64 * 48 <= cost.width * cost.height <= 64 * 64
    assert 0 < cost.peak < 100_000


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (files.bomb(), "image/png"),
        (jpeg_claiming(9000, 9000), "image/jpeg"),
        (one_strip(9000, 9000), "image/tiff"),
        (bmp_runs(100, 100), "image/bmp"),
        (webp_film(16_000, 16_000), "image/webp"),
        (b"GIF89a", "image/gif"),
        (b"", "image/avif"),
        (b"", "image/heic"),
    ],
)
def test_refused(data: bytes, mime: str) -> None:
    """More pixels than any photo has, runs that Pillow unpacks in Python, no header."""
    with pytest.raises(Broken):
        estimate(data, mime)
