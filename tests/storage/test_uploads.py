"""The journal of uploaded files: what a restart, a crash, a full disk and a foreign line make of it."""

from __future__ import annotations

import errno
import stat
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import orjson
import pytest

from app.storage.uploads import UploadJournal, UploadRecord

RECORD = UploadRecord("id-1", "bot", "c" * 32, "d" * 64, "image", None, 1000.5)
OTHER = replace(RECORD, id="id-2", kind="document", note="image.first_frame", used=7)
NAME = "uploads.jsonl"


class Journal:
    """A journal in a directory, and what it complained of."""

    def __init__(self, directory: Path | None, **more: Any) -> None:
        self.faults: list[OSError] = []
        self.journal = UploadJournal(directory, self.faults.append, **more)

    def load(self) -> list[UploadRecord]:
        """The files that are known."""
        return self.journal.load()


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A directory whose journal knows two files."""
    journal = Journal(tmp_path).journal
    journal.load()
    journal.add(RECORD)
    journal.add(OTHER)
    return tmp_path


def lines(directory: Path) -> list[Any]:
    """The journal's lines."""
    return [orjson.loads(line) for line in (directory / NAME).read_bytes().splitlines()]


def test_a_restart_knows_what_was_uploaded(written: Path) -> None:
    """Every field, in order."""
    again = Journal(written)
    assert again.load() == [RECORD, OTHER]
    assert again.faults == []


def test_what_is_gone_is_forgotten(written: Path) -> None:
    """Before and after a restart; of an unknown id no line is written."""
    journal = Journal(written).journal
    journal.load()
    journal.remove("id-1")
    journal.remove("id-1")
    journal.remove("stranger")
    assert lines(written)[-1] == {"gone": "id-1"}
    assert len(lines(written)) == 3
    assert Journal(written).load() == [OTHER]
    assert len(lines(written)) == 1


def test_without_a_directory_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is complained of."""
    monkeypatch.chdir(tmp_path)
    quiet = Journal(None)
    quiet.journal.add(RECORD)
    quiet.journal.remove("id-1")
    assert (quiet.load(), quiet.faults, list(tmp_path.iterdir())) == ([], [], [])


def test_an_empty_directory_is_a_beginning(tmp_path: Path) -> None:
    """No fault, no file."""
    new = Journal(tmp_path)
    assert (new.load(), new.faults, list(tmp_path.iterdir())) == ([], [], [])


def test_nobody_else_reads_it(written: Path) -> None:
    """Neither a new journal nor one that was rewritten."""
    assert stat.S_IMODE((written / NAME).stat().st_mode) == 0o600
    Journal(written).load()
    assert stat.S_IMODE((written / NAME).stat().st_mode) == 0o600
    assert [path.name for path in written.iterdir()] == [NAME]


BROKEN = [
    b"",
    b"\xff\xfe",
    b"{",
    b"5",
    b"null",
    b'"gone"',
    b'["gone"]',
    b"{}",
    b'{"gone": null}',
    b'{"gone": []}',
    b'{"gone": "stranger"}',
    b'{"id": "id-3"}',
    orjson.dumps({**orjson.loads(orjson.dumps(RECORD)), "more": 1}),
    orjson.dumps({**orjson.loads(orjson.dumps(RECORD)), "id": 5}),
    orjson.dumps({**orjson.loads(orjson.dumps(RECORD)), "id": []}),
    orjson.dumps({**orjson.loads(orjson.dumps(RECORD)), "used": "soon"}),
    orjson.dumps({**orjson.loads(orjson.dumps(RECORD)), "used": None}),
    orjson.dumps({**orjson.loads(orjson.dumps(RECORD)), "kind": None}),
]


@pytest.mark.parametrize("line", BROKEN)
def test_a_line_that_is_none_is_passed_over(line: bytes, written: Path) -> None:
    """What stands before and behind it counts."""
    first, second = (written / NAME).read_bytes().splitlines()
    (written / NAME).write_bytes(b"\n".join([first, line, second]) + b"\n")
    again = Journal(written)
    assert (again.load(), again.faults) == ([RECORD, OTHER], [])


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_line_that_was_cut_off_takes_no_other_with_it(cut: int, written: Path) -> None:
    """A crash while it was written; what is written after it begins a line of its own."""
    whole = (written / NAME).read_bytes()
    (written / NAME).write_bytes(whole[:-cut])
    again = Journal(written)
    assert again.load() == ([RECORD, OTHER] if cut == 1 else [RECORD])
    third = replace(RECORD, id="id-3")
    again.journal.add(third)
    assert Journal(written).load()[-1] == third


def test_lines_of_deleted_files_are_removed(tmp_path: Path) -> None:
    """The file does not grow for ever; the lines of files that are there stay."""
    journal = Journal(tmp_path, max_outdated_lines=10).journal
    journal.add(RECORD)
    longest = 0
    for index in range(100):
        journal.add(replace(OTHER, id=f"x{index}"))
        journal.remove(f"x{index}")
        longest = max(longest, len(lines(tmp_path)))
    assert longest <= 14
    assert Journal(tmp_path).load() == [RECORD]


def test_lines_of_earlier_uses_are_removed(tmp_path: Path) -> None:
    """A file that is in use for ever does not make the journal grow for ever; its last use is known."""
    journal = Journal(tmp_path, max_outdated_lines=10).journal
    longest = 0
    for index in range(100):
        journal.add(replace(RECORD, used=index))
        longest = max(longest, len(lines(tmp_path)))
    assert longest <= 14
    assert Journal(tmp_path).load() == [replace(RECORD, used=99)]


def test_a_use_soon_after_another_costs_no_line(tmp_path: Path) -> None:
    """A later one does, and keeps all else that is known; an unknown file has none."""
    journal = Journal(tmp_path).journal
    journal.add(RECORD)
    journal.record_use("id-1", RECORD.used + 50, 50)
    assert len(lines(tmp_path)) == 1
    journal.record_use("id-1", RECORD.used + 50.5, 50)
    journal.record_use("id-2", RECORD.used + 500, 50)
    assert len(lines(tmp_path)) == 2
    assert Journal(tmp_path).load() == [replace(RECORD, used=RECORD.used + 50.5)]


class Disk:
    """A disk that takes nothing for a while."""

    def __init__(self) -> None:
        self.is_full = False

    def open(self, path: Path, mode: str) -> IO[bytes]:
        """As Python's own, while there is room."""
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return open(path, mode)


def test_a_full_disk_is_told_once_and_made_up_for(tmp_path: Path) -> None:
    """However many lines fail; once there is room all that is known is written, and a new failure is told again."""
    disk = Disk()
    kept = Journal(tmp_path, open_file=disk.open)
    kept.journal.add(RECORD)
    disk.is_full = True
    for index in range(5):
        kept.journal.add(replace(OTHER, id=f"x{index}"))
    kept.journal.remove("x0")
    assert [fault.errno for fault in kept.faults] == [errno.ENOSPC]
    assert len(lines(tmp_path)) == 1
    disk.is_full = False
    kept.journal.add(OTHER)
    assert [one["id"] for one in lines(tmp_path)] == ["id-1", "x1", "x2", "x3", "x4", "id-2"]
    disk.is_full = True
    kept.journal.remove("id-2")
    assert len(kept.faults) == 2


def test_a_journal_that_cannot_be_read(tmp_path: Path) -> None:
    """It is told, and the gateway begins with nothing."""
    (tmp_path / NAME).mkdir()
    kept = Journal(tmp_path)
    assert kept.load() == []
    kept.journal.add(RECORD)
    assert [type(fault) for fault in kept.faults] == [IsADirectoryError]


def test_a_directory_that_is_gone(tmp_path: Path) -> None:
    """It is told once."""
    kept = Journal(tmp_path / "gone")
    assert kept.load() == []
    kept.journal.add(RECORD)
    kept.journal.remove("id-1")
    assert [type(fault) for fault in kept.faults] == [FileNotFoundError]


@pytest.mark.parametrize(
    "strange",
    [
        {"client": "a\r\nb"},
        {"id": "../../chat/completions"},
        {"id": ""},
        {"note": {"a": 1}},
        {"note": "x\r\ny: z"},
        {"kind": 5},
        {"used": 1e300},
        {"used": -1},
        {"used": "soon"},
    ],
)
def test_a_line_that_was_not_written_here_is_passed_over(strange: dict[str, Any], tmp_path: Path) -> None:
    """Its words would go into headers and paths."""
    record = {"id": "1", "credential": "bot", "client": "c", "digest": "d", "kind": "image", "note": None, "used": 7}
    (tmp_path / NAME).write_bytes(orjson.dumps(record | strange) + b"\n")
    assert Journal(tmp_path).load() == []
