"""Repairs a schema for GigaChat's functions: one type for each, no references, no unions, enums of strings.

The rules, their reasons and sources are in rules.py. Work and result are bounded: see BUDGET, DEPTH and NESTED there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.translate.schemas.parts import Gathering, Parts
from app.translate.schemas.rules import FORMATS, MAPS, ONE, WORDS, Place, Schema, text
from app.translate.schemas.unions import Origins, complete, either, extend, widest

_NAMES = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}

# Which keywords are about which type. Source: json-schema, validation: keywords by instance type.
_ABOUT = (
    ("object", {"properties", "required", "additionalProperties", "patternProperties", "propertyNames"}),
    ("object", {"minProperties", "maxProperties", "dependentRequired", "unevaluatedProperties"}),
    ("array", {"items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains", "unevaluatedItems"}),
    ("string", {"minLength", "maxLength", "pattern", "format", "contentEncoding"}),
    ("number", {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
)
# Keywords that a repair takes apart; what else a schema says stays as it is.
_TAKEN = frozenset({*ONE, *MAPS, "type", "enum", "const", "nullable", "format", "prefixItems", "additionalItems"})
_OF_NULL = frozenset({"type", "const", "enum", "default", "description", "title", "nullable"})
_LOOSE = ("additionalProperties", "unevaluatedProperties", "unevaluatedItems")


class Repair:
    """One pass over a document, down to a depth, as long as the gathering's budget lasts."""

    def __init__(self, gathering: Gathering, depth: int) -> None:
        self._gathering = gathering
        self._depth = depth
        self._told = gathering.told
        self.origins = Origins()
        self._nulled: dict[int, object] = {}  # by identity the ways of places that null was taken from

    @property
    def spent(self) -> bool:
        """Whether the budget was too small."""
        return self._gathering.left <= 0

    def repaired(self, schemas: Iterable[Any], place: Place, hint: str | None = None) -> Schema:
        """One schema for all of these, which all hold; `hint` is its type where they do not tell."""
        if self.spent or place.depth > self._depth:
            self._told("schema.size" if self.spent else "schema.depth", place.way)
            return complete({"type": _simple(schemas) or hint or "object"})
        parts = self._gathering.gather(schemas, place)
        place = place._replace(inside=parts.inside)
        schema = {key: value for key, value in parts.keys.items() if key not in _TAKEN}
        kind = self._kind(schema, parts, place) or self._guessed(parts, hint, place)
        self._fill(schema, parts, place)
        unions = [self._union(branches, parts, place, kind) for branches in parts.unions]
        schema["type"] = kind or next((one["type"] for one, _ in unions), None) or parts.plain or self._any(place)
        self._annotate(schema, parts, place)
        self._enumerate(schema, parts.keys, place)
        for one, shared in unions:
            if "enum" in one and "enum" not in schema:
                self.origins.inherit(schema, one)
            extend(schema, one, shared)
        if parts.endless:
            self.origins.cut(schema)
        return self._completed(schema, parts, place)

    def _completed(self, schema: Schema, parts: Parts, place: Place) -> Schema:
        if schema["type"] == "object" and "properties" not in schema and not parts.plain:
            self._told("schema.properties", place.way)
        if schema["type"] == "array" and "items" not in schema:
            self._told("schema.items", place.way)
        return complete(schema)

    def _kind(self, schema: Schema, parts: Parts, place: Place) -> str | None:
        """The type told; of several the one that says most, and the others go into the description."""
        told = parts.keys.get("type", [])
        words = told if isinstance(told, list) else [told]
        kinds = list(dict.fromkeys(WORDS[word.lower()] for word in words))
        if kinds != words:
            self._told("schema.word", place.way)
        if kinds == ["null"]:
            parts.keys.setdefault("enum", [None])
        elif "null" in kinds or parts.keys.get("nullable"):
            self._nullable(place)
        kinds = [kind for kind in kinds if kind != "null"]
        if len(kinds) > 1 and {*kinds} != {"integer", "number"} and not {"enum", "const"} & parts.keys.keys():
            self._told("schema.types", place.way)
            _add(schema, " | ".join(kinds))
        if parts.properties:
            if "object" not in kinds:
                self._told("schema.properties" if kinds else "schema.type", place.way)
            return "object"
        if len(kinds) > 1 and "array" in kinds and "items" not in parts.keys:
            kinds.remove("array")
        return widest(kinds) if kinds else None

    def _nullable(self, place: Place) -> None:
        self._told("schema.optional" if place.named else "schema.null", place.way)
        self._nulled[id(place.way)] = place.way

    def _guessed(self, parts: Parts, hint: str | None, place: Place) -> str | None:
        """The type that the keywords are about."""
        kind = next((kind for kind, keywords in _ABOUT if not keywords.isdisjoint(parts.keys)), hint)
        if kind or "enum" in parts.keys or "const" in parts.keys:
            self._told("schema.type", place.way)
            return kind or "string"
        return None

    def _any(self, place: Place) -> str:
        self._told("schema.any", place.way)
        return "string"

    def _annotate(self, schema: Schema, parts: Parts, place: Place) -> None:
        form = parts.keys.get("format")
        if form in FORMATS:
            schema["format"] = form
        elif form:
            self._told("schema.format", place.way)
            if schema["type"] not in ("integer", "number"):  # int32 and double say no more than the type
                _add(schema, f"format: {form}")

    def _enumerate(self, schema: Schema, keys: Schema, place: Place) -> None:
        """Const and enum: strings only."""
        if "const" in keys:
            self._told("schema.const", place.way)
        values = [keys["const"]] if "const" in keys else keys.get("enum")
        if not values:
            return
        if schema["type"] in ("object", "array"):
            self._told("schema.enum_of_objects", place.way)
            return
        kinds = {_NAMES.get(type(value), "object") for value in values}
        if kinds != {"string"}:
            self._told("schema.enum", place.way)
            kinds.discard("null")
            self.origins.remember(schema, kinds.pop() if len(kinds) == 1 else "string")
            if "default" in schema and text(schema["default"]) in map(text, values):
                schema["default"] = text(schema["default"])
        schema["type"] = "string"
        schema["enum"] = list(dict.fromkeys(map(text, values)))

    def _fill(self, schema: Schema, parts: Parts, place: Place) -> None:
        """The schemas inside this one."""
        if "properties" in parts.keys:
            self._name(schema, parts, place)
        if "patternProperties" in parts.keys:
            schema["patternProperties"] = {
                name: self._loose(one, place.below(name)) for name, one in parts.keys["patternProperties"].items()
            }
        items = [self.repaired([one], place.below("items")) for one in self._items(parts.keys, place)]
        if items:
            if len(items) > 1 and any(map(self.origins.was_cut, items)) and parts.keys.get("minItems", 0) > 0:
                parts.endless = True  # each place of a tuple is to be filled
            kinds = [one["type"] for one in items]
            schema["items"] = either(items, self.origins)
            if len({*kinds}) > 1:
                _add(schema["items"], ", ".join(kinds[:8]))
        for key in ONE[1:]:
            if key in parts.keys:
                given, inner = parts.keys[key], place.below(key)
                schema[key] = self._loose(given, inner) if key in _LOOSE else self.repaired([given], inner)

    def _name(self, schema: Schema, parts: Parts, place: Place) -> None:
        """The properties. One that may be null may be left out: a null can't be given."""
        places = {name: place.below(name, named=True) for name in parts.properties}
        schema["properties"] = {
            name: self.repaired(schemas, places[name]) for name, schemas in parts.properties.items()
        }
        nulled = {name for name, inner in places.items() if id(inner.way) in self._nulled}
        if nulled and "required" in schema:
            schema["required"] = [name for name in schema["required"] if name not in nulled]

    def _items(self, keys: Schema, place: Place) -> list[Any]:
        """The schemas of an array's items: several for a tuple."""
        given, rest, places = keys.get("items"), keys.get("additionalItems"), keys.get("prefixItems", [])
        listed = [*(given if isinstance(given, list) else []), *(places if isinstance(places, list) else [places])]
        if listed:
            self._told("schema.tuple", place.way)
        schemas = [*listed, *(one for one in (given, rest) if isinstance(one, dict))]
        return schemas or ([{}] if given is True else [])

    def _loose(self, schema: Any, place: Place) -> Any:
        """A schema for what has no name: an empty one takes anything, and a boolean stays."""
        if isinstance(schema, bool):
            return schema
        return self.repaired([schema], place) if schema else True

    def _union(self, branches: list[Any], parts: Parts, place: Place, kind: str | None) -> tuple[Schema, set[str]]:
        """One schema for the branches, and the names of the properties that all of them have."""
        live = [branch for branch in branches if not _null(branch)]
        if len(live) < len(branches):
            self._nullable(place)
        if not live:
            return {"type": "string", "enum": ["null"]}, set()
        built = [self.repaired([one], place.below(f"[{index}]"), kind) for index, one in enumerate(live)]
        parts.endless = parts.endless or all(map(self.origins.was_cut, built))
        built = [*self.origins.whole(built)]
        if self.spent:
            self._widen(built)
        shared = set.intersection(*(set(one.get("properties", ())) for one in built))
        if len(built) > 1:
            self._told("schema.union", place.way)
        joined = either(built, self.origins)  # which gives some of them their own type back
        kinds = list(dict.fromkeys(one["type"] for one in built))
        if len(kinds) > 1:
            _add(joined, " | ".join(kinds))
        return joined, shared

    def _widen(self, branches: list[Schema]) -> None:
        """Some branches were cut off: what the others demand, and the values that they have, must not bind these."""
        for branch in branches:
            branch.pop("required", None)
            for one in branch.get("properties", {}).values():
                self.origins.free(one)


def _simple(schemas: Iterable[Any]) -> str | None:
    """The type that is told of what has nothing inside."""
    told = (schema.get("type") for schema in schemas if isinstance(schema, dict))
    kinds = (WORDS.get(kind.lower()) for kind in told if isinstance(kind, str))
    return next((kind for kind in kinds if kind in ("string", "number", "integer", "boolean")), None)


def _null(branch: Any) -> bool:
    if not isinstance(branch, dict) or not branch.keys() <= _OF_NULL:
        return False
    return branch.get("type") in ("null", ["null"]) or branch.get("enum") == [None] or branch.get("const", 0) is None


def _add(schema: Schema, remark: str) -> None:
    """Put into the description what no keyword can say."""
    schema["description"] = f"{schema.get('description', '')} ({remark})".lstrip()
