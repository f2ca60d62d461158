"""How two values of one keyword become one, where both schemas hold: those of `allOf`, or beside a `$ref`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.translate.schemas.enum_values import write_enum_value
from app.translate.schemas.keywords import SCHEMA_KEYWORDS, Schema
from app.translate.schemas.schema_limits import measure_visit


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _merge_schemas(first: Any, second: Any) -> Any:
    """Two schemas or booleans; a schema says more than a boolean does."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first if first is second else {"allOf": [first, second]}
    return first if isinstance(first, dict) else second


def _merge_items(first: Any, second: Any) -> Any:
    """Two kinds of items. The places of a tuple need not be kept apart, since all its items get one schema."""
    if isinstance(first, list) or isinstance(second, list):
        return [*_as_list(first), *_as_list(second)]
    return _merge_schemas(first, second)


def _merge_maps(first: Schema, second: Schema) -> Schema:
    shared = first.keys() & second.keys()
    return {**first, **second, **{name: _merge_schemas(first[name], second[name]) for name in shared}}


def _merge_additional_properties(first: Any, second: Any) -> Any:
    """Two closed objects can't take each other's properties, so that both together are open."""
    if first is second:
        return first
    return _merge_schemas(first, second) or True


def _merge_enums(first: list[Any], second: list[Any]) -> list[Any]:
    second_texts = {write_enum_value(value) for value in second}
    return [value for value in first if write_enum_value(value) in second_texts] or first


def _merge_types(first: Any, second: Any) -> Any:
    first_types = _as_list(first)
    second_types = _as_list(second)
    if "integer" in second_types and "number" in first_types:
        first_types = [*first_types, "integer"]
    if "integer" in first_types and "number" in second_types:
        second_types = [*second_types, "integer"]
    shared = [name for name in first_types if name in second_types]
    if len(shared) == 1:
        return shared[0]
    return shared or first


# Of a keyword that is not here the first value stands.
_MERGES: dict[str, Callable[[Any, Any], Any]] = {
    "type": _merge_types,
    "enum": _merge_enums,
    "required": lambda first, second: list(dict.fromkeys([*first, *second])),
    **dict.fromkeys(SCHEMA_KEYWORDS, _merge_schemas),
    **dict.fromkeys(("items", "prefixItems"), _merge_items),
    "additionalItems": _merge_schemas,
    "additionalProperties": _merge_additional_properties,
    "patternProperties": _merge_maps,
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
}


def merge_keyword(keywords: Schema, key: str, value: Any) -> int:
    """Put one more value of a keyword into the keywords, in place. Returns the cost of merging it."""
    if key not in keywords:
        keywords[key] = value
        return 0
    if key not in _MERGES:
        return 0
    before = keywords[key]
    keywords[key] = _MERGES[key](before, value)
    return measure_visit(len(before)) if isinstance(before, list | dict) else 0
