"""Notes as the client sees them: two bounded, ASCII-only header values.

Source: translation rules, "Told how": aggregated by rule (`rule;n=37`), 1 KB at most, names of our own tables only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from app.errors import UNSUPPORTED_PARAMETER, GatewayError
from app.translate.dialogue import Note, NoteKind

MAX_BYTES = 1024


def header(notes: Iterable[Note], kind: NoteKind) -> str:
    """The notes of one kind in the order of their first appearance; what does not fit is counted in `more`."""
    counts = Counter(note.rule for note in notes if note.kind == kind)
    items = [rule if count == 1 else f"{rule};n={count}" for rule, count in counts.items()]
    shown = ", ".join(items)
    while len(shown) > MAX_BYTES:
        items.pop()
        shown = ", ".join([*items, f"more;n={len(counts) - len(items)}"])
    return shown


def refuse_if_strict(notes: Iterable[Note]) -> None:
    """In strict mode a dropped or adapted field is the client's error, told before anything is paid."""
    for note in notes:
        if note.kind != "equivalent":
            done = "is not carried by GigaChat" if note.kind == "dropped" else f"would be adapted ({note.rule})"
            raise GatewayError(
                UNSUPPORTED_PARAMETER,
                f"'{note.path or note.rule}' {done}, and strict mode is on. Leave it out, or send the request "
                "without X-Gateway-Strict (setting GPT2GIGA_STRICT).",
                param=note.path or note.rule,
            )
