"""What GigaChat's functions take as it is: one quick look tells whether a schema needs a repair.

Most schemas are right already, and an agent sends many of them with each request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.translate.schemas.keywords import (
    DEFINITION_KEYWORDS,
    KEYWORD_CHECKS,
    REFERENCE_KEYWORDS,
    REST_KEYWORDS,
    UNION_KEYWORDS,
)
from app.translate.schemas.schema_limits import MAX_DEPTH, is_shallow
from app.translate.schemas.schema_types import TYPES
from app.translate.schemas.string_formats import STRING_FORMATS

_MAX_LEVELS = MAX_DEPTH + 3  # a repair that cuts at MAX_DEPTH still writes a plain schema there, and its items
_UNKNOWN_TO_FUNCTIONS = (
    *REFERENCE_KEYWORDS,
    *DEFINITION_KEYWORDS,
    *UNION_KEYWORDS,
    *("allOf", "const", "nullable", "prefixItems", "additionalItems", "not", "if", "then", "else"),
    *("dependentSchemas", "dependencies"),
)


def is_function_schema(schema: Any, levels: int = _MAX_LEVELS) -> bool:
    """Whether a schema of at most so many levels is as a repair would leave it."""
    if schema.__class__ is not dict or not levels:
        return False
    kind = schema.get("type")
    if kind.__class__ is not str or kind not in TYPES:
        return False
    if kind == "object":
        properties = schema.get("properties")
        if properties.__class__ is not dict:
            return False
        for described in properties.values():
            if not is_function_schema(described, levels - 1):
                return False
    elif "properties" in schema or (kind == "array" and "items" not in schema):
        return False
    for key, value in schema.items():
        if key not in _CHECKED_ABOVE and not _CHECKS.get(key, _is_plain_value)(value, levels):
            return False
    return "enum" not in schema or kind == "string"


def _is_inner_schema(value: Any, levels: int) -> bool:
    return is_function_schema(value, levels - 1)


def _is_inner_schema_or_boolean(value: Any, levels: int) -> bool:
    return value is True or value is False or is_function_schema(value, levels - 1)


def _is_map(value: Any, levels: int) -> bool:
    return isinstance(value, dict) and all(_is_inner_schema_or_boolean(inner, levels) for inner in value.values())


def _is_text(value: Any, _levels: int) -> bool:
    return value.__class__ is str


def _is_list_of_texts(value: Any, _levels: int) -> bool:
    return value.__class__ is list and all(item.__class__ is str for item in value)


def _is_filled_list_of_texts(value: Any, levels: int) -> bool:
    return bool(value) and _is_list_of_texts(value, levels)


def _is_plain_value(value: Any, _levels: int) -> bool:
    return is_shallow(value)


def _is_known_format(value: Any, _levels: int) -> bool:
    return value in STRING_FORMATS


def _is_unknown(_value: Any, _levels: int) -> bool:
    return False


def _without_levels(check: Callable[[Any], bool]) -> Callable[[Any, int], bool]:
    return lambda value, _levels: check(value)


_CHECKED_ABOVE = frozenset({"type", "properties"})
_CHECKS: dict[str, Callable[[Any, int], bool]] = {
    **{key: _without_levels(check) for key, check in KEYWORD_CHECKS.items()},
    **dict.fromkeys(("description", "title", "pattern"), _is_text),
    **dict.fromkeys(("items", "propertyNames", "contains"), _is_inner_schema),
    **dict.fromkeys(REST_KEYWORDS, _is_inner_schema_or_boolean),
    **dict.fromkeys(_UNKNOWN_TO_FUNCTIONS, _is_unknown),
    "patternProperties": _is_map,
    **dict.fromkeys(("required", "enum"), _is_filled_list_of_texts),
    "format": _is_known_format,
}
