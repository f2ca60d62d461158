"""Repairs a schema for GigaChat's functions: one type for each, no references, no unions, enums of strings.

`repair_rules` has the reasons and sources. `schema_limits` and `reference_inlining` have the limits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.translate.schemas.allof_merging import AllOfMerger, MergedSchema
from app.translate.schemas.descriptions import add_remark
from app.translate.schemas.enum_values import write_enum_value, write_enum_values
from app.translate.schemas.keywords import MAP_KEYWORDS, REST_KEYWORDS, SCHEMA_KEYWORDS, Schema
from app.translate.schemas.positions import Path, Position
from app.translate.schemas.repair_notes import RepairNotes
from app.translate.schemas.schema_origins import SchemaOrigins
from app.translate.schemas.schema_types import (
    choose_widest_type,
    declared_types,
    find_scalar_type,
    guess_type,
    make_consistent,
    type_of_value,
)
from app.translate.schemas.string_formats import write_format
from app.translate.schemas.unions import extend, unite

# Keywords that a repair writes anew; a schema keeps its other keywords.
_REWRITTEN = frozenset(
    {*SCHEMA_KEYWORDS, *MAP_KEYWORDS, "type", "enum", "const", "nullable", "format", "prefixItems", "additionalItems"}
)
_KEYWORDS_OF_NULL = frozenset({"type", "const", "enum", "default", "description", "title", "nullable"})
_MAX_TYPES_IN_REMARK = 8


class SchemaRepair:
    """Repairs the schemas of one document down to a depth, as long as the merger's budget lasts."""

    def __init__(self, merger: AllOfMerger, max_depth: int, notes: RepairNotes) -> None:
        self._merger = merger
        self._max_depth = max_depth
        self._notes = notes
        self.origins = SchemaOrigins()
        # The paths of schemas that null was taken from, by identity: a path is made once for each position.
        self._paths_without_null: dict[int, Path] = {}

    @property
    def is_over_budget(self) -> bool:
        """Whether the budget was too small."""
        return self._merger.budget <= 0

    def repair(self, schemas: Iterable[Any], position: Position, default_type: str | None = None) -> Schema:
        """One schema for several that all hold; it gets `default_type` where they say nothing of its type."""
        if self.is_over_budget or position.depth > self._max_depth:
            self._notes.add("schema.size" if self.is_over_budget else "schema.depth", position.path)
            return make_consistent({"type": find_scalar_type(schemas) or default_type or "object"})
        merged = self._merger.merge(schemas, position)
        position = position._replace(open_targets=merged.open_targets)
        schema = {key: value for key, value in merged.keywords.items() if key not in _REWRITTEN}
        kind = self._choose_type(schema, merged, position) or self._guess_type(merged, default_type, position)
        self._repair_contents(schema, merged, position)
        unions = [self._repair_union(branches, merged, position, kind) for branches in merged.unions]
        schema["type"] = kind or self._find_type(unions, merged, position)
        self._repair_format(schema, merged, position)
        self._repair_enum(schema, merged.keywords, position)
        for united, shared in unions:
            if "enum" in united and "enum" not in schema:
                self.origins.inherit_enum_type(schema, united)
            extend(schema, united, shared)
        if merged.is_endless:
            self.origins.mark_cut_off(schema)
        return self._complete(schema, merged, position)

    def _find_type(self, unions: list[tuple[Schema, set[str]]], merged: MergedSchema, position: Position) -> str:
        """The type of a schema that does not tell it itself."""
        if unions:
            kind: str = unions[0][0]["type"]
            return kind
        if merged.plain_type is not None:
            return merged.plain_type
        self._notes.add("schema.any", position.path)
        return "string"

    def _complete(self, schema: Schema, merged: MergedSchema, position: Position) -> Schema:
        """Add the properties or items that the type needs."""
        if schema["type"] == "object" and "properties" not in schema and merged.plain_type is None:
            self._notes.add("schema.properties", position.path)
        if schema["type"] == "array" and "items" not in schema:
            self._notes.add("schema.items", position.path)
        return make_consistent(schema)

    def _choose_type(self, schema: Schema, merged: MergedSchema, position: Position) -> str | None:
        """The declared type; of several the one that says most, and the others go into the description."""
        keywords = merged.keywords
        declared = keywords.get("type", [])
        kinds = list(dict.fromkeys(declared_types(keywords)))
        if kinds != (declared if isinstance(declared, list) else [declared]):
            self._notes.add("schema.word", position.path)
        if kinds == ["null"]:
            keywords.setdefault("enum", [None])
        elif "null" in kinds or keywords.get("nullable"):
            self._take_null(position)
        kinds = [kind for kind in kinds if kind != "null"]
        if len(kinds) > 1 and {*kinds} != {"integer", "number"} and not {"enum", "const"} & keywords.keys():
            self._notes.add("schema.types", position.path)
            add_remark(schema, " | ".join(kinds))
        if merged.properties:
            if "object" not in kinds:
                self._notes.add("schema.properties" if kinds else "schema.type", position.path)
            return "object"
        if len(kinds) > 1 and "array" in kinds and "items" not in keywords:
            kinds.remove("array")
        return choose_widest_type(kinds) if kinds else None

    def _take_null(self, position: Position) -> None:
        """Note that the schema at a position takes null, which functions can't carry."""
        self._notes.add("schema.optional" if position.is_property else "schema.null", position.path)
        self._paths_without_null[id(position.path)] = position.path

    def _guess_type(self, merged: MergedSchema, default_type: str | None, position: Position) -> str | None:
        """The type that the keywords are about; a string for values without one."""
        kind = guess_type(merged.keywords) or default_type
        if kind or "enum" in merged.keywords or "const" in merged.keywords:
            self._notes.add("schema.type", position.path)
            return kind or "string"
        return None

    def _repair_format(self, schema: Schema, merged: MergedSchema, position: Position) -> None:
        name = merged.keywords.get("format")
        if name and not write_format(schema, name):
            self._notes.add("schema.format", position.path)

    def _repair_enum(self, schema: Schema, keywords: Schema, position: Position) -> None:
        """Write const and enum as an enum of strings."""
        if "const" in keywords:
            self._notes.add("schema.const", position.path)
        values = [keywords["const"]] if "const" in keywords else keywords.get("enum")
        if not values:
            return
        if schema["type"] in ("object", "array"):
            self._notes.add("schema.enum_of_objects", position.path)
            return
        texts = write_enum_values(values)
        kinds = {type_of_value(value) for value in values}
        if kinds != {"string"}:
            self._notes.add("schema.enum", position.path)
            kinds.discard("null")
            self.origins.remember_enum_type(schema, kinds.pop() if len(kinds) == 1 else "string")
            if "default" in schema and (default := write_enum_value(schema["default"])) in texts:
                schema["default"] = default
        schema["type"] = "string"
        schema["enum"] = texts

    def _repair_contents(self, schema: Schema, merged: MergedSchema, position: Position) -> None:
        """Repair the schemas inside this one."""
        keywords = merged.keywords
        if "properties" in keywords:
            self._repair_properties(schema, merged, position)
        if "patternProperties" in keywords:
            schema["patternProperties"] = {
                pattern: self._repair_rest(inner, position.below(pattern))
                for pattern, inner in keywords["patternProperties"].items()
            }
        self._repair_items(schema, merged, position)
        for key in SCHEMA_KEYWORDS:
            if key == "items" or key not in keywords:
                continue
            inner_position = position.below(key)
            if key in REST_KEYWORDS:
                schema[key] = self._repair_rest(keywords[key], inner_position)
            else:
                schema[key] = self.repair([keywords[key]], inner_position)

    def _repair_properties(self, schema: Schema, merged: MergedSchema, position: Position) -> None:
        """Repair the properties. One that takes null may be left out instead, since null can't be given."""
        positions = {name: position.below(name, is_property=True) for name in merged.properties}
        schema["properties"] = {
            name: self.repair(schemas, positions[name]) for name, schemas in merged.properties.items()
        }
        optional = {name for name, inner in positions.items() if id(inner.path) in self._paths_without_null}
        if optional and "required" in schema:
            schema["required"] = [name for name in schema["required"] if name not in optional]

    def _repair_items(self, schema: Schema, merged: MergedSchema, position: Position) -> None:
        """Repair an array's items: a tuple's places get one schema together."""
        given = self._list_item_schemas(merged.keywords, position)
        items = [self.repair([inner], position.below("items")) for inner in given]
        if not items:
            return
        if len(items) > 1 and any(map(self.origins.is_cut_off, items)) and merged.keywords.get("minItems", 0) > 0:
            merged.is_endless = True  # all places of a tuple must be filled
        kinds = [inner["type"] for inner in items]
        schema["items"] = unite(items, self.origins)
        if len({*kinds}) > 1:
            add_remark(schema["items"], ", ".join(kinds[:_MAX_TYPES_IN_REMARK]))

    def _list_item_schemas(self, keywords: Schema, position: Position) -> list[Any]:
        """The schemas of an array's items: several for a tuple."""
        items = keywords.get("items")
        prefix = keywords.get("prefixItems", [])
        places = items if isinstance(items, list) else []
        places = [*places, *(prefix if isinstance(prefix, list) else [prefix])]
        if places:
            self._notes.add("schema.tuple", position.path)
        rest = [inner for inner in (items, keywords.get("additionalItems")) if isinstance(inner, dict)]
        if items is True and not (places or rest):
            return [{}]
        return [*places, *rest]

    def _repair_rest(self, schema: Any, position: Position) -> Any:
        """Repair a schema of unnamed content: an empty one becomes true, and a boolean stays."""
        if isinstance(schema, bool):
            return schema
        return self.repair([schema], position) if schema else True

    def _repair_union(
        self, branches: list[Any], merged: MergedSchema, position: Position, kind: str | None
    ) -> tuple[Schema, set[str]]:
        """One schema for the branches, and the names of the properties that all of them have."""
        given = [branch for branch in branches if not _takes_only_null(branch)]
        if len(given) < len(branches):
            self._take_null(position)
        if not given:
            return {"type": "string", "enum": ["null"]}, set()
        repaired = [self.repair([one], position.below(f"[{index}]"), kind) for index, one in enumerate(given)]
        if all(map(self.origins.is_cut_off, repaired)):
            merged.is_endless = True
        repaired = list(self.origins.select_fillable(repaired))
        if self.is_over_budget:
            self._loosen(repaired)
        shared = set.intersection(*(set(branch.get("properties", ())) for branch in repaired))
        if len(repaired) > 1:
            self._notes.add("schema.union", position.path)
        united = unite(repaired, self.origins)  # it gives some of the branches their own type back
        kinds = list(dict.fromkeys(branch["type"] for branch in repaired))
        if len(kinds) > 1:
            add_remark(united, " | ".join(kinds))
        return united, shared

    def _loosen(self, branches: list[Schema]) -> None:
        """Take demands and enums from branches, since some others were cut off and must not be restricted by them."""
        for branch in branches:
            branch.pop("required", None)
            for described in branch.get("properties", {}).values():
                self.origins.drop_enum(described)


def _takes_only_null(branch: Any) -> bool:
    if not isinstance(branch, dict) or not branch.keys() <= _KEYWORDS_OF_NULL:
        return False
    return branch.get("type") in ("null", ["null"]) or branch.get("enum") == [None] or branch.get("const", 0) is None
