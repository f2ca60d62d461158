"""Files in a request's history, as v1 takes them: `attachments` of user messages.

Source: docs/gigachat-api.md, "Attachments": one image per message, at most 10 in a request, only the first text
document is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.translate.dialogue import FileKind, Media, Note, Turn, Uploaded
from app.translate.turn_media import list_media

MAX_IMAGES = 10
# How many of the oldest images are left out at a time: a growing conversation keeps the same ones for a few turns.
_STEP = 5

Message = dict[str, Any]


class Attachments:
    """The files of one request. `uploaded` has GigaChat's files by path; it is None before the upload.

    Before the upload the client's claim decides which files are kept. A file that is left out then is not uploaded, and
    stays out when others turn out to be images.
    """

    def __init__(self, turns: Sequence[Turn], uploaded: Mapping[str, Uploaded] | None, notes: list[Note]) -> None:
        self._uploaded = uploaded or {}
        self._notes = notes
        found = list_media(turns)
        left_out = {media.path for media in found if uploaded is not None and media.path not in uploaded}
        images = [media for media in found if media.path not in left_out and self.find_kind(media) == "image"]
        surplus = max(0, len(images) - MAX_IMAGES)
        left_out |= {media.path for media in images[: math.ceil(surplus / _STEP) * _STEP]}
        notes.extend(Note("adapted", "images>10", media.path) for media in found if media.path in left_out)
        self.kept = [media for media in found if media.path not in left_out]
        self._kept_paths = {media.path for media in self.kept}
        documents = [media for media in self.kept if self.find_kind(media) == "document"]
        notes.extend(Note("adapted", "documents>1", media.path) for media in documents[1:])

    def find_kind(self, media: Media) -> FileKind:
        """The kind of a file: by its content after the upload, by the client's claim before."""
        uploaded = self._uploaded.get(media.path)
        if uploaded is not None:
            return uploaded.kind
        return media.kind or "document"

    def write(self, text: str, files: Iterable[Media]) -> list[Message]:
        """A user message with these files; each image but the last stands before it, in a message of its own."""
        kept = [media for media in files if media.path in self._kept_paths]
        images = [media for media in kept if self.find_kind(media) == "image"]
        if len(images) > 1:
            self._notes.append(Note("adapted", "images.split", images[0].path))
        split_off = {media.path for media in images[:-1]}
        messages = [self._write_message("", [media]) for media in images[:-1]]
        return [*messages, self._write_message(text, [media for media in kept if media.path not in split_off])]

    def any_kept(self, files: Iterable[Media]) -> bool:
        """Whether one of these files is kept."""
        return any(media.path in self._kept_paths for media in files)

    def _write_message(self, text: str, files: list[Media]) -> Message:
        message: Message = {"role": "user", "content": text}
        if files:
            message["attachments"] = [self._find_id(media) for media in files]
        return message

    def _find_id(self, media: Media) -> str:
        uploaded = self._uploaded.get(media.path)
        return "" if uploaded is None else uploaded.id
