"""JSON Schema's keywords: which of them hold schemas, what each must hold, and how a wrong value is corrected.

Source: JSON Schema, draft 2020-12 with draft-07.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.translate.schemas.schema_limits import is_shallow
from app.translate.schemas.schema_types import TYPE_ALIASES

Schema = dict[str, Any]

# Keywords that hold a schema, a map of schemas, a list of schemas, a reference to a schema.
SCHEMA_KEYWORDS = (
    *("items", "additionalProperties", "propertyNames", "contains"),
    *("unevaluatedProperties", "unevaluatedItems"),
)
MAP_KEYWORDS = ("properties", "patternProperties")
UNION_KEYWORDS = ("anyOf", "oneOf")
REFERENCE_KEYWORDS = ("$ref", "$dynamicRef", "$recursiveRef")
DEFINITION_KEYWORDS = ("$defs", "definitions")
IDENTIFIER_KEYWORDS = ("$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor")  # what references find a schema by
# Of the first: those that are about whatever a schema does not name. A boolean allows all of it, or nothing.
REST_KEYWORDS = ("additionalProperties", "unevaluatedProperties", "unevaluatedItems")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_list_of_values(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and is_shallow(value)


def _is_type(value: Any) -> bool:
    names = value if isinstance(value, list) else [value]
    return all(isinstance(name, str) and name.lower() in TYPE_ALIASES for name in names)


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict | bool)


def _is_list_of_schemas(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_schema(item) for item in value)


def _is_items(value: Any) -> bool:
    return _is_schema(value) or _is_list_of_schemas(value)


def _is_map_of_schemas(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_schema(item) for item in value.values())


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


# What the value of each known keyword must be.
KEYWORD_CHECKS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(
        ("description", "title", "pattern", "format", "$schema", "$id", "$comment", *REFERENCE_KEYWORDS), _is_text
    ),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), _is_number),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _is_count),
    **dict.fromkeys(("uniqueItems", "nullable", "deprecated", "readOnly", "writeOnly"), _is_boolean),
    **dict.fromkeys((*SCHEMA_KEYWORDS, "additionalItems", "not", "if", "then", "else"), _is_schema),
    **dict.fromkeys((*MAP_KEYWORDS, *DEFINITION_KEYWORDS, "dependentSchemas"), _is_map_of_schemas),
    **dict.fromkeys((*UNION_KEYWORDS, "allOf"), _is_list_of_schemas),
    "dependencies": _is_object,
    "type": _is_type,
    "required": lambda value: _is_list_of_texts(value) and bool(value),
    "enum": _is_list_of_values,
    "items": _is_items,
    "prefixItems": _is_items,
    "const": is_shallow,
}


_EMPTY: tuple[Any, ...] = ([], {}, "")


class Absent:
    """The type of ABSENT, which stands for a keyword that is left out."""


ABSENT = Absent()


def correct_keyword(key: str, value: Any) -> tuple[Any, str | None]:
    """A keyword's value as JSON Schema demands it, or ABSENT; and the correction's rule, None for a right value."""
    if value is None and key in KEYWORD_CHECKS and key != "const":
        return ABSENT, "schema.absent"
    if KEYWORD_CHECKS.get(key, is_shallow)(value):
        return value, None
    if key in (*MAP_KEYWORDS, *DEFINITION_KEYWORDS) and isinstance(value, dict):
        is_php = all(_is_schema(item) or item == [] for item in value.values())
        corrected = {name: item if _is_schema(item) else {} for name, item in value.items()}
        return corrected, "schema.absent" if is_php else "schema.invalid"
    if value in _EMPTY and key != "enum":  # PHP writes an empty object as an array; nothing is said in either case
        return {} if key in MAP_KEYWORDS else ABSENT, "schema.absent"
    if key == "required" and isinstance(value, str | list):
        names = [value] if isinstance(value, str) else value
        return [name for name in names if isinstance(name, str)] or ABSENT, "schema.invalid"
    if key in (*UNION_KEYWORDS, "allOf", "items", "prefixItems") and isinstance(value, list):
        return [item for item in value if _is_schema(item)] or ABSENT, "schema.invalid"
    return ABSENT, "schema.invalid"
