"""Contents by their structure."""

from __future__ import annotations

import pytest

from app.sandbox import contents
from app.sandbox.contents import Fits
from tests.sandbox.specimens import JPEG, OGG, THUMBNAIL, png, zipped

OFFICE = contents.zipped("[Content_Types].xml")
PNG = png()

UNFIT: list[tuple[Fits, bytes]] = [
    (contents.text, "Привет".encode("cp1251")),
    (contents.text, b"a\0b"),
    (contents.pdf, b"\n%PDF-1.7"),
    (contents.ole, zipped("a")),
    (OFFICE, b"PK\x03\x04"),
    (OFFICE, zipped("word/document.xml")),
    (OFFICE, zipped("[Content_Types].xml")[:-20]),
    (contents.png, JPEG),
    (contents.png, PNG[:8]),
    (contents.png, PNG[:-1]),
    (contents.png, PNG[:-12]),
    (contents.png, PNG[:33] + PNG[-12:]),  # no pixels
    (contents.png, PNG[:8] + PNG[33:]),  # no header
    (contents.jpeg, PNG),
    (contents.jpeg, JPEG[:-1]),
    (contents.jpeg, b"\xff\xd8" + THUMBNAIL),
    (contents.jpeg, b"\xff\xd8\xff\xd9"),
    (contents.tiff, b"II*\0\x08\0\0\0"),
    (contents.tiff, b"II+\0\x08\0\0\0\0\0\0\0"),
    (contents.tiff, b"MM\0*\x08\0\0\0\0\0\0\0"),
    (contents.bmp, b"BM"),
    (contents.bmp, b"BM" + bytes(60)),
    (contents.mp3, b"ID3"),
    (contents.mp3, b"\xff\xf1\x50\x80"),  # AAC: no layer
    (contents.mp3, b"\xff\xeb\x90\x00"),  # no version
    (contents.mp3, b"\xff\xfb\xf0\x00"),  # no bit rate
    (contents.mp3, b"\xff\xfb\x9c\x00"),  # no sample rate
    (contents.mp3, b"\xff\xfb"),
    (contents.mp4, b"ftypM4A "),
    (contents.wav, b"RIFF\0\0\0\0AVI "),
    (contents.webm, b"OggS"),
    (contents.ogg, b"ID3"),
    (contents.opus, OGG + b"\x01vorbis"),
]

FIT: list[tuple[Fits, bytes]] = [
    (contents.text, b"plain"),
    (contents.png, PNG + b"trailer"),
    (contents.jpeg, JPEG + b"trailer"),
    (contents.tiff, b"MM\0*\0\0\0\x08\0\0"),
    (contents.mp3, b"\xff\xfb\x90\x00"),
    (contents.mp3, b"\xff\xf3\x40\xc4"),
]


@pytest.mark.parametrize(("fits", "content"), UNFIT)
def test_unfit(fits: Fits, content: bytes) -> None:
    """What is cut off, or of another type, is told from what it claims to be."""
    assert not fits(content)


@pytest.mark.parametrize(("fits", "content"), FIT)
def test_fit(fits: Fits, content: bytes) -> None:
    """Variants that occur are taken."""
    assert fits(content)


@pytest.mark.parametrize("fits", [contents.png, contents.jpeg, contents.tiff, contents.bmp, contents.mp3, contents.wav])
def test_any_beginning_is_judged(fits: Fits) -> None:
    """However short a content is, it is judged, never an error."""
    for whole in (PNG, JPEG, b"II*\0" * 4, b"BM" * 20, b"\xff\xfb" * 4, b"RIFF" * 4):
        assert not any(fits(whole[:size]) and size < 4 for size in range(len(whole)))
