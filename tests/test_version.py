"""The version that the program tells."""

from __future__ import annotations

from importlib import metadata

import pytest

from app import version


def test_it_is_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The installed package's number, or a word where nothing is installed."""
    assert version.program_version() == metadata.version("gpt2giga-proxy")

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(version, "version", missing)
    version.program_version.cache_clear()
    assert version.program_version() == "0+checkout"
    version.program_version.cache_clear()
