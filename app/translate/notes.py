"""Notes as the client sees them: two bounded, ASCII-only header values.

Notes are aggregated by rule (`rule;n=37`), 1 KB at most, names of our own tables only: of keys that nobody knows, a few
that are plain words stand there by name, for whoever looks for a slip, and the rest is counted as `unknown`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from app.errors import UNSUPPORTED_PARAMETER, GatewayError
from app.redaction import looks_like_key
from app.translate.advice import find_advice
from app.translate.dialogue import Note, NoteKind

MAX_BYTES = 1024
UNKNOWN = "unknown"  # the rule of a body's key that nobody knows
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_MOST_NAMED = 8


def header(notes: Iterable[Note], kind: NoteKind) -> str:
    """The notes of one kind in the order of their first appearance; what does not fit is counted in `more`."""
    named: set[str] = set()
    counts = Counter(_name(note, named) for note in notes if note.kind == kind)
    items = [rule if count == 1 else f"{rule};n={count}" for rule, count in counts.items()]
    shown = ", ".join(items)
    while len(shown) > MAX_BYTES:
        items.pop()
        shown = ", ".join([*items, f"more;n={len(counts) - len(items)}"])
    return shown


def _name(note: Note, named: set[str]) -> str:
    """What stands in the header for a note; `named` are the unknown keys that stand there so far."""
    if note.rule != UNKNOWN or not _PLAIN_KEY.fullmatch(note.path) or looks_like_key(note.path):
        return note.rule
    if note.path not in named and len(named) == _MOST_NAMED:
        return UNKNOWN
    named.add(note.path)
    return note.path


def write_slips(notes: Iterable[Note]) -> str:
    """The keys that are probably slips, with the names that were meant: `temprature->temperature`; a few of them."""
    slips = {f"{note.path}->{note.near}": None for note in notes if note.near}
    return ", ".join([*slips][:_MOST_NAMED])


def refuse_if_strict(notes: Iterable[Note]) -> None:
    """In strict mode a dropped or adapted field is the client's error, told before anything is paid."""
    for note in notes:
        if note.kind != "equivalent":
            raise GatewayError(
                UNSUPPORTED_PARAMETER,
                f"'{note.path or note.rule}' {_say_fate(note)}, and strict mode is on. {_advise(note)} Or send the "
                "request without X-Gateway-Strict (setting GPT2GIGA_STRICT).",
                param=note.path or note.rule,
            )


def _say_fate(note: Note) -> str:
    if note.kind == "adapted":
        return f"would be adapted ({note.rule})"
    is_unknown = note.rule == UNKNOWN or note.rule.endswith(f".{UNKNOWN}")
    return "is a field that nobody knows" if is_unknown else "is not carried by GigaChat"


def _advise(note: Note) -> str:
    return f"Did you mean '{note.near}'?" if note.near else find_advice(note.rule)
