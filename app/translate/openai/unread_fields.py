"""What nobody reads of an object in a request is told: clients send keys of other vendors', of newer APIs, and slips.

Source: the gateway's own rule that nothing is lost silently; the SDKs let any key through (`extra_body`, `TypedDict`).
"""

from __future__ import annotations

from typing import Any

from app.translate.dialogue import Note
from app.translate.openai import checks
from app.translate.openai.slips import MOST_COMPARED, find_near

_NOTHING: tuple[Any, ...] = (None, "", [], {})  # values that ask for nothing
MOST = 50_000  # notes of one request: millions would hold up everybody, and say no more
MOST_OF_PAST = MOST // 2  # so that an old message leaves room for what is new
_CACHE = "cache_control"  # a hint for another vendor's cache


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
    near = find_near(key, known) if len(notes) < MOST_COMPARED else ""
    notes.append(Note("dropped", rule, path, near))
