"""What repaired schemas were before their repair, as far as later steps must know it."""

from __future__ import annotations

from collections.abc import Sequence

from app.translate.schemas.keywords import Schema


class SchemaOrigins:
    """Knows the types that enums had before their values became strings, and which schemas stand for a cut reference.

    Schemas are known by their identity, and are kept so that no other one gets the same.
    """

    def __init__(self) -> None:
        self._enum_types: dict[int, tuple[Schema, str]] = {}
        self._cut_off: dict[int, Schema] = {}

    def remember_enum_type(self, schema: Schema, kind: str) -> None:
        """Remember that the values of this schema's enum were of this type."""
        self._enum_types[id(schema)] = (schema, kind)

    def inherit_enum_type(self, schema: Schema, *others: Schema) -> None:
        """Remember the type of an enum that is made of the others' enums."""
        kinds = [self._enum_types[id(other)][1] for other in others if id(other) in self._enum_types]
        if not kinds:
            return
        is_one_type = len(kinds) == len(others) and len(set(kinds)) == 1
        self.remember_enum_type(schema, kinds[0] if is_one_type else "string")

    def drop_enum(self, schema: Schema) -> None:
        """Take a schema's enum away and give its values their own type back, in place."""
        if schema.pop("enum", None) is not None and id(schema) in self._enum_types:
            schema["type"] = self._enum_types[id(schema)][1]

    def mark_cut_off(self, schema: Schema) -> None:
        """Remember that a reference to an endless schema was cut off here: no value can stand in its place."""
        self._cut_off[id(schema)] = schema

    def is_cut_off(self, schema: Schema) -> bool:
        """Whether a schema stands where a reference was cut off."""
        return id(schema) in self._cut_off

    def select_fillable(self, schemas: Sequence[Schema]) -> Sequence[Schema]:
        """Those alternatives that a value can be given for; all of them, where there is none."""
        return [schema for schema in schemas if not self.is_cut_off(schema) or describes_content(schema)] or schemas


def describes_content(schema: Schema) -> bool:
    """Whether a schema says what an object has in it."""
    if schema.get("properties") or schema.get("patternProperties"):
        return True
    return isinstance(schema.get("additionalProperties"), dict)
