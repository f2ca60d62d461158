"""The notes of one schema's repair."""

from __future__ import annotations

from app.translate.dialogue import Note
from app.translate.schemas.positions import Path, write_path
from app.translate.schemas.repair_rules import RULES

_MAX_PATH = 256  # characters


class RepairNotes:
    """Notes each rule once, at the first position that needed it. `root` is the schema's path in the client's body."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._notes: dict[str, Note] = {}

    def add(self, rule: str, path: Path = None) -> None:
        """Note that a rule was used at a path below the root."""
        if rule not in self._notes:
            self._notes[rule] = Note(RULES[rule].kind, rule, f"{self._root}{write_path(path)}"[:_MAX_PATH])

    def __contains__(self, rule: str) -> bool:
        """Whether a rule was used."""
        return rule in self._notes

    def to_list(self) -> list[Note]:
        """The notes in the order in which their rules were first used."""
        return list(self._notes.values())
