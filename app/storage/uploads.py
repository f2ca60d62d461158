"""The journal of uploaded files: which ids are at GigaChat, so that a restart can use them again and delete them.

It has one JSON line for each upload, one now and then for a file that is used again, and one for each file that was
deleted. It holds no content and no client's name. A line that cannot be read is skipped: at worst a file stays at
GigaChat. Without a state directory nothing is written.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

import orjson

_NAME = "uploads.jsonl"
# The journal is rewritten when it has more lines than twice the number of files, and this many.
MAX_OUTDATED_LINES = 1000
_MAX_CLOCK_SKEW = 86_400.0  # seconds; a file that was used later than so much from now would never be idle


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """One uploaded file. `client` and `digest` are hashes in hex, `note` is a rule's name.

    `used` is the Unix time of its last use, or of a use not long before.
    """

    id: str
    credential: str
    client: str
    digest: str
    kind: str
    note: str | None
    used: float


_WORD = re.compile(r"[\w.+>-]{1,128}", re.ASCII)  # what a hash, an id, an alias and a rule's name are made of


def _open_private(path: Path, mode: str) -> IO[bytes]:
    """Open a file that only this user may read."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))


class UploadJournal:
    """The journal in a directory; None writes nothing.

    `report_failure` is called once when the disk takes no more lines, and again after it has taken some.
    """

    def __init__(
        self,
        directory: Path | None,
        report_failure: Callable[[OSError], None],
        *,
        max_outdated_lines: int = MAX_OUTDATED_LINES,
        open_file: Callable[[Path, str], IO[bytes]] = _open_private,
    ) -> None:
        self._path = None if directory is None else directory / _NAME
        self._report_failure = report_failure
        self._max_outdated_lines = max_outdated_lines
        self._open_file = open_file
        self._is_failing = False
        self._lines = 0
        self._records: dict[str, UploadRecord] = {}  # by id

    def load(self) -> list[UploadRecord]:
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
        self._rewrite(self._path)
        return list(self._records.values())

    def add(self, record: UploadRecord) -> None:
        """A file was uploaded, or used again: its last line counts."""
        if self._path is not None:
            self._records[record.id] = record
            self._append(self._path, orjson.dumps(asdict(record)))

    def record_use(self, file_id: str, used: float, step: float) -> None:
        """A file was used again. A use within `step` seconds of the recorded one costs no line."""
        record = self._records.get(file_id)
        if record is not None and used - record.used > step:
            self.add(replace(record, used=used))

    def remove(self, file_id: str) -> None:
        """A file was deleted at GigaChat."""
        if self._path is not None and self._records.pop(file_id, None) is not None:
            self._append(self._path, orjson.dumps({"gone": file_id}))

    def _replay(self, line: bytes) -> None:
        try:
            fields = orjson.loads(line)
            if "gone" in fields:
                self._records.pop(fields["gone"], None)
            else:
                record = UploadRecord(**fields)
                if _is_valid(fields):
                    self._records[record.id] = record
        except (orjson.JSONDecodeError, TypeError):
            return  # the process ended while it wrote this line

    def _append(self, path: Path, line: bytes) -> None:
        if self._is_failing:  # lines are missing, or one is incomplete: if the disk takes any now, it takes all anew
            self._rewrite(path)
            return
        try:
            # Each line is its own short append: a crash cuts off one line at most.
            with self._open_file(path, "ab") as journal:
                journal.write(line + b"\n")
            self._lines += 1
        except OSError as fault:
            self._fail(fault)
            return
        if self._lines > 2 * len(self._records) + self._max_outdated_lines:
            self._rewrite(path)

    def _rewrite(self, path: Path) -> None:
        """Write one line for each file. The old journal stays until the new one is complete."""
        fresh = path.with_suffix(".new")
        try:
            with self._open_file(fresh, "wb") as journal:
                journal.writelines(orjson.dumps(asdict(record)) + b"\n" for record in self._records.values())
            fresh.replace(path)
            self._lines, self._is_failing = len(self._records), False
        except OSError as fault:
            self._fail(fault)

    def _fail(self, fault: OSError) -> None:
        if not self._is_failing:
            self._is_failing = True
            self._report_failure(fault)


def _is_valid(fields: dict[str, Any]) -> bool:
    """Whether the gateway can have written this line: its words go into headers and paths."""
    words = [fields[name] for name in ("id", "credential", "client", "digest", "kind")] + [fields["note"] or "none"]
    return (
        all(isinstance(word, str) and _WORD.fullmatch(word) for word in words)
        and isinstance(fields["used"], int | float)
        and 0 <= fields["used"] <= time.time() + _MAX_CLOCK_SKEW
    )
