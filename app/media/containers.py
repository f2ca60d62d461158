"""Reads what containers hold: the tracks of MP4 and Matroska files, the names in ZIP and OLE files.

The bytes come from a client, so each walk has a limit of steps and never reads outside the data.
Source: ISO/IEC 14496-12 (boxes), RFC 8794 and RFC 9559 (EBML, Matroska), PKWARE's APPNOTE.TXT (ZIP),
[MS-CFB] (compound files).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

# Real files have a few dozen boxes. A file of many tiny boxes must not block the event loop.
MOST_BOXES = 2000
_MOST_ENTRIES = 2000
_MOST_SECTORS = 32

_EBML_SEGMENT, _EBML_TRACKS, _EBML_CLUSTER = 0x18538067, 0x1654AE6B, 0x1F43B675
_EBML_TRACK, _EBML_TRACK_TYPE = 0xAE, 0x83
_EBML_HEADER, _EBML_DOCTYPE = 0x1A45DFA3, 0x4282
_EBML_TYPES = {1: "video", 2: "audio"}

_ZIP_END, _ZIP_ENTRY, _ZIP_LOCAL = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04"
_ZIP_END_BYTES, _ZIP_COMMENT_BYTES = 22, 65535

_OLE_HEADER_BYTES, _OLE_ENTRY_BYTES, _OLE_FAT_SECTORS = 512, 128, 109


def mp4_tracks(data: bytes) -> set[str]:
    """The handlers of an MP4's or QuickTime's tracks ("vide", "soun", ...); empty if there is no `moov` box."""
    found, steps = set(), iter(range(MOST_BOXES))
    for name, start, end in boxes(data, 0, len(data), steps):
        if name != b"moov":
            continue
        for track, track_start, track_end in boxes(data, start, end, steps):
            if track == b"trak":
                found |= _handlers(data, track_start, track_end, steps)
    return found


def _handlers(data: bytes, start: int, end: int, steps: Iterator[int]) -> set[str]:
    """The handlers in moov/trak/mdia/hdlr. The box holds version and flags, a QuickTime type, then the handler."""
    return {
        data[box_start + 8 : box_start + 12].decode("latin-1")
        for media, media_start, media_end in boxes(data, start, end, steps)
        if media == b"mdia"
        for name, box_start, _ in boxes(data, media_start, media_end, steps)
        if name == b"hdlr"
    }


def boxes(data: bytes, at: int, end: int, steps: Iterator[int]) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each box, and the start and end of its content. `steps` limits the boxes of the whole walk."""
    for _ in steps:
        if at + 8 > end:
            return
        size, name = struct.unpack_from(">I4s", data, at)
        header = 8
        if size == 1 and at + 16 <= end:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            header = 16
        elif size == 0:  # the box extends to the end of the file
            size = end - at
        if size < header:
            return
        yield name, at + header, min(at + size, end)
        at += size


def ebml_kind(data: bytes) -> tuple[str, set[str]]:
    """A Matroska file's DocType ("webm", "matroska" or "" if there is none), and its tracks ("video", "audio")."""
    doctype, tracks, steps = "", set(), iter(range(MOST_BOXES))
    for name, start, end in _elements(data, 0, len(data), steps):
        if name == _EBML_HEADER:
            for inner, inner_start, inner_end in _elements(data, start, end, steps):
                if inner == _EBML_DOCTYPE:
                    doctype = data[inner_start:inner_end].rstrip(b"\0").decode("latin-1")
        elif name == _EBML_SEGMENT:
            tracks = _ebml_tracks(data, start, end, steps)
            break
    return doctype, tracks


def _ebml_tracks(data: bytes, start: int, end: int, steps: Iterator[int]) -> set[str]:
    types = set()
    for name, inner_start, inner_end in _elements(data, start, end, steps):
        if name == _EBML_CLUSTER:  # the media data; the list of tracks comes before it
            break
        if name != _EBML_TRACKS:
            continue
        for track, track_start, track_end in _elements(data, inner_start, inner_end, steps):
            if track == _EBML_TRACK:
                types |= {
                    _EBML_TYPES.get(int.from_bytes(data[at:to]), "other")
                    for field, at, to in _elements(data, track_start, track_end, steps)
                    if field == _EBML_TRACK_TYPE
                }
    return types


def _elements(data: bytes, at: int, end: int, steps: Iterator[int]) -> Iterator[tuple[int, int, int]]:
    """Yield the id of each element, and the start and end of its content. An unknown size means all that follows."""
    for _ in steps:
        if at >= end:
            return
        width = 9 - data[at].bit_length()
        size_at = at + width
        if width > 4 or size_at >= end:
            return
        length = 9 - data[size_at].bit_length()
        start = size_at + length
        if length > 8 or start > end:
            return
        size = int.from_bytes(data[size_at:start]) & (1 << 7 * length) - 1
        stop = end if size == (1 << 7 * length) - 1 else min(start + size, end)
        yield int.from_bytes(data[at:size_at]), start, stop
        at = stop


def zip_names(data: bytes) -> list[str]:
    """The first names in a ZIP's directory; empty if the directory is missing."""
    end = data.rfind(_ZIP_END, max(0, len(data) - _ZIP_END_BYTES - _ZIP_COMMENT_BYTES))
    if end < 0 or end + _ZIP_END_BYTES > len(data):
        return []
    (at,) = struct.unpack_from("<I", data, end + 16)
    names: list[str] = []
    while len(names) < _MOST_ENTRIES and data.startswith(_ZIP_ENTRY, at) and at + 46 <= len(data):
        name, extra, comment = struct.unpack_from("<HHH", data, at + 28)
        names.append(data[at + 46 : at + 46 + name].decode("utf-8", "replace").replace("\\", "/"))
        at += 46 + name + extra + comment
    return names


def zip_mimetype(data: bytes) -> str:
    """The type in the first, uncompressed entry of an EPUB or OpenDocument file; "" if there is none."""
    if len(data) < 30 or not data.startswith(_ZIP_LOCAL) or data[30:38] != b"mimetype":
        return ""
    packed, size, name, extra = struct.unpack_from("<H8xI4xHH", data, 8)
    start = 30 + name + extra
    if packed or name != 8:
        return ""
    # An entry that was written as a stream has no size in its header. The mark of the next record ends it.
    text = data[start : start + size] if size else data[start : start + 100].partition(b"PK")[0]
    return text[:100].decode("latin-1").strip()


def ole_names(data: bytes) -> set[str]:
    """The names in a compound file's directory. The directory's sectors are linked through the file's sector table."""
    if len(data) < _OLE_HEADER_BYTES:
        return set()
    (shift,) = struct.unpack_from("<H", data, 30)
    (sector,) = struct.unpack_from("<I", data, 48)
    tables = struct.unpack_from(f"<{_OLE_FAT_SECTORS}I", data, 76)
    names: set[str] = set()
    if shift not in (9, 12):
        return names
    size = 1 << shift
    for _ in range(_MOST_SECTORS):
        start = (sector + 1) * size
        for at in range(start, min(start + size, len(data) - _OLE_ENTRY_BYTES + 1), _OLE_ENTRY_BYTES):
            (length,) = struct.unpack_from("<H", data, at + 64)
            names.add(data[at : at + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace"))
        table, place = divmod(sector, size // 4)
        if table >= _OLE_FAT_SECTORS:
            break
        at = (tables[table] + 1) * size + place * 4
        if at + 4 > len(data):
            break
        (sector,) = struct.unpack_from("<I", data, at)
    return names
