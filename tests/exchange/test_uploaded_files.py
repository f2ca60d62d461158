"""The index of files at GigaChat: which one a content gets, which are deleted, which id is known."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from app.exchange.uploaded_files import UploadedFile, UploadedFiles, UploadKey
from app.translate.dialogue import Uploaded
from tests.examples import examples


def key(digest: str) -> UploadKey:
    """The key of a content."""
    return UploadKey("bot", "client", digest)


def uploaded(digest: str, number: int = 0, used: float = 0.0) -> UploadedFile:
    """The so-manieth upload of a content."""
    return UploadedFile(key(digest), Uploaded(f"{digest}-{number}", "image"), used)


@pytest.fixture
def files() -> UploadedFiles:
    """An index for two current files."""
    return UploadedFiles(max_files=2)


def test_a_file_is_found_by_its_content_and_by_its_id(files: UploadedFiles) -> None:
    """What was added is current; of another content and another id nothing is known."""
    file = uploaded("a")
    files.add(file)
    assert files.pin(key("a")) is files.find("a-0") is file
    assert files.is_current(file)
    assert (files.pin(key("b")), files.find("b-0")) == (None, None)


def test_a_pinned_file_is_not_deleted(files: UploadedFiles) -> None:
    """Not before its last pin is gone, however long it is unused."""
    file = uploaded("a")
    files.add(file)
    for _ in range(2):
        files.pin(key("a"))
    files.unpin(file, 5.0)
    assert files.take_deletable(100.0) == []
    files.unpin(file, 6.0)
    assert (file.used, files.take_deletable(6.0)) == (6.0, [])
    assert files.take_deletable(6.5) == [file]


def test_an_idle_file_is_nobodys_any_more(files: UploadedFiles) -> None:
    """Its content is uploaded anew, while its id is known until it is deleted."""
    file = uploaded("a")
    files.add(file)
    assert files.take_deletable(1.0) == [file]
    assert (files.pin(key("a")), files.is_current(file), files.find("a-0")) == (None, False, file)
    files.remove(file)
    assert files.find("a-0") is None
    assert files.take_deletable(1.0) == []


def test_a_retired_file_waits_for_its_pins(files: UploadedFiles) -> None:
    """It is deleted once, though it is retired twice, and not while a request uses it."""
    file = uploaded("a", used=10.0)
    files.add(file)
    files.pin(key("a"))
    for _ in range(2):
        files.retire(file)
    assert (files.pin(key("a")), files.take_deletable(0.0)) == (None, [])
    files.unpin(file, 10.0)
    assert files.take_deletable(0.0) == [file]


def test_an_upload_replaces_an_older_one_of_its_content(files: UploadedFiles) -> None:
    """The older one is to be deleted, and retiring it once more leaves the new one current."""
    old, new = uploaded("a", 0, used=10.0), uploaded("a", 1, used=10.0)
    files.add(old)
    files.add(new)
    assert files.pin(key("a")) is new
    files.retire(old)
    assert files.is_current(new)
    assert files.take_deletable(0.0) == [old]
    assert (files.find("a-0"), files.find("a-1")) == (old, new)


def test_above_the_limit_the_least_recently_used_one_goes(files: UploadedFiles) -> None:
    """A pin counts as a use."""
    first, second, third = (uploaded(digest, used=10.0) for digest in "abc")
    files.add(first)
    files.add(second)
    files.pin(key("a"))
    files.unpin(first, 11.0)
    files.add(third)
    assert files.take_deletable(0.0) == [second]
    assert all(files.is_current(file) for file in (first, third))


def test_above_the_limit_files_in_use_stay(files: UploadedFiles) -> None:
    """So does the one that was just added."""
    for digest in "abc":
        files.add(uploaded(digest, used=10.0))
        files.pin(key(digest))
    assert files.take_deletable(0.0) == []


def test_files_that_were_put_back_are_handed_over_again(files: UploadedFiles) -> None:
    """In the order in which they were put back: the caller takes them from the end."""
    first, second = uploaded("a"), uploaded("b")
    files.add(first)
    files.add(second)
    taken = files.take_deletable(1.0)
    failed = taken.pop()
    files.put_back([failed, *taken])
    assert (failed, files.take_deletable(1.0)) == (second, [second, first])


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens in whatever order: no file in use is handed over, none is lost, none is deleted twice."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.files = UploadedFiles(max_files=2)
        self.added: list[UploadedFile] = []
        self.pinned: list[UploadedFile] = []
        self.deleted: Counter[str] = Counter()

    @rule(digest=st.sampled_from("abc"))
    def add(self, digest: str) -> None:
        """A content is uploaded."""
        self.now += 1
        self.added.append(uploaded(digest, self.now, self.now))
        self.files.add(self.added[-1])

    @rule(digest=st.sampled_from("abc"))
    def pin(self, digest: str) -> None:
        """A request uses a content."""
        file = self.files.pin(key(digest))
        if file is not None:
            assert self.files.is_current(file)
            self.pinned.append(file)

    @precondition(lambda self: self.pinned)
    @rule()
    def unpin(self) -> None:
        """The oldest request ends."""
        self.now += 1
        self.files.unpin(self.pinned.pop(0), self.now)

    @precondition(lambda self: self.added)
    @rule(data=st.data())
    def retire(self, data: st.DataObject) -> None:
        """GigaChat has lost a file, which may be retired already."""
        self.files.retire(data.draw(st.sampled_from(self.added)))

    @rule(age=st.integers(0, 5))
    def fail(self, age: int) -> None:
        """The deletion of some fails."""
        taken = self.files.take_deletable(self.now - age)
        assert not any(file.pins or self.files.is_current(file) for file in taken)
        self.files.put_back(taken)

    @rule(age=st.integers(0, 5))
    def delete(self, age: int) -> None:
        """Some are deleted."""
        for file in self.files.take_deletable(self.now - age):
            assert not file.pins
            self.files.remove(file)
            self.deleted[file.file.id] += 1

    def teardown(self) -> None:
        """In the end each is deleted once."""
        while self.pinned:
            self.unpin()
        self.delete(-1)
        assert self.deleted == Counter(file.file.id for file in self.added)
        assert not any(self.files.find(file.file.id) for file in self.added)


test_any_order = AnyOrder.TestCase
test_any_order.settings = examples()
