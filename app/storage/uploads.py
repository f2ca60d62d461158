"""The journal of uploaded files: which ids are at GigaChat, so that a restart can use them again and delete them.

One JSON line for each upload, one now and then for a file that is used on, one for each that is gone; no content, no
client's name. A line that can't be read is passed over: the worst is a file that stays at GigaChat. Without a state
directory nothing is kept.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

_NAME = "uploads.jsonl"
# Lines that later ones have overtaken are swept out when there are so many more of them than of living files.
_SWEEP = 1000
_CLOCKS_DIFFER = 86_400.0  # seconds; what was used later than that ahead would never be idle


@dataclass(frozen=True, slots=True)
class Record:
    """One uploaded file. `client` and `digest` are hashes in hex, `note` is a rule's name.

    `used` is Unix time: of its last use, or of one not long before.
    """

    id: str
    credential: str
    client: str
    digest: str
    kind: str
    note: str | None
    used: float


_WORD = re.compile(r"[\w.+>-]{1,128}", re.ASCII)  # what a hash, an id, an alias and a rule's name are made of


class UploadJournal:
    """The journal in a directory; None keeps nothing. `failed` is told once when the disk takes no more lines."""

    def __init__(self, directory: Path | None, failed: Callable[[OSError], None]) -> None:
        self._path = None if directory is None else directory / _NAME
        self._failed = failed
        self._failing = False
        self._lines = 0
        self._living: dict[str, Record] = {}

    def load(self) -> list[Record]:
        """The files that are at GigaChat as far as the journal knows."""
        if self._path is None:
            return []
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        except OSError as fault:
            self._fail(fault)
            return []
        for line in lines:
            self._replay(line)
        self._sweep()
        return list(self._living.values())

    def add(self, record: Record) -> None:
        """A file was uploaded, or used again: its last line counts."""
        if self._path is not None:
            self._living[record.id] = record
            self._write(orjson.dumps(asdict(record)))

    def remove(self, file_id: str) -> None:
        """A file is gone."""
        if self._path is not None and self._living.pop(file_id, None) is not None:
            self._write(orjson.dumps({"gone": file_id}))

    def _replay(self, line: bytes) -> None:
        try:
            said = orjson.loads(line)
            if "gone" in said:
                self._living.pop(said["gone"], None)
            else:
                record = Record(**said)
                if _sound(said):
                    self._living[record.id] = record
        except (orjson.JSONDecodeError, TypeError):
            return  # cut off by the end of a process

    def _write(self, line: bytes) -> None:
        assert self._path is not None  # noqa: S101 - asked by the callers
        if self._failing:  # lines are missing, or one was cut off: if the disk takes them now, all are written anew
            self._sweep()
            return
        try:
            # Each line is its own short append: a crash cuts off one line at most.
            with open(self._path, "ab", opener=_private) as journal:
                journal.write(line + b"\n")
            self._lines += 1
        except OSError as fault:
            self._fail(fault)
            return
        if self._lines > 2 * len(self._living) + _SWEEP:
            self._sweep()

    def _sweep(self) -> None:
        """Write the living anew; the old journal stays until the new one is whole."""
        assert self._path is not None  # noqa: S101 - asked by the callers
        fresh = self._path.with_suffix(".new")
        try:
            with open(fresh, "wb", opener=_private) as journal:
                journal.writelines(orjson.dumps(asdict(record)) + b"\n" for record in self._living.values())
            fresh.replace(self._path)
            self._lines, self._failing = len(self._living), False
        except OSError as fault:
            self._fail(fault)

    def _fail(self, fault: OSError) -> None:
        if not self._failing:
            self._failing = True
            self._failed(fault)


def _sound(said: dict[str, Any]) -> bool:
    """Whether a line can have been written here: its words go into headers and paths."""
    words = [said[name] for name in ("id", "credential", "client", "digest", "kind")] + [said["note"] or "none"]
    return (
        all(isinstance(word, str) and _WORD.fullmatch(word) for word in words)
        and isinstance(said["used"], int | float)
        and 0 <= said["used"] <= time.time() + _CLOCKS_DIFFER
    )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
