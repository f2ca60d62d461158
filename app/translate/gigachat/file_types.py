"""GigaChat's files: which types it takes under which names, how large, and its answers about them.

Source: docs/gigachat-api.md, "Files", "Attachments" and "Limits, models, prices": the types' names are the vendor's
own, so some files are the same under another name. Types that people send and GigaChat does not take are converted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.translate.dialogue import FileKind, Uploaded
from app.translate.gigachat import lenient_json

# A megabyte is 2**20 here: if GigaChat means a million, it answers 413, and the client gets an error.
MAX_BYTES: dict[FileKind, int] = {"image": 15 * 2**20, "audio": 35 * 2**20, "document": 40 * 2**20}
LARGEST = max(MAX_BYTES.values())
# Bytes of a converted image: it fits, whichever megabyte GigaChat means.
MAX_MADE = 15_000_000
# Bytes of the images and audio of one request, together.
MAX_TOGETHER = 80 * 2**20

PURPOSE = "general"

_OFFICE = "application/vnd.openxmlformats-officedocument"


@dataclass(frozen=True, slots=True)
class Taken:
    """A type that GigaChat takes: its own name for it, and what such a file is."""

    mime: str
    kind: FileKind
    extension: str


# By the registered name of the type.
TAKEN: dict[str, Taken] = {
    "image/jpeg": Taken("image/jpeg", "image", "jpg"),
    "image/png": Taken("image/png", "image", "png"),
    "image/tiff": Taken("image/tiff", "image", "tiff"),
    "image/bmp": Taken("image/bmp", "image", "bmp"),
    "audio/mpeg": Taken("audio/mp3", "audio", "mp3"),
    "audio/mp4": Taken("audio/mp4", "audio", "m4a"),
    "audio/wav": Taken("audio/wav", "audio", "wav"),
    "audio/webm": Taken("audio/webm", "audio", "webm"),
    "audio/ogg": Taken("audio/x-ogg", "audio", "ogg"),
    "text/plain": Taken("text/plain", "document", "txt"),
    "application/pdf": Taken("application/pdf", "document", "pdf"),
    "application/msword": Taken("application/msword", "document", "doc"),
    f"{_OFFICE}.wordprocessingml.document": Taken(f"{_OFFICE}.wordprocessingml.document", "document", "docx"),
    f"{_OFFICE}.presentationml.presentation": Taken("application/pptx", "document", "pptx"),
    f"{_OFFICE}.spreadsheetml.sheet": Taken("application/vnd.ms-excel", "document", "xlsx"),
    "application/vnd.ms-powerpoint": Taken("application/ppt", "document", "ppt"),
    "application/vnd.ms-excel": Taken("application/vnd.ms-excel", "document", "xls"),
    "application/epub+zip": Taken("application/epub", "document", "epub"),
}
# Types that are converted to JPEG or PNG.
CONVERTED = frozenset({"image/webp", "image/gif", "image/heic", "image/avif"})

LISTED: dict[FileKind | None, str] = {
    "image": "jpeg, png, tiff, bmp (and webp, gif, heic, avif, which are converted)",
    "audio": "mp3, m4a, wav, ogg, webm",
    "document": "txt, pdf, doc, docx, ppt, pptx, xls, xlsx, epub",
}
LISTED[None] = "; ".join(LISTED.values())

_KINDS = {taken.extension: taken.kind for taken in TAKEN.values()}
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


def is_id(given: str) -> bool:
    """Whether a text is safe as a file's id, which becomes part of a path."""
    return _ID.fullmatch(given) is not None


def read(data: bytes) -> Uploaded | None:
    """A file by GigaChat's description, with the kind of its upload's name; None for what describes no file."""
    body = lenient_json.parse(data)
    if not isinstance(body, dict) or not is_id(lenient_json.read_text(body.get("id"))):
        return None
    extension = lenient_json.read_text(body.get("filename")).rpartition(".")[2].lower()
    kind = _KINDS.get({"jpeg": "jpg", "tif": "tiff"}.get(extension, extension), "document")
    return Uploaded(body["id"], kind)
