"""Images that are looked at without Pillow: whole ones pass, cut ones don't, wherever they are cut."""

from __future__ import annotations

import struct
import time
import tracemalloc

import pytest

from app.media.structure import MAX_SCANS, Broken, check_scans, examine, jpeg_frame
from tests.media import files
from tests.media.crafted import bmp_runs, jpeg_claiming, jpeg_of_scans, png

WHOLE = {
    "jpeg": (files.photo("JPEG"), "image/jpeg"),
    "progressive jpeg": (files.photo("JPEG", progressive=True), "image/jpeg"),
    "jpeg with restarts": (files.photo("JPEG", restart_marker_blocks=1), "image/jpeg"),
    "jpeg with fill bytes": (files.photo("JPEG").replace(b"\xff\xdb", b"\xff\xff\xff\xdb", 1), "image/jpeg"),
    "jpeg and a film": (files.photo("JPEG") + b"\0\0\0\x18ftypmp42" + b"\xff\xda" * 1000, "image/jpeg"),
    "png": (files.photo("PNG"), "image/png"),
    "tiff": (files.photo("TIFF"), "image/tiff"),
    "packed tiff": (files.photo("TIFF", compression="tiff_lzw"), "image/tiff"),
    "big endian tiff": (
        b"MM\0*\0\0\0\x08\0\3" + struct.pack(">HHIHHHHIHHHHIHH", 256, 3, 1, 9, 0, 257, 3, 1, 9, 0, 258, 7, 1, 8, 0),
        "image/tiff",
    ),
    "bmp": (files.photo("BMP"), "image/bmp"),
    "bmp top to bottom": (
        files.photo("BMP")[:22] + struct.pack("<i", -48) + files.photo("BMP")[26:],
        "image/bmp",
    ),
    "old bmp": (b"BM" + struct.pack("<IIIIHHHH", 0, 0, 26, 12, 4, 2, 1, 24) + bytes(24), "image/bmp"),
    "packed bmp": (files.photo("BMP")[:30] + b"\x01\0\0\0" + files.photo("BMP")[34:99], "image/bmp"),
}
TIFFS = {"tiff", "packed tiff", "big endian tiff"}


@pytest.mark.parametrize("name", WHOLE)
def test_whole(name: str) -> None:
    """What is whole passes."""
    examine(*WHOLE[name])


@pytest.mark.parametrize("name", sorted(set(WHOLE) - {"packed bmp", "jpeg and a film", *TIFFS}))
def test_cut(name: str) -> None:
    """One byte less at the end, or any more, and it does not."""
    data, mime = WHOLE[name]
    for size in (len(data) - 1, len(data) // 2, len(data) // 3, 20, *range(10)):
        with pytest.raises(Broken):
            examine(data[:size], mime)


@pytest.mark.parametrize("name", ["tiff", "packed tiff"])
def test_cut_tiff(name: str) -> None:
    """A directory that is missing, pixels that are."""
    data, mime = WHOLE[name]
    for size in (len(data) // 2, 100, 9, 8, 4):
        with pytest.raises(Broken):
            examine(data[:size], mime)
    directory = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[directory : directory + 2], "little")
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        if data[entry : entry + 2] == struct.pack("<H", 273):
            astray = data[: entry + 8] + struct.pack("<I", len(data) - 5) + data[entry + 12 :]
    with pytest.raises(Broken):
        examine(astray, mime)


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (files.bomb(), "image/png"),
        (files.photo("PNG")[:16] + bytes(8) + files.photo("PNG")[24:], "image/png"),
        (files.photo("PNG")[:33] + files.photo("PNG")[-12:], "image/png"),
        (b"II+\0\x08\0\0\0" + bytes(8), "image/tiff"),
        (b"\xff\xd8" + b"\xff\xfe\0\2" * 20_000 + b"\xff\xd9", "image/jpeg"),
        (b"\xff\xd8\xff\xd9", "image/jpeg"),
        (files.photo("BMP")[:18] + struct.pack("<ii", 0, 0) + files.photo("BMP")[26:], "image/bmp"),
        (WHOLE["packed bmp"][0][:18] + struct.pack("<ii", 10_000, 10_000) + WHOLE["packed bmp"][0][26:], "image/bmp"),
    ],
)
def test_no_real_image(data: bytes, mime: str) -> None:
    """Bombs, empty ones, ones without a picture."""
    with pytest.raises(Broken):
        examine(data, mime)


@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize(("depth", "colour"), [(1, 0), (2, 0), (16, 0), (8, 2), (16, 2), (8, 6), (16, 6)])
def test_png_pixels(depth: int, colour: int, interlaced: int) -> None:
    """As many pixels as the header promises, in every depth, interlaced and not: a row less is no whole picture."""
    for width, height in ((64, 48), (1, 1), (3, 9)):
        examine(png(width, height, depth, colour, interlaced, rows=None), "image/png")
        with pytest.raises(Broken):
            examine(png(width, height, depth, colour, interlaced, rows=-1), "image/png")


@pytest.mark.parametrize("chunk", [b"IHDR", b"IDAT", b"IEND"])
def test_png_check_sums(chunk: bytes) -> None:
    """A bit that is another in what matters; not in what is beside the picture."""
    whole = files.saved(files.picture(), "PNG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")
    at = whole.index(chunk) + 4 + int.from_bytes(whole[whole.index(chunk) - 4 : whole.index(chunk)])
    with pytest.raises(Broken):
        examine(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], "image/png")
    at = whole.index(b"eXIf") + 8
    examine(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], "image/png")


def test_time_and_memory() -> None:
    """Sixteen bits of four colours at 36 million pixels are unpacked in pieces, and a single large chunk as well."""
    data = png(6000, 6000)
    tracemalloc.start()
    begun = time.process_time()
    examine(data, "image/png")
    taken = time.process_time() - begun
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{taken:.2f} s of a core, {peak / 1e6:.1f} MB")
    assert peak < 2_000_000
    assert taken < 2


@pytest.mark.parametrize(
    "data",
    [
        jpeg_claiming(7000, 7000),
        jpeg_claiming(7000, 7000, progressive=True),
        jpeg_of_scans(3000, 3000, 80) + bytes(100_000),
        files.photo("JPEG").replace(b"\xff\xc0", b"\xff\xc3"),
        files.photo("JPEG").replace(b"\xff\xc0", b"\xff\xc5"),
    ],
)
def test_unusual_jpegs(data: bytes) -> None:
    """More pixels than the bytes have bits for, more scans than so many pixels bear, lossless and differential ones."""
    with pytest.raises(Broken):
        examine(data, "image/jpeg")


def test_what_a_decoder_holds() -> None:
    """Nothing of a baseline JPEG; of one in several scans two bytes for each sample."""
    for options, samples in (({"subsampling": 0}, 3), ({"subsampling": 2}, 1.5)):
        whole = files.saved(files.picture(size=(640, 480)), "JPEG", **options)
        assert jpeg_frame(whole) == (640, 480, 0)
        scans = files.saved(files.picture(size=(640, 480)), "JPEG", progressive=True, **options)
        assert jpeg_frame(scans) == (640, 480, int(2 * 640 * 480 * samples))


@pytest.mark.parametrize("bits", [4, 8])
def test_runs(bits: int) -> None:
    """A BMP in runs passes up to a few million pixels."""
    examine(bmp_runs(2000, 2000, bits), "image/bmp")
    for data in (bmp_runs(2000, 2001, bits), bmp_runs(2000, -2001, bits), bmp_runs(-2000, 2000, bits)):
        with pytest.raises(Broken):
            examine(data, "image/bmp")


@pytest.mark.parametrize("packing", [4, 5, 9, 11])
def test_bmps_of_other_kinds(packing: int) -> None:
    """A JPEG or PNG inside, or what nobody reads."""
    whole = files.photo("BMP")
    with pytest.raises(Broken):
        examine(whole[:30] + struct.pack("<I", packing) + whole[34:], "image/bmp")


def scans(count: int) -> bytes:
    """A JPEG with so many scans."""
    whole = files.photo("JPEG")
    at = whole.index(b"\xff\xda")
    return whole[:at] + whole[at:-2] * count + b"\xff\xd9"


def test_scans() -> None:
    """A progressive JPEG has ten scans; one with hundreds is made to keep a decoder busy."""
    check_scans(scans(MAX_SCANS))
    check_scans(files.photo("JPEG", progressive=True))
    check_scans(b"\x89PNG" + scans(MAX_SCANS + 1))
    for check in (check_scans, lambda data: examine(data, "image/jpeg")):
        with pytest.raises(Broken):
            check(scans(MAX_SCANS + 1))
