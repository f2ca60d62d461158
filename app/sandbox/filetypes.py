"""The table of file types that GigaChat accepts: the type in the upload, its kind, and the check of its content.

Source: docs/gigachat-api.md, "Limits, models, prices". The names are the vendor's: `audio/mpeg`, `application/epub+zip`
and `image/jpg` are not accepted. A megabyte is 1,000,000 bytes here, the stricter of two readings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.sandbox import contents
from app.sandbox.contents import ContentCheck, is_zip_with

MEGABYTE = 1_000_000
TEXT, IMAGE, AUDIO = "text", "image", "audio"
LIMITS: Mapping[str, int] = {TEXT: 40 * MEGABYTE, IMAGE: 15 * MEGABYTE, AUDIO: 35 * MEGABYTE}
LARGEST = max(LIMITS.values())

_OFFICE = "[Content_Types].xml"  # what every office document of the is_zip_with kind has
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True, slots=True)
class FileType:
    """A file type. `fits`: whether a content has this type."""

    mime: str
    kind: str
    fits: ContentCheck

    @property
    def most(self) -> int:
        """The largest size of such a file, in bytes."""
        return LIMITS[self.kind]


_ROWS = (
    FileType("text/plain", TEXT, contents.is_text),
    FileType("application/msword", TEXT, contents.is_ole),
    FileType(_DOCX, TEXT, is_zip_with(_OFFICE)),
    FileType("application/pdf", TEXT, contents.is_pdf),
    FileType("application/epub", TEXT, is_zip_with("META-INF/container.xml")),
    FileType("application/ppt", TEXT, contents.is_ole),
    FileType("application/pptx", TEXT, is_zip_with(_OFFICE)),
    FileType("application/vnd.ms-excel", TEXT, is_zip_with(_OFFICE)),  # xlsx, by the contract's own words
    FileType("image/jpeg", IMAGE, contents.is_jpeg),
    FileType("image/png", IMAGE, contents.is_png),
    FileType("image/tiff", IMAGE, contents.is_tiff),
    FileType("image/bmp", IMAGE, contents.is_bmp),
    FileType("audio/mp4", AUDIO, contents.is_mp4),
    FileType("audio/mp3", AUDIO, contents.is_mp3),
    FileType("audio/x-m4a", AUDIO, contents.is_mp4),
    FileType("audio/x-wav", AUDIO, contents.is_wav),
    FileType("audio/wave", AUDIO, contents.is_wav),
    FileType("audio/wav", AUDIO, contents.is_wav),
    FileType("audio/x-pn-wav", AUDIO, contents.is_wav),
    FileType("audio/webm", AUDIO, contents.is_webm),
    FileType("audio/x-ogg", AUDIO, contents.is_ogg),
    FileType("audio/opus", AUDIO, contents.is_opus),
)

TYPES: Mapping[str, FileType] = {row.mime: row for row in _ROWS}
