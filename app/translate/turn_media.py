"""The files of a conversation's turns."""

from __future__ import annotations

from collections.abc import Sequence

from app.translate.dialogue import Media, Result, Text, Turn


def list_media(turns: Sequence[Turn]) -> list[Media]:
    """All files of these turns, those of their results as well, in order."""
    found: list[Media] = []
    for turn in turns:
        parts = turn.parts
        if len(parts) == 1 and type(parts[0]) is Text:  # as most turns are
            continue
        for part in parts:
            if type(part) is Media:
                found.append(part)
            elif type(part) is Result:
                found += [inner for inner in part.parts if type(inner) is Media]
    return found
