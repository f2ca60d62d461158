"""Values of `enum` and `const`: GigaChat's functions carry all of them as strings.

Source: docs/gigachat-api.md, "Functions".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from app.translate.schemas.keywords import Schema
from app.translate.schemas.schema_types import declared_types


def write_enum_value(value: Any) -> str:
    """A value as functions carry it: a string as it is, any other value as compact JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write_enum_values(values: Iterable[Any]) -> list[str]:
    """The values as functions carry them, each once."""
    return list(dict.fromkeys(map(write_enum_value, values)))


def allowed_values(schema: Schema) -> list[Any]:
    """The only values that a schema allows, by `const`, `enum` or the type null; empty where it lists none."""
    if "const" in schema:
        return [schema["const"]]
    if isinstance(schema.get("enum"), list):
        return list(schema["enum"])
    return [None] if declared_types(schema) == ["null"] else []
