"""Recognises text and its encoding: UTF-8, UTF-16, and the Cyrillic code pages windows-1251 and KOI8-R."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from io import BytesIO

# Only the beginning of a file is examined: a file may be a whole book.
_SAMPLE_BYTES = 64 * 1024
_SLICE_BYTES = 1024 * 1024
# Control characters (ISO 6429) that no text holds. Tab, line breaks, form feed and escape (colours in logs) may occur.
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
# Cyrillic letters of windows-1251 (Microsoft's table): а-я, А-Я, ё, Ё. KOI8-R has its letters at the same codes.
_CYRILLIC = re.compile(rb"[\xc0-\xff\xa8\xb8]")
_LOWER_ROWS, _UPPER_ROWS = re.compile(rb"[\xc0-\xdf]"), re.compile(rb"[\xe0-\xff]")
_HIGH = re.compile(rb"[\x80-\xff]")
# In real text, most bytes of the upper half are letters. Few are dashes, quotes and number signs.
_LEAST_LETTERS = 0.8

_SVG = re.compile(r"(?:<svg|<!doctype\s+svg)[\s>/]", re.IGNORECASE)
# The start and end of what may come before a document's first element: XML 1.0, section 2.8.
_PROLOG = (("<?", "?>"), ("<!--", "-->"), ("<!", ">"))


def text_type(data: bytes) -> str | None:
    """`text/plain` or `image/svg+xml`; None for binary data, an unknown encoding or an empty file."""
    sample = data[:_SAMPLE_BYTES]
    text = _decode_sample(sample, whole=len(data) <= _SAMPLE_BYTES)
    if not text or _CONTROL.search(text):
        return None
    return "image/svg+xml" if _is_svg(text) else "text/plain"


def to_utf8(data: bytes) -> bytes:
    """Convert a text that `text_type` recognises to UTF-8. A UTF-8 text is returned unchanged.

    It is decoded in slices, because a decoded text takes up to four times its size.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _reencode(data, "utf-16")
    try:
        for _ in _decode_slices(data, "utf-8", "strict"):
            pass
    except UnicodeDecodeError:
        return _reencode(data, _guess_code_page(data))
    return data


def _reencode(data: bytes, encoding: str) -> bytes:
    out = BytesIO()
    for text in _decode_slices(data, encoding, "replace"):
        out.write(text.encode())
    return out.getvalue()


def _decode_slices(data: bytes, encoding: str, errors: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    for at in range(0, len(data), _SLICE_BYTES):
        yield decoder.decode(data[at : at + _SLICE_BYTES], final=at + _SLICE_BYTES >= len(data))


def _guess_code_page(data: bytes) -> str:
    """The likely code page. Most letters are lower case: windows-1251 has these at E0-FF, KOI8-R at C0-DF."""
    sample = data[:_SAMPLE_BYTES]
    return "koi8-r" if len(_LOWER_ROWS.findall(sample)) > len(_UPPER_ROWS.findall(sample)) else "cp1251"


def _decode_sample(sample: bytes, *, whole: bool) -> str | None:
    """Decode a sample in UTF-8, UTF-16 with a byte order mark, or a Cyrillic code page; None if it is none of them.

    An incomplete character at the end is dropped, unless the sample is the `whole` text.
    """
    wide = sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return codecs.getincrementaldecoder("utf-16" if wide else "utf-8-sig")().decode(sample, final=whole)
    except UnicodeDecodeError:
        if wide or len(_CYRILLIC.findall(sample)) < _LEAST_LETTERS * len(_HIGH.findall(sample)):
            return None
    try:
        return sample.decode("cp1251")
    except UnicodeDecodeError:
        return None


def _is_svg(text: str) -> bool:
    """Whether the first element is `svg`."""
    text = text[:4096].lstrip()
    while text.startswith(("<?", "<!")) and not _SVG.match(text):
        end = next(end for start, end in _PROLOG if text.startswith(start))
        text = text.partition(end)[2].lstrip()
    return _SVG.match(text) is not None
