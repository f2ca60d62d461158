"""Descriptions of schemas, which carry what no keyword of GigaChat's functions can."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.translate.schemas.keywords import Schema


def join_descriptions(schema: Schema, texts: Iterable[Any]) -> None:
    """Set a schema's description to all of these texts, each once, in lines; without texts it stays as it is."""
    joined = "\n".join(dict.fromkeys(text for text in texts if text))
    if joined:
        schema["description"] = joined


def add_remark(schema: Schema, remark: str) -> None:
    """Append a remark in parentheses to a schema's description."""
    schema["description"] = f"{schema.get('description', '')} ({remark})".lstrip()
