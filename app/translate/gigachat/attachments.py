"""Files in a request's history, as v1 takes them: `attachments` of user messages.

Source: GigaChat's REST API, "Attachments" (5.3): one image per message, at most 10 in a request, only the first text
document is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.translate.dialogue import FileKind, Media, Note, Result, Turn, Uploaded

MAX_IMAGES = 10
# The oldest are left out by so many at a time, so that a growing conversation keeps the same ones for a few turns.
_STEP = 5

Message = dict[str, Any]


def in_turn(turn: Turn) -> Iterable[Media]:
    """A turn's files, those of its results as well, in order."""
    for part in turn.parts:
        if isinstance(part, Media):
            yield part
        elif isinstance(part, Result):
            yield from (inner for inner in part.parts if isinstance(inner, Media))


def any_in(turns: list[Turn]) -> bool:
    """Whether there is a file at all."""
    return any(
        type(part) is Media or (type(part) is Result and any(type(inner) is Media for inner in part.parts))
        for turn in turns
        for part in turn.parts
    )


class Attachments:
    """The files of one request. `known` has those that were uploaded, by path; before that a claim must do.

    What was left out by its claim has no id, and stays out when more turn out to be images.
    """

    def __init__(self, turns: list[Turn], known: Mapping[str, Uploaded], notes: list[Note]) -> None:
        self._known = known
        self._notes = notes
        found = [media for turn in turns for media in in_turn(turn)]
        left_out = {media.path for media in found if known and media.path not in known}
        images = [media for media in found if media.path not in left_out and self.kind(media) == "image"]
        surplus = max(0, len(images) - MAX_IMAGES)
        left_out |= {media.path for media in images[: -(-surplus // _STEP) * _STEP]}
        notes.extend(Note("adapted", "images>10", media.path) for media in found if media.path in left_out)
        self.kept = [media for media in found if media.path not in left_out]
        self._kept = {media.path for media in self.kept}
        documents = [media for media in self.kept if self.kind(media) == "document"]
        notes.extend(Note("adapted", "documents>1", media.path) for media in documents[1:])

    def kind(self, media: Media) -> FileKind:
        """By content where that is known."""
        known = self._known.get(media.path)
        return known.kind if known is not None else media.kind or "document"

    def write(self, text: str, files: Iterable[Media]) -> list[Message]:
        """A user message with these files; images but the last go before it, in messages of their own."""
        kept = [media for media in files if media.path in self._kept]
        images = [media for media in kept if self.kind(media) == "image"]
        if len(images) > 1:
            self._notes.append(Note("adapted", "images.split", images[0].path))
        early = {media.path for media in images[:-1]}
        messages = [self._message("", [media]) for media in images[:-1]]
        return [*messages, self._message(text, [media for media in kept if media.path not in early])]

    def any_kept(self, files: Iterable[Media]) -> bool:
        """Whether one of these goes along."""
        return any(media.path in self._kept for media in files)

    def _message(self, text: str, files: list[Media]) -> Message:
        message: Message = {"role": "user", "content": text}
        if files:
            message["attachments"] = [self._id(media) for media in files]
        return message

    def _id(self, media: Media) -> str:
        known = self._known.get(media.path)
        return "" if known is None else known.id
