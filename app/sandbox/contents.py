"""Checks that the content of a file fits its type, by its structure only: signatures, segments, a directory.

GigaChat's own check is not documented (docs/gigachat-api.md, "Files" and "Limits, models, prices"). It is assumed that
it refuses files that do not fit, and text that is not UTF-8. Nothing is decoded, so an image may pass that no decoder
can read.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from io import BytesIO

ContentCheck = Callable[[bytes], bool]

_PNG = b"\x89PNG\r\n\x1a\n"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_EBML = b"\x1aE\xdf\xa3"
_STANDALONE = frozenset((0x01, *range(0xD0, 0xD8)))  # JPEG markers without a length
_SCAN = 0xDA


def is_text(content: bytes) -> bool:
    """UTF-8, without a NUL."""
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def is_pdf(content: bytes) -> bool:
    """The header of PDF."""
    return content.startswith(b"%PDF-")


def is_ole(content: bytes) -> bool:
    """The container of doc and ppt."""
    return content.startswith(_OLE)


def is_zip_with(member: str) -> ContentCheck:
    """A check for a zip archive that can be opened and has this member."""

    def fits(content: bytes) -> bool:
        try:
            with zipfile.ZipFile(BytesIO(content)) as archive:
                return member in archive.namelist()
        except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError, struct.error):
            return False

    return fits


def is_png(content: bytes) -> bool:
    """The signature, then IHDR, and all chunks to IEND, with pixels among them."""
    if not content.startswith(_PNG) or content[12:16] != b"IHDR":
        return False
    place, painted = len(_PNG), False
    while place + 12 <= len(content):
        size, kind = _number(content, place, 4), content[place + 4 : place + 8]
        place += 12 + size
        painted = painted or kind == b"IDAT"
        if kind == b"IEND":
            return painted and place <= len(content)
    return False


def is_jpeg(content: bytes) -> bool:
    """SOI, all segments up to the scan, and EOI after it. A thumbnail's EOI is inside a segment, so it is skipped."""
    if not content.startswith(b"\xff\xd8"):
        return False
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker, size = content[place + 1], _number(content, place + 2, 2)
        if marker == _SCAN:
            return content.find(b"\xff\xd9", place) > 0
        if marker == 0xFF:  # a fill byte
            place += 1
        else:
            place += 2 if marker in _STANDALONE else 2 + size
    return False


def is_tiff(content: bytes) -> bool:
    """The header in either byte order, and a directory within the file."""
    if content[:4] not in (b"II*\0", b"MM\0*"):
        return False
    directory = int.from_bytes(content[4:8], "little" if content.startswith(b"II") else "big")
    return 8 <= directory <= len(content) - 2


def is_bmp(content: bytes) -> bool:
    """The header, and pixels within the file."""
    return content.startswith(b"BM") and 26 <= int.from_bytes(content[10:14], "little") < len(content)


def is_mp3(content: bytes) -> bool:
    """A tag of ID3, or the header of an MPEG frame: sync, version, layer, bit rate and sample rate that exist."""
    if content.startswith(b"ID3"):
        return len(content) > 10
    if len(content) < 4 or content[0] != 0xFF or content[1] & 0xE0 != 0xE0:
        return False
    version, layer = content[1] >> 3 & 3, content[1] >> 1 & 3
    return version != 1 and layer != 0 and content[2] >> 4 != 15 and content[2] >> 2 & 3 != 3


def is_mp4(content: bytes) -> bool:
    """The box `ftyp` comes first: mp4 and m4a."""
    return content[4:8] == b"ftyp"


def is_wav(content: bytes) -> bool:
    """RIFF, and WAVE in it."""
    return content.startswith(b"RIFF") and content[8:12] == b"WAVE"


def is_webm(content: bytes) -> bool:
    """The header of EBML."""
    return content.startswith(_EBML)


def is_ogg(content: bytes) -> bool:
    """A page of Ogg."""
    return content.startswith(b"OggS")


def is_opus(content: bytes) -> bool:
    """A page of Ogg that holds the header of Opus."""
    return is_ogg(content) and b"OpusHead" in content[:64]


def _number(content: bytes, place: int, size: int) -> int:
    return int.from_bytes(content[place : place + size], "big")
