"""Text in the encodings that people send, and what only looks like it."""

from __future__ import annotations

import codecs

import pytest

from app.media.text import text_type, to_utf8

RUSSIAN = "Ёжик в тумане — «сказка», № 1…\r\n\tПривет!"


@pytest.mark.parametrize(
    "data",
    [
        b"Hello",
        RUSSIAN.encode(),
        codecs.BOM_UTF8 + RUSSIAN.encode(),
        RUSSIAN.encode("utf-16"),
        codecs.BOM_UTF16_BE + RUSSIAN.encode("utf-16-be"),
        RUSSIAN.encode("cp1251"),
        "Привет, мир".encode("koi8-r"),
        b"\x1b[31mred\x1b[0m",
        "日本語".encode(),
        ("я" * 40_000).encode(),
        ("aя" * 30_000).encode(),
        ("я" * 50_000).encode("utf-16"),
        RUSSIAN.encode("cp1251") * 5000,
    ],
)
def test_text(data: bytes) -> None:
    """UTF-8, UTF-16 with its mark, a Cyrillic code page; a long one is not cut inside a character."""
    assert text_type(data) == "text/plain"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"Hello\0",
        b"Hello\x07",
        codecs.BOM_UTF8,
        "Привет".encode("utf-16-le"),
        codecs.BOM_UTF16_LE + b"\0\xd8",
        codecs.BOM_UTF16_LE + b"H\0\0\0",
        codecs.BOM_UTF32_LE + "Hi".encode("utf-32-le"),
        "日本語の文章".encode("shift-jis"),
        "日本語の文章".encode("euc-jp")[:1] + b"\x98\xc0\xc0\xc0\xc0\xc0",
        "Привет".encode()[:-1],
        b"\x80\x81\x82\x83",
    ],
)
def test_no_text(data: bytes) -> None:
    """Control characters, broken characters, other encodings, nothing."""
    assert text_type(data) is None


@pytest.mark.parametrize(
    ("data", "svg"),
    [
        (b"<svg/>", True),
        (b"<svg>", True),
        (b"  \n<SVG width='1'>", True),
        (codecs.BOM_UTF8 + b"<?xml version='1.0'?>\n<!-- a > b --><svg\n>", True),
        (b"<?xml version='1.0'?><!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' [<!ENTITY a 'b'>]><svg >", True),
        ("<?xml version='1.0' encoding='utf-16'?><svg >".encode("utf-16"), True),
        (b"<!-- <svg > -->", False),
        (b"<!-- <svg >", False),
        (b"<html><svg ></html>", False),
        (b"<svgx>", False),
        (b"an <svg > of mine", False),
    ],
)
def test_svg(data: bytes, svg: bool) -> None:
    """The first element decides, after whatever XML allows in front of it."""
    assert text_type(data) == ("image/svg+xml" if svg else "text/plain")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1251"])
def test_utf8(encoding: str) -> None:
    """A text in any of them says the same in UTF-8, as which it is passed on."""
    assert to_utf8(RUSSIAN.encode(encoding)).decode() == RUSSIAN
    assert to_utf8((RUSSIAN * 9000).encode(encoding)).decode() == RUSSIAN * 9000


def test_utf8_of_older_files() -> None:
    """KOI8-R is told from Windows' code page by where the small letters are; what can't be read is no failure."""
    assert to_utf8("Привет, мир. Как дела?".encode("koi8-r")).decode() == "Привет, мир. Как дела?"
    assert to_utf8("Привет".encode("cp1251") + b"\x98").decode() == "Привет\ufffd"
    assert to_utf8(b"same") == b"same"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1251"])
@pytest.mark.parametrize("more", range(3))
def test_utf8_of_long_texts(encoding: str, more: int) -> None:
    """They are decoded in slices, which may end within a character."""
    text = "a" * more + "Привет, мир. " * 200_000
    assert to_utf8(text.encode(encoding)).decode("utf-8-sig") == text
