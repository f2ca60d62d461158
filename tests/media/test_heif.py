"""AVIF and HEIC: the largest size that anything in the file tells."""

from __future__ import annotations

import random
import struct
from contextlib import suppress

import pytest
from PIL import Image

from app.media.failure import Broken
from app.media.heif import read_heif_pictures
from tests.media import files
from tests.media.crafted import LARGE_AVIF, LARGE_HEIC, grid_claiming, hidden, shown_smaller
from tests.media.files import box


@pytest.mark.parametrize("form", ["AVIF", "HEIF"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_honest(form: str, mode: str) -> None:
    """As it is, or as the codec rounds it up; with what its pixels cost."""
    picture = files.picture(mode, (101, 50))
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize((101, 50)))
    found = read_heif_pictures(files.saved(picture, form))
    assert 101 * 50 <= found.width * found.height <= 128 * 64
    assert (found.bits, found.alpha, found.tiled) == (8, mode == "RGBA", False)


def test_tiles_and_depth() -> None:
    """A grid's size is the picture's. Ten bits take twice the memory."""
    assert read_heif_pictures(files.saved(files.picture(size=(256, 256)), "HEIF", tile_size=64)).tiled
    deep = files.photo("AVIF").replace(b"av1C\x81\0\x0c", b"av1C\x81\0\x4c")
    assert read_heif_pictures(deep).planes == 2 * read_heif_pictures(files.photo("AVIF")).planes


@pytest.mark.parametrize("sample", [LARGE_AVIF, LARGE_HEIC])
def test_shown_smaller(sample: tuple[str, int]) -> None:
    """What the stream says counts, not what is told beside it."""
    found = read_heif_pictures(shown_smaller(*sample))
    assert min(found.width, found.height) >= sample[1]


def test_what_nobody_can_tell() -> None:
    """A header that stands far behind is not looked for: the limit of the process holds."""
    assert read_heif_pictures(hidden()).width == 64


def test_a_grid_that_claims_more() -> None:
    """The grid's own size counts as well."""
    assert read_heif_pictures(grid_claiming(60_000)).width == 60_000


def item(kind: bytes, content: bytes, method: int = 1) -> bytes:
    """A file whose only item is of this kind, its content in `idat`."""
    entry = box(b"infe", b"\x02\0\0\0\0\x01\0\0", kind, b"\0")
    size = box(b"ispe", bytes(4) + struct.pack(">II", 64, 64))
    place = b"\x01\0\0\0\x44\0" + struct.pack(">HHHHHII", 1, 1, method, 0, 1, 0, len(content))
    parts = (
        box(b"pitm", b"\0\0\0\0\0\x01"),
        box(b"iinf", b"\0\0\0\0\0\x01", entry),
        box(b"iprp", box(b"ipco", size)),
        box(b"iloc", place),
        box(b"idat", content),
    )
    return box(b"ftyp", b"avif", bytes(4), b"avif") + box(b"meta", bytes(4), *parts)


def test_canvases() -> None:
    """A grid and an overlay, small numbers and large ones."""
    assert read_heif_pictures(item(b"grid", b"\0\0\1\1" + struct.pack(">HH", 9000, 100))).width == 9000
    assert read_heif_pictures(item(b"grid", b"\0\1\1\1" + struct.pack(">II", 90_000, 100))).width == 90_000
    assert read_heif_pictures(item(b"iovl", b"\0\0" + bytes(8) + struct.pack(">HH", 9000, 100))).width == 9000
    assert read_heif_pictures(item(b"iovl", b"\0\1" + bytes(8) + struct.pack(">II", 90_000, 100))).width == 90_000


def test_a_film() -> None:
    """The size of a track, and of its samples."""
    rest = [files.picture(size=(100, 80)).rotate(90)]
    data = files.saved(files.picture(size=(100, 80)), "AVIF", save_all=True, append_images=rest)
    only = data.replace(b"meta", b"free", 1)
    found = read_heif_pictures(only)
    assert (found.width, found.height) == (100, 80)


@pytest.mark.parametrize("data", [b"", box(b"ftyp", b"avif"), box(b"meta", bytes(4)), item(b"grid", b"")])
def test_nothing_told(data: bytes) -> None:
    """Without any size it is no picture."""
    with pytest.raises((Broken, IndexError, struct.error)):
        read_heif_pictures(data)


def test_many_items() -> None:
    """Thousands are refused."""
    entries = [box(b"infe", b"\x02\0\0\0" + struct.pack(">H", number) + b"\0\0av01\0") for number in range(1500)]
    with pytest.raises(Broken):
        read_heif_pictures(box(b"meta", bytes(4), box(b"iinf", b"\0\0\0\0\xff\xff", *entries)))


@pytest.mark.parametrize("form", ["AVIF", "HEIF"])
def test_anything_else(form: str) -> None:
    """Other bytes raise nothing else."""
    real, rng = files.photo(form), random.Random(1)
    for _ in range(3000):
        data = bytearray(real)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(min(500, len(data)))] = rng.randrange(256)
        with suppress(Broken, IndexError, struct.error):
            read_heif_pictures(bytes(data[: rng.randrange(len(data))] if rng.random() < 0.3 else data))
