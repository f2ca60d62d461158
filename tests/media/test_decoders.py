"""Decoded pictures: strips and factors, with each library and without it."""

from __future__ import annotations

import sys

import pytest
from PIL import Image

from app.media import decoders
from app.media.decoders import assemble, decode
from app.media.sniffer import sniff_type
from tests.media import files

FORMS = ["WEBP", "GIF", "AVIF", "HEIF"]


def decoded(data: bytes, factor: int = 1) -> Image.Image:
    """The picture of a file."""
    return assemble(decode(data, str(sniff_type(data))), factor).convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> float:
    """How far two pictures are apart, on average."""
    pairs = zip(one.tobytes(), other.tobytes(), strict=True)
    return sum(abs(a - b) for a, b in pairs) / (one.width * one.height * 3)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_made_smaller(form: str, factor: int) -> None:
    """It shows the same at each size, also where strips and factors do not come out even."""
    picture = files.picture(size=(205, 163))
    small = decoded(files.saved(picture, form, quality=95), factor)
    assert small.size == (-(-205 // factor), -(-163 // factor))
    assert difference(small, picture.resize(small.size)) < 9


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_webp_without_its_library(lossless: bool, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Pillow does not bring libwebp as a library, Pillow decodes, and it looks the same."""
    data = files.saved(files.picture(mode, (205, 163)), "WEBP", lossless=lossless)
    direct = decoded(data)
    monkeypatch.setattr(decoders, "load_libwebp", lambda: None)
    assert difference(direct, decoded(data)) < 1


def test_a_webp_that_is_cut() -> None:
    """Neither libwebp nor Pillow gives half of a picture."""
    data = files.saved(files.picture(size=(205, 163)).effect_spread(9), "WEBP")
    for size in (len(data) // 2, 40, 25):
        with pytest.raises(Exception):  # noqa: B017 - decoders raise anything
            decode(data[:size], "image/webp")


def test_heic_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow alone decodes what it knows."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImportError):
        decoders.load_library("image/heic")
    with pytest.raises(ImportError):
        decode(files.photo("HEIF"), "image/heic")
    assert decoded(files.photo("WEBP")).size == (64, 48)


def test_other_formats() -> None:
    """What Pillow reads beside these is never tried."""
    with pytest.raises(KeyError):
        decode(files.saved(files.picture(), "PPM"), "image/x-portable-pixmap")
