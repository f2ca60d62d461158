"""The words that stand in a conversation for a file that cannot be had any more."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

from app.translate.dialogue import FileKind, Inline, Media, Part, Result, Text, Turn, Url
from app.translate.turn_media import list_media

RULE = "file->words"  # of the note


def say_lost(kind: FileKind | None) -> str:
    """What the model reads at the file's place."""
    return f"[{kind or 'file'} is no longer available]"


def replace(turns: Iterable[Turn], paths: Collection[str]) -> list[Turn]:
    """The turns with words in the place of the files at these paths."""
    return [
        _replace_in_turn(turn, paths) if any(one.path in paths for one in list_media([turn])) else turn
        for turn in turns
    ]


def _replace_in_turn(turn: Turn, paths: Collection[str]) -> Turn:
    parts: list[Part] = []
    for part in turn.parts:
        if isinstance(part, Result):
            parts.append(dataclasses.replace(part, parts=[_replace_one(inner, paths) for inner in part.parts]))
        else:
            parts.append(_replace_one(part, paths) if isinstance(part, Media) else part)
    return dataclasses.replace(turn, parts=parts)


def _replace_one(part: Text | Media, paths: Collection[str]) -> Text | Media:
    if not isinstance(part, Media) or part.path not in paths:
        return part
    words = say_lost(part.kind)
    if part.from_function and not isinstance(part.source, Inline):  # a row of a function's data may look like a file
        reference = part.source.url if isinstance(part.source, Url) else part.source.id
        words = " ".join([words, reference, part.name or ""]).rstrip()
    return Text(words)
