"""Names of functions and formats, as clients give them."""

from __future__ import annotations

from typing import Any

from app.translate.openai import checks

MAX_NAME = 64  # OpenAI's limit
MAX_TOOL_NAME = 1024  # servers of MCP tools put their own names before a function's


def read_name(value: Any, path: str, most: int = MAX_NAME) -> str:
    """A text that is not empty, of at most so many characters; which of them GigaChat takes is not asked here."""
    if value is None:
        raise checks.missing(path, "give it a name.")
    if not checks.string(value, path):
        raise checks.invalid(path, "is empty: a name is needed.")
    if len(value) > most:
        raise checks.invalid(path, f"is longer than {most} characters.")
    return str(value)
