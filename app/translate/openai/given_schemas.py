"""JSON Schemas as clients give them: an object, that object written as JSON, or an empty value that means none.

Some give a schema in a wrapper (Bedrock's `{"json": ...}`, the AI SDK's `{"jsonSchema": ...}`), or only its properties.
"""

from __future__ import annotations

from typing import Any

import orjson

from app.translate import big_integers
from app.translate.dialogue import Note
from app.translate.openai import checks, unread_fields
from app.translate.schemas.keywords import DEFINITION_KEYWORDS, MAP_KEYWORDS, SCHEMA_KEYWORDS

# A text hides its size from the bounds on a body's values: 2 MB of it in a request are more than a model reads.
MAX_TEXT = 32 * 1024
MAX_TEXTS = 64
_RULE = "schema=text->object"
_WRAPPERS = frozenset({"json", "jsonSchema", "json_schema"})
_OF_ROOTS = frozenset({"properties", "$ref", "$defs", "definitions", "allOf"})  # what the schema of an object has
# Keywords, one of which nearly every property has, and their types.
_TELLING: dict[str, tuple[type, ...]] = {
    "type": (str, list),
    "$ref": (str,),
    "enum": (list,),
    **dict.fromkeys(("anyOf", "oneOf", "allOf"), (list,)),
}
# A schema with one of these is no map of properties, even if all that it has are schemas.
_HOLD_SCHEMAS = frozenset({*SCHEMA_KEYWORDS, *MAP_KEYWORDS, *DEFINITION_KEYWORDS, "not", "if", "then", "else"})


def read(value: Any, path: str, notes: list[Note]) -> dict[str, Any] | None:
    """The schema; None where there is none. Raises GatewayError for any other value, and for a text too many."""
    if isinstance(value, dict):
        return _complete(value, path, notes)
    if unread_fields.asks_nothing(value):
        return None
    if not isinstance(value, str):
        raise checks.wrong(path, "an object", value)
    schema = _parse(value)
    if not isinstance(schema, dict):
        raise checks.wrong(path, "an object", value)
    notes.append(Note("adapted", _RULE, path))
    if sum(note.rule == _RULE for note in notes) > MAX_TEXTS:
        raise checks.invalid(path, f"is one of more than {MAX_TEXTS} schemas that are texts: send objects.")
    return _complete(schema, path, notes)


def _complete(schema: dict[str, Any], path: str, notes: list[Note]) -> dict[str, Any]:
    """The schema itself: without its wrapper, and with its properties in their place."""
    if len(schema) == 1 and not _WRAPPERS.isdisjoint(schema):
        (inner,) = schema.values()
        if isinstance(inner, dict) and (inner.get("type") == "object" or not _OF_ROOTS.isdisjoint(inner)):
            return inner
    if schema and _HOLD_SCHEMAS.isdisjoint(schema) and all(map(_is_schema, schema.values())):
        notes.append(Note("adapted", "schema=properties->object", path))
        return {"type": "object", "properties": schema}
    return schema


def _is_schema(value: Any) -> bool:
    """Whether this can be nothing but a schema."""
    return isinstance(value, dict) and any(isinstance(value.get(key), types) for key, types in _TELLING.items())


def _parse(text: str) -> Any:
    if len(text) > MAX_TEXT:
        return None
    try:
        return big_integers.loads(text)
    except orjson.JSONDecodeError:
        return None
