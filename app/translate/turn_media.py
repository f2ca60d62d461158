"""The files in a conversation."""

from __future__ import annotations

from collections.abc import Iterable

from app.translate.dialogue import Media, Result, Text, Turn


def list_media(turns: Iterable[Turn]) -> list[Media]:
    """The files of these turns, those of their results as well, in order."""
    found: list[Media] = []
    for turn in turns:
        for part in turn.parts:
            if type(part) is Text:  # as most are
                continue
            if type(part) is Media:
                found.append(part)
            elif type(part) is Result:
                found += [inner for inner in part.parts if type(inner) is Media]
    return found
