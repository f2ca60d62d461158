"""One schema for several alternatives (`anyOf`, `oneOf`), and for a base with alternatives.

The schemas are repaired already and belong to the repair: they may be altered. No property is lost: the result has the
properties of all alternatives, whatever its type, since keywords about another type than a schema's own say nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.translate.schemas.descriptions import join_descriptions
from app.translate.schemas.keywords import MAP_KEYWORDS, SCHEMA_KEYWORDS, Schema
from app.translate.schemas.schema_origins import SchemaOrigins, describes_content
from app.translate.schemas.schema_types import choose_widest_type, make_consistent

_UNITED_APART = frozenset({*SCHEMA_KEYWORDS, *MAP_KEYWORDS, "type", "required", "enum", "description"})


def unite(schemas: Sequence[Schema], origins: SchemaOrigins) -> Schema:
    """One schema that takes what any of these takes, as far as one type can."""
    schemas = origins.select_fillable(schemas)
    if len(schemas) == 1:
        return schemas[0]
    enums = [schema["enum"] for schema in schemas if "enum" in schema]
    all_enums = len(enums) == len(schemas)
    if not all_enums:
        for schema in schemas:
            origins.drop_enum(schema)
    first, *others = schemas
    united = {
        key: value
        for key, value in first.items()
        if key not in _UNITED_APART and all(key in other and other[key] == value for other in others)
    }
    types = list(dict.fromkeys(schema["type"] for schema in schemas))
    united["type"] = "object" if any(map(describes_content, schemas)) else choose_widest_type(types)
    if all_enums:
        united["enum"] = list(dict.fromkeys(value for enum in enums for value in enum))
        origins.inherit_enum_type(united, *schemas)
    join_descriptions(united, (schema.get("description") for schema in schemas))
    _unite_contents(united, schemas, origins)
    if all(map(origins.is_cut_off, schemas)):
        origins.mark_cut_off(united)
    return make_consistent(united)


def _unite_contents(united: Schema, schemas: Sequence[Schema], origins: SchemaOrigins) -> None:
    """Put in the properties of all schemas, one schema of items, and what all of them that are objects require."""
    for key in MAP_KEYWORDS:
        by_name: dict[str, list[Schema]] = {}
        for schema in schemas:
            for name, described in schema.get(key, {}).items():
                by_name.setdefault(name, []).append(described)
        if by_name:
            united[key] = {name: _unite_values(several, origins) for name, several in by_name.items()}
    for key in SCHEMA_KEYWORDS:
        several = [schema[key] for schema in schemas if key in schema]
        if several and (key != "propertyNames" or len(several) == len(schemas)):
            united[key] = _unite_values(several, origins)
    _unite_required(united, schemas)


def _unite_required(united: Schema, schemas: Sequence[Schema]) -> None:
    required = [schema.get("required", []) for schema in schemas if schema["type"] == "object"]
    if not required:
        return
    others = [set(names) for names in required[1:]]
    shared = [name for name in required[0] if all(name in names for names in others)]
    if shared:
        united["required"] = shared


def _unite_values(several: Sequence[Any], origins: SchemaOrigins) -> Any:
    """One of several schemas or booleans; a schema says more than a boolean."""
    schemas = [value for value in several if isinstance(value, dict)]
    return unite(schemas, origins) if schemas else any(several)


def extend(base: Schema, more: Schema, shared: set[str] | None) -> Schema:
    """Add the schema of its united alternatives to a base, in place; gives the base.

    `shared` are the properties that every alternative has: only these may restrict what the base leaves open. None
    stands for all properties.
    """
    for key, value in more.items():
        if key in MAP_KEYWORDS:
            _extend_map(base.setdefault(key, {}), value, shared)
        elif key == "required":
            base[key] = list(dict.fromkeys([*base.get(key, []), *value]))
        elif key == "description":
            join_descriptions(base, (base.get(key), value))
        elif key in SCHEMA_KEYWORDS and isinstance(value, dict):
            base[key] = extend(base[key], value, set()) if isinstance(base.get(key), dict) else value
        elif key not in base:
            base[key] = value
    return make_consistent(base)


def _extend_map(base: dict[str, Any], more: dict[str, Any], shared: set[str] | None) -> None:
    for name, value in more.items():
        if not isinstance(base.get(name), dict):
            base[name] = value
        elif isinstance(value, dict):
            if shared is None or name in shared:
                base[name] = extend(base[name], value, None)
            else:
                base[name] = extend(base[name], _without_demands(value), set())


def _without_demands(schema: Schema) -> Schema:
    """Only the inner schemas and the description."""
    kept = (*MAP_KEYWORDS, *SCHEMA_KEYWORDS, "description")
    return {key: value for key, value in schema.items() if key in kept}
