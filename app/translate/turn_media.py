"""The files in a conversation."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from operator import attrgetter

from app.translate.dialogue import Media, Result, Turn

_get_parts = attrgetter("parts")


def list_media(turns: Iterable[Turn]) -> list[Media]:
    """The files of these turns, those of their results as well, in order."""
    parts = list(chain.from_iterable(map(_get_parts, turns)))
    found: list[Media] = []
    if {Media, Result}.isdisjoint(map(type, parts)):  # as in most conversations
        return found
    for part in parts:
        if type(part) is Media:
            found.append(part)
        elif type(part) is Result:
            found += [inner for inner in part.parts if type(inner) is Media]
    return found
