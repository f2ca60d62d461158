"""The files that are held: whose they are, and what goes when there is no room."""

from __future__ import annotations

import pytest

from app.sandbox import file_store
from app.sandbox.file_store import FileStore, Owner, Upload

ME, OTHER = Owner("a", None), Owner("a", "b")


def _upload(size: int = 10) -> Upload:
    return Upload(filename="a.txt", mime="text/plain", content=bytes(size), sha256="ab", purpose="general")


def test_a_file_is_its_owners() -> None:
    """The list of an owner has that owner's files; account and client id both count, and no client id is one too."""
    files = FileStore(100)
    mine = files.keep(ME, _upload(), 1)
    files.keep(OTHER, _upload(), 1)
    assert files.of(ME) == [mine]
    assert files.of(Owner("c", None)) == files.of(Owner("a", "")) == []
    assert files.get(mine.id) is mine


def test_forget() -> None:
    """One file or all can be lost; what is gone already is not counted."""
    files = FileStore(100)
    first, second, third = (files.keep(ME, _upload(), 1) for _ in range(3))
    third.deleted = True
    assert files.forget(first.id) == 1
    assert files.forget(first.id) == 0
    assert files.forget() == 1
    assert second.lost
    assert not third.lost
    assert files.of(ME) == []
    assert files.held == 30


def test_bytes_are_bounded() -> None:
    """Where there is no room the bytes of what is gone go first, then the oldest file is lost."""
    files = FileStore(30)
    first, second, third = (files.keep(ME, _upload(), 1) for _ in range(3))
    second.deleted = True
    files.keep(ME, _upload(), 1)
    assert (first.lost, second.content, second.lost) == (False, b"", False)
    files.keep(ME, _upload(), 1)
    assert (first.lost, first.content, third.lost) == (True, b"", False)
    assert files.held == 30


def test_the_newest_has_room() -> None:
    """A file that is greater than all the room is kept, alone."""
    files = FileStore(5)
    first, second = files.keep(ME, _upload(), 1), files.keep(ME, _upload(), 1)
    assert (first.is_gone, second.is_gone, files.held) == (True, False, 10)


def test_entries_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is bounded as well."""
    monkeypatch.setattr(file_store, "KEPT", 2)
    files = FileStore(100)
    first, second, third = (files.keep(ME, _upload(), 1) for _ in range(3))
    assert files.get(first.id) is None
    assert list(files) == [second, third]


def test_unread_upload() -> None:
    """A file that was not read to its end has neither size nor hash."""
    assert Upload(filename="a").describe() == {
        "filename": "a",
        "mime": "",
        "bytes": None,
        "sha256": None,
        "purpose": None,
    }
