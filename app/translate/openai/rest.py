"""What nobody reads of an object in a request is told: clients send keys of other vendors', of newer APIs, and slips.

Source: the gateway's own rule that nothing is lost silently; the SDKs let any key through (`extra_body`, `TypedDict`).
"""

from __future__ import annotations

from typing import Any

from app.translate.dialogue import Note
from app.translate.openai import checks

NOTHING: tuple[Any, ...] = (None, "", [], {})  # values that ask for nothing
_MOST = 50_000  # notes of one request: millions would hold up everybody, and say no more
_CACHE = "cache_control"  # a hint for another vendor's cache


def tell(
    given: dict[str, Any],
    path: str,
    read: frozenset[str],
    field: str,
    notes: list[Note],
    silent: frozenset[str] = frozenset(),
) -> None:
    """A note for each key of the object at `path` that is not among `read`; `silent` ones are no loss.

    `field` begins the note's rule, so that all such keys of, say, the tools are counted together.
    """
    if given.keys() <= read:
        return
    for key, value in given.items():
        if key in read or value in NOTHING:
            continue
        if key in silent or key == _CACHE:
            notes.append(Note("equivalent", f"{field}.extra", f"{path}.{key}"))
        else:
            drop(f"{field}.unknown", f"{path}.{checks.shown(key)}", notes)


def drop(rule: str, path: str, notes: list[Note]) -> None:
    """A note for a key that nobody knows. Raises GatewayError where there are too many."""
    if len(notes) >= _MOST:
        raise checks.invalid(path, "is one of too many keys that nobody knows.")
    notes.append(Note("dropped", rule, path))
