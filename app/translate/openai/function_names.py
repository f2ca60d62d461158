"""Names of functions and formats, as clients give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.translate.openai import checks

MAX_NAME = 64  # OpenAI's limit
MAX_TOOL_NAME = 1024  # servers of MCP tools put their own names before a function's


def read_name(value: Any, path: str, most: int = MAX_NAME, given: Mapping[str, Any] | None = None) -> str:
    """A text that is not empty, of at most so many characters; which of them GigaChat takes is not asked here.

    `given`: the object that should have the name.
    """
    if value is None:
        raise checks.missing(path, "give it a name.", given)
    if not checks.string(value, path):
        raise checks.invalid(path, "is empty: a name is needed.")
    if len(value) > most:
        raise checks.invalid(path, f"is longer than {most} characters.")
    return str(value)
