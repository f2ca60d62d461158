"""The files of a conversation's turns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import attrgetter

from app.translate.dialogue import Media, Result, Turn

_HOLDERS = frozenset({Media, Result})
_get_parts = attrgetter("parts")


def list_media(turns: Sequence[Turn]) -> list[Media]:
    """All files of these turns, those of their results as well, in order."""
    found: list[Media] = []
    # Most requests have none, and a step of Python's for each turn would tell that no better.
    if _HOLDERS.isdisjoint(map(type, chain.from_iterable(map(_get_parts, turns)))):
        return found
    for turn in turns:
        for part in turn.parts:
            if type(part) is Media:
                found.append(part)
            elif type(part) is Result:
                found += [inner for inner in part.parts if type(inner) is Media]
    return found
