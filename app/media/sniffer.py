"""Finds the type of a file by its content. What the client says about the type is ignored.

A table lists the first bytes of each type, with its source. If they are not enough, the row names a function that
examines more of the file.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import NamedTuple

from app.media.audio_frames import frame_type
from app.media.containers import ebml_kind, mp4_tracks, ole_names, zip_mimetype, zip_names
from app.media.text import text_type

_OPEN_DOCUMENTS = ("text", "spreadsheet", "presentation")
_OOXML = "application/vnd.openxmlformats-officedocument"


class Mark(NamedTuple):
    """A mark in a file. `at`: its position; `found`: the type, or a function that finds it; `source`: its document."""

    at: int
    mark: bytes
    found: str | Callable[[bytes], str | None]
    source: str


def sniff_type(data: bytes) -> str | None:
    """The IANA type of a file; None if it is unknown. `image/heic` means HEIF with HEVC inside.

    The work is limited for files of any size: marks, the directories of containers, and the first 64 KB of a text.
    """
    for mark in MARKS:
        if data.startswith(mark.mark, mark.at):
            found = mark.found if isinstance(mark.found, str) else mark.found(data)
            if found:
                return found
    return text_type(data) or frame_type(data)


def _find_riff_type(data: bytes) -> str | None:
    return {b"WAVE": "audio/wav", b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}.get(data[8:12])


def _find_ogg_type(data: bytes) -> str | None:
    """The first packets of an Ogg file name the codecs of all its streams."""
    begin = data[:4096]
    if b"\x80theora" in begin:
        return "video/ogg"
    codecs = (b"OpusHead", b"\x01vorbis", b"\x7fFLAC", b"Speex   ")
    return "audio/ogg" if any(codec in begin for codec in codecs) else None


def _find_matroska_type(data: bytes) -> str | None:
    doctype, tracks = ebml_kind(data)
    if doctype not in ("webm", "matroska"):
        return None
    return f"{'audio' if tracks == {'audio'} else 'video'}/{doctype}"


_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "})


def _find_iso_type(data: bytes) -> str | None:
    """A file of ISO boxes. Its type depends on the major brand, the compatible brands, and the tracks."""
    end = min(int.from_bytes(data[:4]), 256, len(data))
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, end, 4))]
    for brand in brands:
        if brand in _AVIF_BRANDS:
            return "image/avif"
        if brand in _HEIF_BRANDS:
            return "image/heic"
    major = brands[0]
    if major in (b"mif1", b"msf1", b"crx "):  # images of another codec, raw photos
        return None
    tracks = mp4_tracks(data)
    if "vide" not in tracks and ("soun" in tracks or major in _AUDIO_BRANDS):
        return "audio/3gpp" if major.startswith(b"3g") else "audio/mp4"
    return {b"qt  ": "video/quicktime"}.get(major, "video/3gpp" if major.startswith(b"3g") else "video/mp4")


def _find_old_quicktime_type(data: bytes) -> str | None:
    """An old QuickTime file has no brands and begins with any box. It is recognised only if it has tracks."""
    tracks = mp4_tracks(data)
    if "vide" in tracks:
        return "video/quicktime"
    return "audio/mp4" if "soun" in tracks else None


def _find_compound_type(data: bytes) -> str | None:
    names = ole_names(data)
    if "WordDocument" in names:
        return "application/msword"
    if names & {"Workbook", "Book"}:
        return "application/vnd.ms-excel"
    return "application/vnd.ms-powerpoint" if "PowerPoint Document" in names else None


# Types that the first entry of a ZIP file may state: EPUB OCF 4.3, OpenDocument 1.3 part 2, 3.3.
_STATED = {"application/epub+zip", *(f"application/vnd.oasis.opendocument.{kind}" for kind in _OPEN_DOCUMENTS)}
_PARTS = (
    ("word/", f"{_OOXML}.wordprocessingml.document"),
    ("ppt/", f"{_OOXML}.presentationml.presentation"),
    ("xl/", f"{_OOXML}.spreadsheetml.sheet"),
)


def _find_zip_type(data: bytes) -> str:
    stated = zip_mimetype(data)
    if stated in _STATED:
        return stated
    names = zip_names(data)
    if "[Content_Types].xml" in names:
        for part, found in _PARTS:
            if any(name.startswith(part) for name in names):
                return found
    return "application/zip"


_LOTTIE = (b'"tgs"', b'"layers"', b'"fr":')
_MOST_UNPACKED = 4096  # bytes


def _find_gzip_type(data: bytes) -> str:
    """A Telegram sticker that moves is packed JSON, which says so in its first words."""
    try:
        begin = zlib.decompressobj(wbits=31).decompress(data[:_MOST_UNPACKED], _MOST_UNPACKED)
    except zlib.error:
        return "application/gzip"
    is_sticker = begin.lstrip()[:1] == b"{" and any(word in begin for word in _LOTTIE)
    return "application/x-tgsticker" if is_sticker else "application/gzip"


def _check_bitmap(data: bytes) -> str | None:
    """The mark "BM" may also begin a text. So the size of the next header must be a known one."""
    return "image/bmp" if int.from_bytes(data[14:18], "little") in (12, 16, 40, 52, 56, 64, 108, 124) else None


_ISO_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
MARKS = (
    Mark(0, b"\xff\xd8\xff", "image/jpeg", "ITU-T T.81, annex B: SOI and the next marker"),
    Mark(0, b"\x89PNG\r\n\x1a\n", "image/png", "RFC 2083, 3.1"),
    Mark(0, b"GIF87a", "image/gif", "GIF87a specification"),
    Mark(0, b"GIF89a", "image/gif", "GIF89a specification, 17"),
    Mark(0, b"II*\0", "image/tiff", "TIFF 6.0, section 2"),
    Mark(0, b"MM\0*", "image/tiff", "TIFF 6.0, section 2"),
    Mark(0, b"II+\0", "image/tiff", "BigTIFF, libtiff's design"),
    Mark(0, b"MM\0+", "image/tiff", "BigTIFF, libtiff's design"),
    Mark(0, b"BM", _check_bitmap, "Microsoft, BITMAPFILEHEADER and the headers after it"),
    Mark(0, b"RIFF", _find_riff_type, "Multimedia Programming Interface 1.0; RFC 9649 (WebP)"),
    Mark(0, b"RF64", _find_riff_type, "EBU Tech 3306"),
    Mark(4, b"ftyp", _find_iso_type, "ISO/IEC 14496-12, 4.3; ISO/IEC 23008-12 (HEIF); AV1 Image File Format"),
    *(Mark(4, box, _find_old_quicktime_type, "Apple, QuickTime File Format") for box in _ISO_BOXES),
    Mark(0, b"\x1a\x45\xdf\xa3", _find_matroska_type, "RFC 8794, 11.2.1; RFC 9559"),
    Mark(0, b"OggS", _find_ogg_type, "RFC 3533, 6; RFC 7845, 5.1; Vorbis I, 4.2; Theora, 6.2"),
    Mark(0, b"fLaC", "audio/flac", "RFC 9639, 6"),
    Mark(0, b"#!AMR", "audio/amr", "RFC 4867, 5"),
    Mark(8, b"AIFF", lambda data: "audio/aiff" if data.startswith(b"FORM") else None, "Apple, AIFF 1.3"),
    Mark(8, b"AIFC", lambda data: "audio/aiff" if data.startswith(b"FORM") else None, "Apple, AIFF-C"),
    Mark(0, b"%PDF-", "application/pdf", "ISO 32000-1, 7.5.2"),
    Mark(0, b"\xef\xbb\xbf%PDF-", "application/pdf", "ISO 32000-1, appendix H.3: what readers take"),
    Mark(0, b"\r\n%PDF-", "application/pdf", "ISO 32000-1, appendix H.3"),
    Mark(0, b"\n%PDF-", "application/pdf", "ISO 32000-1, appendix H.3"),
    Mark(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _find_compound_type, "[MS-CFB], 2.2"),
    Mark(0, b"PK\x03\x04", _find_zip_type, "APPNOTE.TXT, 4.3.7; ECMA-376 part 2; EPUB OCF, 4.3"),
    Mark(0, b"PK\x05\x06", "application/zip", "APPNOTE.TXT, 4.3.16: an empty one"),
    Mark(0, b"\x1f\x8b\x08", _find_gzip_type, "RFC 1952, 2.3; Telegram's stickers (TGS)"),
    Mark(0, b"{\\rtf", "application/rtf", "Rich Text Format 1.9"),
)
