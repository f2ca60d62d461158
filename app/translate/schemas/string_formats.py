"""The formats of strings that GigaChat's functions know; others go into the description.

Source: docs/gigachat-api.md, "Functions", [G2G].
"""

from __future__ import annotations

from app.translate.schemas.descriptions import add_remark
from app.translate.schemas.keywords import Schema

STRING_FORMATS = frozenset({"date", "date-time", "time"})


def write_format(schema: Schema, name: str) -> bool:
    """Put a format into a schema that has its type. Returns whether GigaChat knows the format."""
    if name in STRING_FORMATS:
        schema["format"] = name
        return True
    if schema["type"] not in ("integer", "number"):  # int32 and double say no more than the type
        add_remark(schema, f"format: {name}")
    return False
