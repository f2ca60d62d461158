"""A TIFF's directory: what a decoder allocates by is bounded, and real files pass."""

from __future__ import annotations

import struct

import pytest

from app.media.failure import Broken
from app.media.structure import examine
from app.media.tiff import read_tiff_layout
from tests.media import files
from tests.media.crafted import one_strip, sized, tiff, tiff_of_tags, tiled

PACKINGS = ["raw", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "packbits"]


@pytest.mark.parametrize(
    ("mode", "packing"),
    [
        *(
            (mode, packing)
            for mode in ("RGB", "L", "1", "P", "CMYK", "RGBA", "I;16", "F", "LAB")
            for packing in PACKINGS
        ),
        *((mode, "jpeg") for mode in ("RGB", "L", "CMYK")),
    ],
)
def test_real_files(mode: str, packing: str) -> None:
    """All modes and compressions that Pillow writes: sizes as they are, and pixels that the bytes have room for."""
    picture = files.picture("RGB" if mode == "I;16" else mode, (300, 200))
    data = files.saved(picture.convert("I;16") if mode == "I;16" else picture, "TIFF", compression=packing)
    layout = read_tiff_layout(data)
    assert (layout.width, layout.height) == (300, 200)
    assert layout.plausible
    assert 0 < layout.buffer <= 300 * 200 * 4 * 4


@pytest.mark.parametrize("mode", ["1", "L"])
def test_fax(mode: str) -> None:
    """A fax's empty pages have next to no bytes."""
    data = files.saved(files.picture("1", (1700, 2200)), "TIFF", compression="group4")
    assert read_tiff_layout(data).plausible


def strip(*more: tuple[int, int, int, int], order: str = "<") -> bytes:
    """A small picture in one strip."""
    tags = ((273, 4, 1, 8), (279, 4, 1, 8), *more)
    return tiff(*sized(8, 8, *tags, packing=1), content=bytes(64), order=order)


@pytest.mark.parametrize("order", ["<", ">"])
def test_types_of_numbers(order: str) -> None:
    """A width in any type of whole numbers that decoders read is read."""
    for kind in (1, 3, 4):
        layout = read_tiff_layout(strip((256, kind, 1, 9), order=order))
        assert (layout.width, layout.height) == (9, 8)


@pytest.mark.parametrize(
    "data",
    [
        tiled(26_000),
        tiled(5000),
        tiled(26_000, kind=3),
        tiled(26_000, kind=16),
        tiled(26_000, packing=7),
        tiled(0),
        one_strip(26_000, 26_000),
        one_strip(100, 100, samples=60_000),
        one_strip(100, 100, samples=0),
        one_strip(0, 100),
        tiff_of_tags(400, 100_000),
        tiff(*sized(8, 8, packing=50_001)),
        tiff(*sized(8, 8, packing=6)),
        strip((258, 3, 1, 64)),
        strip((256, 11, 1, 8)),
        strip((256, 3, 1_000_000, 8)),
        strip((273, 4, 1, 1_000_000)),
        tiff(*sized(8, 8), *sized(9, 9)),
        tiff(*[(1000 + number, 3, 1, 0) for number in range(501)]),
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0" + bytes(400),
        b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHII", 324, 4, 50_000, 8) + bytes(300_000),
    ],
)
def test_refused(data: bytes) -> None:
    """Sizes that are none, or far from the picture's; values that are not there; rare compressions; BigTIFF."""
    with pytest.raises(Broken):
        examine(data, "image/tiff")


def test_few_bytes() -> None:
    """Forty bytes are no picture of 49 million pixels in four colours."""
    assert not read_tiff_layout(one_strip(7000, 7000, samples=4, planar=2)).plausible
