"""Prunes what no value can be given for, where a recursive reference was cut off (rule `schema.cycle`).

The repaired schema is gone through from its leaves: an array of such items becomes an empty one, and a property that
may be left out is left out. Upper levels stay whole, and no property's name is lost: the last schema that has a name
keeps it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from app.translate.schemas.keywords import MAP_KEYWORDS, REST_KEYWORDS, SCHEMA_KEYWORDS, Schema


def prune_recursion(root: Schema, is_cut_off: Callable[[Schema], bool]) -> None:
    """Prune a schema, in place. `is_cut_off` tells whether a schema in it stands where a reference was cut off."""
    schemas = [root]
    for schema in schemas:  # the list grows while it is gone through: upper levels come first
        schemas.extend(_inner_schemas(schema))
    if any(map(is_cut_off, schemas)):
        pruning = _Pruning(schemas, is_cut_off)
        for schema in reversed(schemas):
            pruning.prune(schema)


def _inner_schemas(schema: Schema) -> Iterator[Schema]:
    """The schemas that stand directly in this one."""
    for key in MAP_KEYWORDS:
        yield from (inner for inner in schema.get(key, {}).values() if isinstance(inner, dict))
    for key in SCHEMA_KEYWORDS:
        if isinstance(schema.get(key), dict):
            yield schema[key]


def _count_names(schema: Schema) -> Counter[str]:
    """How often each property's name occurs in a schema."""
    names: Counter[str] = Counter()
    waiting = [schema]
    while waiting:
        inner = waiting.pop()
        names.update(inner.get("properties", {}).keys())
        waiting.extend(_inner_schemas(inner))
    return names


class _Pruning:
    """One pass from the leaves to the root. Schemas are known by their identity."""

    def __init__(self, schemas: list[Schema], is_cut_off: Callable[[Schema], bool]) -> None:
        self._is_cut_off = is_cut_off
        self._names = Counter(name for schema in schemas for name in schema.get("properties", ()))
        self._unfillable: set[int] = set()  # no value can be given for these
        self._kept: set[int] = set()  # these have a name that occurs nowhere else

    def prune(self, schema: Schema) -> None:
        """Prune a schema whose inner schemas are pruned."""
        demands_unfillable = self._prune_properties(schema)
        demands_items = self._prune_items(schema)
        self._prune_rest(schema)
        if self._is_cut_off(schema) or demands_unfillable or demands_items or _has_too_few_properties(schema):
            self._unfillable.add(id(schema))
        if any(id(inner) in self._kept for inner in _inner_schemas(schema)):
            self._kept.add(id(schema))

    def _is_unfillable(self, schema: object) -> bool:
        return id(schema) in self._unfillable

    def _prune_properties(self, schema: Schema) -> bool:
        """Leave out optional properties that can't be given. Returns whether one that can't be given is required."""
        required = schema.get("required", ())
        for key in MAP_KEYWORDS:
            for name in [name for name, inner in schema.get(key, {}).items() if self._is_unfillable(inner)]:
                is_required = key == "properties" and name in required
                if not is_required and self._release(schema[key][name], name if key == "properties" else None):
                    del schema[key][name]
        properties = schema.get("properties", {})
        return any(name in required and self._is_unfillable(inner) for name, inner in properties.items())

    def _prune_items(self, schema: Schema) -> bool:
        """Make an array empty whose items can't be given. Returns whether it must have items."""
        if not self._is_unfillable(schema.get("items")):
            return False
        if schema.get("minItems", 0) > 0:
            return True
        schema["maxItems"] = 0
        return False

    def _prune_rest(self, schema: Schema) -> None:
        """Close a schema for unnamed content that can't be given."""
        for key in REST_KEYWORDS:
            if self._is_unfillable(schema.get(key)) and self._release(schema[key]):
                schema[key] = False

    def _release(self, schema: Schema, name: str | None = None) -> bool:
        """Whether a schema may be removed: its own name and all names in it occur elsewhere too.

        The names of a schema that may be removed are no longer counted.
        """
        if id(schema) in self._kept:
            return False
        names = _count_names(schema)
        if name is not None:
            names[name] += 1
        if any(self._names[inner] <= count for inner, count in names.items()):
            self._kept.add(id(schema))
            return False
        self._names.subtract(names)
        return True


def _has_too_few_properties(schema: Schema) -> bool:
    """Whether a closed object must have more properties than it names."""
    is_closed = schema.get("additionalProperties") is False and not schema.get("patternProperties")
    return is_closed and schema.get("minProperties", 0) > len(schema.get("properties", ()))
