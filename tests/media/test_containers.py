"""What is inside containers, and that a broken one is only ever poorer."""

from __future__ import annotations

import struct

import pytest

from app.media.containers import ebml_kind, mp4_tracks, ole_names, zip_mimetype, zip_names
from tests.media.files import box, compound, element, matroska, mp4, track, zipped


@pytest.mark.parametrize(
    ("data", "tracks"),
    [
        (mp4(b"isom", b"vide", b"soun"), {"vide", "soun"}),
        (mp4(b"isom", b"soun", media_first=False), {"soun"}),
        (box(b"free") + struct.pack(">I4sQ", 1, b"mdat", 26) + bytes(10) + box(b"moov", track(b"soun")), {"soun"}),
        (struct.pack(">I4s", 0, b"moov") + track(b"vide"), {"vide"}),
        (box(b"mdat", bytes(9)), set()),
        (struct.pack(">I4s", 4, b"moov") + track(b"vide"), set()),
        (struct.pack(">I4sQ", 1, b"mdat", 8) + box(b"moov", track(b"vide")), set()),
        (struct.pack(">I4s", 1, b"mdat"), set()),
        (b"\0\0", set()),
    ],
)
def test_mp4(data: bytes, tracks: set[str]) -> None:
    """Tracks wherever the movie's box stands, with long sizes and with none."""
    assert mp4_tracks(data) == tracks


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (matroska(b"webm", 1, 2), ("webm", {"video", "audio"})),
        (matroska(b"matroska\0\0", 2), ("matroska", {"audio"})),
        (matroska(b"webm", 2, 17), ("webm", {"audio", "other"})),
        (matroska(b"webm", 2, live=True), ("webm", {"audio"})),
        (element(0x1A45DFA3, element(0x4282, b"webm")), ("webm", set())),
        (element(0x1A45DFA3), ("", set())),
        (b"\x1a\x45\xdf\xa3", ("", set())),
        (b"\x1a\x45\xdf\xa3\x00", ("", set())),
        (b"\x1a\x45\xdf\xa3\x01\x00", ("", set())),
        (b"\x00\x80", ("", set())),
    ],
)
def test_matroska(data: bytes, found: tuple[str, set[str]]) -> None:
    """The name of the format, and the tracks in front of the recording."""
    assert ebml_kind(data) == found


def test_zip() -> None:
    """Names come from the directory, wherever the archive's comment ends; without it there are none."""
    data = zipped("a.txt", "word\\b.xml")
    assert zip_names(data) == ["a.txt", "word/b.xml"]
    assert zip_names(data[:-2] + b"\x04\0note") == ["a.txt", "word/b.xml"]
    assert zip_names(data[:-1]) == []
    assert zip_names(data[:20]) == []
    assert len(zip_names(zipped(*(str(number) for number in range(3000))))) == 2000


def test_a_zips_stated_type() -> None:
    """The first entry states it, if it is not compressed; its size may stand behind it."""
    data = zipped("a", stated="application/epub+zip")
    assert zip_mimetype(data) == "application/epub+zip"
    streamed = data[:18] + bytes(8) + data[26:]
    assert zip_mimetype(streamed) == "application/epub+zip"
    packed = data[:8] + b"\x08\0" + data[10:]
    assert zip_mimetype(packed) == ""
    longer = data.replace(b"mimetype", b"mimetypes", 1)
    assert zip_mimetype(longer[:26] + b"\x09\0" + longer[28:]) == ""
    assert zip_mimetype(zipped("a")) == ""
    assert zip_mimetype(b"PK\3\4") == ""


def test_ole() -> None:
    """Names from all sectors of the directory; a chain that leads out of the file, in a circle or nowhere ends."""
    names = ("Root Entry", "1Table", "a", "b", "WordDocument")
    data = compound(*names)
    assert ole_names(data) >= set(names)
    assert ole_names(data[:700]) == set()
    assert "WordDocument" not in ole_names(data[:-500])
    assert ole_names(data[:30] + b"\x0b\0" + data[32:]) == set()
    assert ole_names(data[:48] + b"\xfe\xff\xff\xff" + data[52:]) == set()
    circle = data[:516] + struct.pack("<I", 1) + data[520:]
    assert "Root Entry" in ole_names(circle)
    astray = data[:76] + struct.pack("<I", 1_000_000) + data[80:]
    assert "Root Entry" in ole_names(astray)
    assert ole_names(b"\xd0\xcf\x11\xe0") == set()
