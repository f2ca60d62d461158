"""What a file is, by its content and never by what it is said to be.

A table of the first bytes, each row with its source; where those don't tell, the row names who looks further.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from app.media.containers import ebml_kind, mp4_tracks, ole_names, zip_mimetype, zip_names
from app.media.frames import frame_type
from app.media.text import text_type

_OPEN_DOCUMENTS = ("text", "spreadsheet", "presentation")
_OOXML = "application/vnd.openxmlformats-officedocument"


class Mark(NamedTuple):
    """Bytes at a place, what they are the mark of or who looks further, and where it is written."""

    at: int
    mark: bytes
    found: str | Callable[[bytes], str | None]
    source: str


def sniff(data: bytes) -> str | None:
    """The IANA type of a file, None if it is unknown. `image/heic` stands for HEIF with HEVC inside.

    Bounded work, whatever the size: marks, a walk over containers' directories, the first 64 KB of a text.
    """
    for mark in _MARKS:
        if data.startswith(mark.mark, mark.at):
            found = mark.found if isinstance(mark.found, str) else mark.found(data)
            if found:
                return found
    return text_type(data) or frame_type(data)


def _riff(data: bytes) -> str | None:
    return {b"WAVE": "audio/wav", b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}.get(data[8:12])


def _ogg(data: bytes) -> str | None:
    """The first packets of an Ogg name their codecs; those of all streams come before any content."""
    begin = data[:4096]
    if b"\x80theora" in begin:
        return "video/ogg"
    codecs = (b"OpusHead", b"\x01vorbis", b"\x7fFLAC", b"Speex   ")
    return "audio/ogg" if any(codec in begin for codec in codecs) else None


def _matroska(data: bytes) -> str | None:
    doctype, tracks = ebml_kind(data)
    if doctype not in ("webm", "matroska"):
        return None
    return f"{'audio' if tracks == {'audio'} else 'video'}/{doctype}"


_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "})


def _iso(data: bytes) -> str | None:
    """A file of boxes: what it is says its major brand, then those that it is compatible with, then its tracks."""
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


def _old_quicktime(data: bytes) -> str | None:
    """QuickTime before it had brands begins with any of its boxes; only one with tracks is told from chance."""
    tracks = mp4_tracks(data)
    return "video/quicktime" if "vide" in tracks else "audio/mp4" if "soun" in tracks else None


def _compound(data: bytes) -> str | None:
    names = ole_names(data)
    if "WordDocument" in names:
        return "application/msword"
    if names & {"Workbook", "Book"}:
        return "application/vnd.ms-excel"
    return "application/vnd.ms-powerpoint" if "PowerPoint Document" in names else None


# What the first entry of such a file says of itself: EPUB OCF 4.3, OpenDocument 1.3 part 2, 3.3.
_STATED = {"application/epub+zip", *(f"application/vnd.oasis.opendocument.{kind}" for kind in _OPEN_DOCUMENTS)}
_PARTS = (
    ("word/", f"{_OOXML}.wordprocessingml.document"),
    ("ppt/", f"{_OOXML}.presentationml.presentation"),
    ("xl/", f"{_OOXML}.spreadsheetml.sheet"),
)


def _zip(data: bytes) -> str:
    stated = zip_mimetype(data)
    if stated in _STATED:
        return stated
    names = zip_names(data)
    if "[Content_Types].xml" in names:
        for part, found in _PARTS:
            if any(name.startswith(part) for name in names):
                return found
    return "application/zip"


def _bitmap(data: bytes) -> str | None:
    """ "BM" may begin a text: the size of the header that follows must be one of those there are."""
    return "image/bmp" if int.from_bytes(data[14:18], "little") in (12, 16, 40, 52, 56, 64, 108, 124) else None


_ISO_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_MARKS = (
    Mark(0, b"\xff\xd8\xff", "image/jpeg", "ITU-T T.81, annex B: SOI and the next marker"),
    Mark(0, b"\x89PNG\r\n\x1a\n", "image/png", "RFC 2083, 3.1"),
    Mark(0, b"GIF87a", "image/gif", "GIF87a specification"),
    Mark(0, b"GIF89a", "image/gif", "GIF89a specification, 17"),
    Mark(0, b"II*\0", "image/tiff", "TIFF 6.0, section 2"),
    Mark(0, b"MM\0*", "image/tiff", "TIFF 6.0, section 2"),
    Mark(0, b"II+\0", "image/tiff", "BigTIFF, libtiff's design"),
    Mark(0, b"MM\0+", "image/tiff", "BigTIFF, libtiff's design"),
    Mark(0, b"BM", _bitmap, "Microsoft, BITMAPFILEHEADER and the headers after it"),
    Mark(0, b"RIFF", _riff, "Multimedia Programming Interface 1.0; RFC 9649 (WebP)"),
    Mark(0, b"RF64", _riff, "EBU Tech 3306"),
    Mark(4, b"ftyp", _iso, "ISO/IEC 14496-12, 4.3; ISO/IEC 23008-12 (HEIF); AV1 Image File Format"),
    *(Mark(4, box, _old_quicktime, "Apple, QuickTime File Format") for box in _ISO_BOXES),
    Mark(0, b"\x1a\x45\xdf\xa3", _matroska, "RFC 8794, 11.2.1; RFC 9559"),
    Mark(0, b"OggS", _ogg, "RFC 3533, 6; RFC 7845, 5.1; Vorbis I, 4.2; Theora, 6.2"),
    Mark(0, b"fLaC", "audio/flac", "RFC 9639, 6"),
    Mark(0, b"#!AMR", "audio/amr", "RFC 4867, 5"),
    Mark(8, b"AIFF", lambda data: "audio/aiff" if data.startswith(b"FORM") else None, "Apple, AIFF 1.3"),
    Mark(8, b"AIFC", lambda data: "audio/aiff" if data.startswith(b"FORM") else None, "Apple, AIFF-C"),
    Mark(0, b"%PDF-", "application/pdf", "ISO 32000-1, 7.5.2"),
    Mark(0, b"\xef\xbb\xbf%PDF-", "application/pdf", "ISO 32000-1, appendix H.3: what readers take"),
    Mark(0, b"\r\n%PDF-", "application/pdf", "ISO 32000-1, appendix H.3"),
    Mark(0, b"\n%PDF-", "application/pdf", "ISO 32000-1, appendix H.3"),
    Mark(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _compound, "[MS-CFB], 2.2"),
    Mark(0, b"PK\x03\x04", _zip, "APPNOTE.TXT, 4.3.7; ECMA-376 part 2; EPUB OCF, 4.3"),
    Mark(0, b"PK\x05\x06", "application/zip", "APPNOTE.TXT, 4.3.16: an empty one"),
    Mark(0, b"{\\rtf", "application/rtf", "Rich Text Format 1.9"),
)
