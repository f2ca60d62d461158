"""The program's version, read from the installed package."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def program_version() -> str:
    """The installed version; `0+checkout` if the package is not installed."""
    try:
        return version("gpt2giga-proxy")
    except PackageNotFoundError:
        return "0+checkout"
