"""What links led to, for each client."""

from __future__ import annotations

import pytest

from app import errors
from app.exchange import known_links
from app.exchange.failures import UnusableFile
from app.exchange.known_links import KnownLinks, LinkedFile

FILE, OTHER = LinkedFile("d1", 10), LinkedFile("d2", 20)
GONE = UnusableFile(errors.FILE_DOWNLOAD_FAILED, "gone", param="p")


def test_a_link_is_known_to_whoever_sent_it() -> None:
    """To nobody else."""
    links = KnownLinks()
    links.remember("alice", "https://a.example/1", FILE)
    assert links.find("alice", "https://a.example/1") == FILE
    assert links.find("bob", "https://a.example/1") is None
    assert links.find("alice", "https://a.example/2") is None


def test_the_latest_holds() -> None:
    """A link may lead to something else, or to nothing any more."""
    links = KnownLinks()
    for found in (FILE, OTHER, GONE):
        links.remember("alice", "u", found)
        assert links.find("alice", "u") == found


def test_a_failure_holds_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the link is tried again."""
    links = KnownLinks()
    links.remember("alice", "u", GONE)
    monkeypatch.setattr(known_links, "FAILED_SECONDS", -1.0)
    assert links.find("alice", "u") is None


def test_there_is_an_end_to_it() -> None:
    """The one used longest ago is forgotten."""
    links = KnownLinks(max_links=2)
    for url in ("1", "2"):
        links.remember("alice", url, FILE)
    links.find("alice", "1")
    links.remember("alice", "3", FILE)
    assert [links.find("alice", url) for url in "123"] == [FILE, None, FILE]
