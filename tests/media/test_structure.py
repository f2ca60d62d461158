"""Images that are looked at without Pillow: whole ones pass, cut ones don't, wherever they are cut."""

from __future__ import annotations

import struct

import pytest

from app.media.structure import MAX_SCANS, Broken, check_scans, examine
from tests.media import files

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
