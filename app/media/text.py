"""Whether bytes are text that people can read, and in which of the encodings that people send."""

from __future__ import annotations

import codecs
import re

# What stands at the beginning tells; a book in one file is not read whole for it.
_SAMPLE_BYTES = 64 * 1024
# What has no place in a text, ISO 6429; tab, line feed, form feed, carriage return and escape (colours of logs) have.
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
# Letters of Windows' Cyrillic code page, Microsoft's table for 1251: а-я, А-Я, ё, Ё. KOI8-R has its letters there too.
_CYRILLIC = re.compile(rb"[\xc0-\xff\xa8\xb8]")
_LOWER_ROWS, _UPPER_ROWS = re.compile(rb"[\xc0-\xdf]"), re.compile(rb"[\xe0-\xff]")
_HIGH = re.compile(rb"[\x80-\xff]")
# In real text letters are far more of the upper half than dashes, quotes and number signs.
_LEAST_LETTERS = 0.8

_SVG = re.compile(r"(?:<svg|<!doctype\s+svg)[\s>/]", re.IGNORECASE)
# What may stand before a document's first element, XML 1.0 section 2.8, and where each of it ends.
_PROLOG = (("<?", "?>"), ("<!--", "-->"), ("<!", ">"))


def text_type(data: bytes) -> str | None:
    """`text/plain`, `image/svg+xml`, or None for what is no text: binary data, another encoding, nothing at all."""
    sample = data[:_SAMPLE_BYTES]
    text = _decoded(sample, whole=len(data) <= _SAMPLE_BYTES)
    if not text or _CONTROL.search(text):
        return None
    return "image/svg+xml" if _is_svg(text) else "text/plain"


def utf8(data: bytes) -> bytes:
    """A text (one that `text_type` knows) as UTF-8; the same bytes where it is that already."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace").encode()
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode(_code_page(data), "replace").encode()
    return data


def _code_page(data: bytes) -> str:
    """Most letters of a text are small: these have the upper rows in Windows' table, and the lower ones in KOI8-R."""
    sample = data[:_SAMPLE_BYTES]
    return "koi8-r" if len(_LOWER_ROWS.findall(sample)) > len(_UPPER_ROWS.findall(sample)) else "cp1251"


def _decoded(sample: bytes, *, whole: bool) -> str | None:
    """The sample as UTF-8, UTF-16 with its mark, or one byte a character; a character that is cut off is left out."""
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
