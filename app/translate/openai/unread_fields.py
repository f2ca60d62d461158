"""What nobody reads of an object in a request is told: clients send keys of other vendors', of newer APIs, and slips.

Source: the gateway's own rule that nothing is lost silently; the SDKs let any key through (`extra_body`, `TypedDict`).
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from app.translate.dialogue import Note
from app.translate.openai import checks

_NOTHING: tuple[Any, ...] = (None, "", [], {})  # values that ask for nothing
MOST = 50_000  # notes of one request: millions would hold up everybody, and say no more
MOST_OF_PAST = MOST // 2  # so that an old message leaves room for what is new
_CACHE = "cache_control"  # a hint for another vendor's cache
_NEAR = 0.8  # how much of a name must be as in a known one, by difflib's measure
_MOST_COMPARED = 32  # notes of a request, behind which no name is compared any more: each costs up to a millisecond
_WORD = re.compile(r"[A-Za-z0-9_.-]{3,40}")


def asks_nothing(value: Any) -> bool:
    """Whether a value says no more than its absence; an empty array is also PHP's way to write an empty object."""
    return value in _NOTHING


def tell(
    given: dict[str, Any],
    path: str,
    read: frozenset[str],
    field: str,
    notes: list[Note],
    silent: frozenset[str] = frozenset(),
    *,
    bounded: bool = False,
) -> None:
    """A note for each key of the object at `path` that is not among `read`; `silent` ones are no loss.

    `field` begins the note's rule, so that all such keys of, say, the tools are counted together. `bounded`: where
    there are too many, the rest goes without a note, and is not refused.
    """
    if given.keys() <= read:
        return
    for key, value in given.items():
        if key in read or asks_nothing(value):
            continue
        if bounded and len(notes) >= MOST_OF_PAST:
            return
        if key in silent or key == _CACHE:
            notes.append(Note("equivalent", f"{field}.extra", f"{path}.{key}"))
        else:
            drop(f"{field}.unknown", f"{path}.{checks.shown(key)}", notes, key, read)


def drop(rule: str, path: str, notes: list[Note], key: str, known: frozenset[str]) -> None:
    """A note for a key that is none of the `known`. Raises GatewayError where there are too many."""
    if len(notes) >= MOST:
        raise checks.invalid(path, "is one of too many keys that nobody knows.")
    near = find_near(key, known) if len(notes) < _MOST_COMPARED and _WORD.fullmatch(key) else ""
    notes.append(Note("dropped", rule, path, near))


@lru_cache(maxsize=512)
def find_near(key: str, known: frozenset[str]) -> str:
    """The one of `known` that was probably meant, whatever its case and underscores; empty where none is near."""
    folded = {_fold(one): one for one in sorted(known)}
    found = get_close_matches(_fold(key), folded, n=1, cutoff=_NEAR)
    return folded[found[0]] if found else ""


def _fold(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()
