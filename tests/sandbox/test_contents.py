"""Contents by their structure."""

from __future__ import annotations

import pytest

from app.sandbox import contents
from app.sandbox.contents import ContentCheck
from tests.sandbox.specimens import JPEG, OGG, THUMBNAIL, png, zipped

OFFICE = contents.is_zip_with("[Content_Types].xml")
PNG = png()

UNFIT: list[tuple[ContentCheck, bytes]] = [
    (contents.is_text, "Привет".encode("cp1251")),
    (contents.is_text, b"a\0b"),
    (contents.is_pdf, b"\n%PDF-1.7"),
    (contents.is_ole, zipped("a")),
    (OFFICE, b"PK\x03\x04"),
    (OFFICE, zipped("word/document.xml")),
    (OFFICE, zipped("[Content_Types].xml")[:-20]),
    (contents.is_png, JPEG),
    (contents.is_png, PNG[:8]),
    (contents.is_png, PNG[:-1]),
    (contents.is_png, PNG[:-12]),
    (contents.is_png, PNG[:33] + PNG[-12:]),  # no pixels
    (contents.is_png, PNG[:8] + PNG[33:]),  # no header
    (contents.is_jpeg, PNG),
    (contents.is_jpeg, JPEG[:-1]),
    (contents.is_jpeg, b"\xff\xd8" + THUMBNAIL),
    (contents.is_jpeg, b"\xff\xd8\xff\xd9"),
    (contents.is_tiff, b"II*\0\x08\0\0\0"),
    (contents.is_tiff, b"II+\0\x08\0\0\0\0\0\0\0"),
    (contents.is_tiff, b"MM\0*\x08\0\0\0\0\0\0\0"),
    (contents.is_bmp, b"BM"),
    (contents.is_bmp, b"BM" + bytes(60)),
    (contents.is_mp3, b"ID3"),
    (contents.is_mp3, b"\xff\xf1\x50\x80"),  # AAC: no layer
    (contents.is_mp3, b"\xff\xeb\x90\x00"),  # no version
    (contents.is_mp3, b"\xff\xfb\xf0\x00"),  # no bit rate
    (contents.is_mp3, b"\xff\xfb\x9c\x00"),  # no sample rate
    (contents.is_mp3, b"\xff\xfb"),
    (contents.is_mp4, b"ftypM4A "),
    (contents.is_wav, b"RIFF\0\0\0\0AVI "),
    (contents.is_webm, b"OggS"),
    (contents.is_ogg, b"ID3"),
    (contents.is_opus, OGG + b"\x01vorbis"),
]

FIT: list[tuple[ContentCheck, bytes]] = [
    (contents.is_text, b"plain"),
    (contents.is_png, PNG + b"trailer"),
    (contents.is_jpeg, JPEG + b"trailer"),
    (contents.is_tiff, b"MM\0*\0\0\0\x08\0\0"),
    (contents.is_mp3, b"\xff\xfb\x90\x00"),
    (contents.is_mp3, b"\xff\xf3\x40\xc4"),
]


@pytest.mark.parametrize(("fits", "content"), UNFIT)
def test_unfit(fits: ContentCheck, content: bytes) -> None:
    """What is cut off, or of another type, is told from what it claims to be."""
    assert not fits(content)


@pytest.mark.parametrize(("fits", "content"), FIT)
def test_fit(fits: ContentCheck, content: bytes) -> None:
    """Variants that occur are taken."""
    assert fits(content)


@pytest.mark.parametrize(
    "fits", [contents.is_png, contents.is_jpeg, contents.is_tiff, contents.is_bmp, contents.is_mp3, contents.is_wav]
)
def test_any_beginning_is_judged(fits: ContentCheck) -> None:
    """However short a content is, it is judged, never an error."""
    for whole in (PNG, JPEG, b"II*\0" * 4, b"BM" * 20, b"\xff\xfb" * 4, b"RIFF" * 4):
        assert not any(fits(whole[:size]) and size < 4 for size in range(len(whole)))
