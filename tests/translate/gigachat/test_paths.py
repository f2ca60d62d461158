"""Paths of GigaChat's API."""

from __future__ import annotations

from app.translate.gigachat import paths


def test_a_files_paths() -> None:
    """As GigaChat's API has them; a deletion is a POST of its own."""
    assert paths.file_path("abc") == "v1/files/abc"
    assert paths.file_deletion_path("abc") == "v1/files/abc/delete"
