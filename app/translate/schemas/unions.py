"""One schema instead of several that are alternatives, and one for a base with alternatives.

What comes in is repaired already, and made for this purpose: it may be altered. No property is lost: alternatives
give all theirs, whatever type is chosen, since keywords about another type than a schema's own say nothing in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from app.translate.schemas.rules import MAPS, ONE, Schema

_WIDTH = ("array", "string", "number")  # of several types: that which says most, once nothing has properties
_MERGED = frozenset({*ONE, *MAPS, "type", "required", "enum", "description"})


class Origins:
    """What schemas were before: which had an enum of other values than strings, and which stand for one cut off."""

    def __init__(self) -> None:
        self._types: dict[int, tuple[Schema, str]] = {}  # the schema is kept, so that its id stays its own
        self._cut: dict[int, Schema] = {}

    def remember(self, schema: Schema, kind: str) -> None:
        """This enum's values were of this type."""
        self._types[id(schema)] = (schema, kind)

    def inherit(self, schema: Schema, *others: Schema) -> None:
        """This enum is made of the others' enums."""
        kinds = [self._types[id(other)][1] for other in others if id(other) in self._types]
        if kinds:
            self.remember(schema, kinds[0] if len({*kinds}) == 1 and len(kinds) == len(others) else "string")

    def cut(self, schema: Schema) -> None:
        """A reference that contains itself was cut off here: nothing can stand in its place."""
        self._cut[id(schema)] = schema

    def was_cut(self, schema: Schema) -> bool:
        """Whether it was."""
        return id(schema) in self._cut

    def whole(self, schemas: Sequence[Schema]) -> Sequence[Schema]:
        """Those alternatives that something can be given for; all, where there is none."""
        return [one for one in schemas if not self.was_cut(one) or _filled(one)] or schemas

    def free(self, schema: Schema) -> None:
        """Take the enum away: the values have their own type again."""
        if schema.pop("enum", None) is not None and id(schema) in self._types:
            schema["type"] = self._types[id(schema)][1]


def either(schemas: Sequence[Schema], origins: Origins) -> Schema:
    """One schema that takes what any of these takes, as far as one type can."""
    schemas = origins.whole(schemas)
    if len(schemas) == 1:
        return schemas[0]
    enums = [schema["enum"] for schema in schemas if "enum" in schema]
    if len(enums) < len(schemas):
        for schema in schemas:
            origins.free(schema)
    kinds = list(dict.fromkeys(schema["type"] for schema in schemas))
    first, *others = schemas
    joined = {
        key: value
        for key, value in first.items()
        if key not in _MERGED and all(key in other and other[key] == value for other in others)
    }
    joined["type"] = "object" if any(map(_filled, schemas)) else widest(kinds)
    if len(enums) == len(schemas):
        joined["enum"] = list(dict.fromkeys(value for enum in enums for value in enum))
        origins.inherit(joined, *schemas)
    describe(joined, (schema.get("description") for schema in schemas))
    _merge(joined, schemas, origins)
    if all(map(origins.was_cut, schemas)):
        origins.cut(joined)
    return complete(joined)


def _filled(schema: Schema) -> bool:
    """Whether a schema says what an object has in it."""
    inner = schema.get("properties") or schema.get("patternProperties")
    return bool(inner) or isinstance(schema.get("additionalProperties"), dict)


def widest(kinds: Sequence[str]) -> str:
    """The type that stands for several."""
    return next((kind for kind in _WIDTH if kind in kinds), kinds[0])


def describe(schema: Schema, texts: Iterable[Any]) -> None:
    """Give a schema all these descriptions, each once."""
    told = "\n".join(dict.fromkeys(text for text in texts if text))
    if told:
        schema["description"] = told


def _merge(joined: Schema, schemas: Sequence[Schema], origins: Origins) -> None:
    """What is inside: properties of all, required of what is an object in all, one kind of items."""
    for key in MAPS:
        named: dict[str, list[Schema]] = {}
        for schema in schemas:
            for name, one in schema.get(key, {}).items():
                named.setdefault(name, []).append(one)
        if named:
            joined[key] = {name: _one(several, origins) for name, several in named.items()}
    for key in ONE:
        several = [schema[key] for schema in schemas if key in schema]
        if several and (key != "propertyNames" or len(several) == len(schemas)):
            joined[key] = _one(several, origins)
    demands = [schema.get("required", []) for schema in schemas if schema["type"] == "object"]
    if demands:
        rest = [set(demand) for demand in demands[1:]]
        kept = [name for name in demands[0] if all(name in demand for demand in rest)]
        if kept or all("required" in schema for schema in schemas):
            joined["required"] = kept


def _one(several: Sequence[Any], origins: Origins) -> Any:
    """One of several schemas or booleans; a schema says more than a boolean."""
    schemas = [one for one in several if isinstance(one, dict)]
    return either(schemas, origins) if schemas else any(several)


def extend(base: Schema, more: Schema, shared: set[str] | None) -> Schema:
    """A base together with what its alternatives came to.

    `shared` are the properties that every alternative has: only these may bind what the base leaves open. None: all.
    """
    for key, value in more.items():
        if key in MAPS:
            _extend_map(base.setdefault(key, {}), value, shared)
        elif key == "required":
            base[key] = list(dict.fromkeys([*base.get(key, []), *value]))
        elif key == "description":
            describe(base, (base.get(key), value))
        elif key in ONE and isinstance(value, dict):
            base[key] = extend(base[key], value, set()) if isinstance(base.get(key), dict) else value
        elif key not in base:
            base[key] = value
    return complete(base)


def _extend_map(base: dict[str, Any], more: dict[str, Any], shared: set[str] | None) -> None:
    for name, one in more.items():
        if not isinstance(base.get(name), dict):
            base[name] = one
        elif isinstance(one, dict):
            binding = shared is None or name in shared
            base[name] = extend(base[name], one, None) if binding else extend(base[name], _inner(one), set())


def _inner(schema: Schema) -> Schema:
    """Only what a schema holds, not what it demands."""
    return {key: value for key, value in schema.items() if key in MAPS or key in ONE or key == "description"}


def complete(schema: Schema) -> Schema:
    """Make type, properties, items and enum of one schema agree."""
    if schema.get("properties") or schema["type"] == "object":
        schema["type"] = "object"
        schema.setdefault("properties", {})
    else:
        schema.pop("properties", None)
    if schema["type"] == "array" and not isinstance(schema.get("items"), dict):
        schema["items"] = {"type": "string"}
    if "items" in schema and not isinstance(schema["items"], dict):
        del schema["items"]
    if "enum" in schema:
        if schema["type"] in ("object", "array"):
            del schema["enum"]
        else:
            schema["type"] = "string"
    return schema
