"""The record of requests."""

from __future__ import annotations

import time

import pytest

from app.sandbox import record
from app.sandbox.record import CLIENT_GONE, DONE, Records, hash_credential


def test_authorization_is_shortened() -> None:
    """A credential can be recognised, never read."""
    assert hash_credential("Bearer secret") == "Bearer sha256:2bb80d537b1d"
    kept = Records().open("chat", "POST", "/", {"AUTHORIZATION": "Basic c2VjcmV0", "Accept": "*/*"})
    assert "c2VjcmV0" not in str(kept)
    assert kept.headers["Accept"] == "*/*"


def test_first_end_counts() -> None:
    """An outcome and its time are not overwritten."""
    kept = Records().open("chat", "POST", "/", {})
    assert kept.describe()["ended"] is None
    kept.end(CLIENT_GONE)
    ended = kept.describe()["ended"]
    kept.end(DONE)
    assert (kept.outcome, kept.ended) == (CLIENT_GONE, ended)
    assert kept.started <= ended <= time.time()


def test_by_place() -> None:
    """Records are given for a place or for all, and cleared."""
    records = Records()
    records.open("chat", "POST", "/a", {})
    records.open("models", "GET", "/b", {})
    assert [one.path for one in records.of("models")] == ["/b"]
    assert len(records.of()) == len(records.of("any")) == len(records) == 2
    records.clear()
    assert records.of() == []


def test_bounded() -> None:
    """The record keeps the last thousand."""
    records = Records()
    for number in range(record.KEPT + 5):
        records.open("chat", "POST", str(number), {})
    assert len(records) == record.KEPT
    assert records.of()[0].path == "5"


@pytest.mark.parametrize(("given", "kept"), [("Привет", "Привет"), ("\udcff", "\ufffd")])
def test_headers_can_be_told(given: str, kept: str) -> None:
    """A header that is no UTF-8 does not spoil the record."""
    assert Records().open("chat", "POST", "/", {"X": given}).headers["X"] == kept
