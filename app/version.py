"""The program's version, as the installed package knows it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def program_version() -> str:
    """The installed version, or a word that says it runs from a bare checkout."""
    try:
        return version("gpt2giga-proxy")
    except PackageNotFoundError:
        return "0+checkout"
