"""The types of files that GigaChat takes, as a table: the name that the part must bear, the kind, what it must hold.

Source: gigachat-api, section 7. The names are the vendor's own and exact: `audio/mpeg`, `application/epub+zip` or
`image/jpg` are none of them. A megabyte is 1,000,000 bytes here: who keeps to that is right by the other reading too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.sandbox import contents
from app.sandbox.contents import Fits, zipped

MEGABYTE = 1_000_000
TEXT, IMAGE, AUDIO = "text", "image", "audio"
LIMITS: Mapping[str, int] = {TEXT: 40 * MEGABYTE, IMAGE: 15 * MEGABYTE, AUDIO: 35 * MEGABYTE}
LARGEST = max(LIMITS.values())

_OFFICE = "[Content_Types].xml"  # what every office document of the zipped kind has
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True, slots=True)
class FileType:
    """One type: `fits` tells whether a content is of it."""

    mime: str
    kind: str
    fits: Fits

    @property
    def most(self) -> int:
        """The most bytes that such a file may have."""
        return LIMITS[self.kind]


_ROWS = (
    FileType("text/plain", TEXT, contents.text),
    FileType("application/msword", TEXT, contents.ole),
    FileType(_DOCX, TEXT, zipped(_OFFICE)),
    FileType("application/pdf", TEXT, contents.pdf),
    FileType("application/epub", TEXT, zipped("META-INF/container.xml")),
    FileType("application/ppt", TEXT, contents.ole),
    FileType("application/pptx", TEXT, zipped(_OFFICE)),
    FileType("application/vnd.ms-excel", TEXT, zipped(_OFFICE)),  # xlsx, by the contract's own words
    FileType("image/jpeg", IMAGE, contents.jpeg),
    FileType("image/png", IMAGE, contents.png),
    FileType("image/tiff", IMAGE, contents.tiff),
    FileType("image/bmp", IMAGE, contents.bmp),
    FileType("audio/mp4", AUDIO, contents.mp4),
    FileType("audio/mp3", AUDIO, contents.mp3),
    FileType("audio/x-m4a", AUDIO, contents.mp4),
    FileType("audio/x-wav", AUDIO, contents.wav),
    FileType("audio/wave", AUDIO, contents.wav),
    FileType("audio/wav", AUDIO, contents.wav),
    FileType("audio/x-pn-wav", AUDIO, contents.wav),
    FileType("audio/webm", AUDIO, contents.webm),
    FileType("audio/x-ogg", AUDIO, contents.ogg),
    FileType("audio/opus", AUDIO, contents.opus),
)

TYPES: Mapping[str, FileType] = {row.mime: row for row in _ROWS}
