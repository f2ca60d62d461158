"""What a schema takes: whole types, and single values that it lists.

Source: JSON Schema, draft 2020-12, validation. Only types, `enum` and `const` are looked at, through references and
branches: bounds and patterns are no matter of types. A schema that is about the properties of objects, and does not say
its type, means an object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any

from app.translate.schemas.enum_values import allowed_values, write_enum_value
from app.translate.schemas.keywords import REFERENCE_KEYWORDS, UNION_KEYWORDS, Schema
from app.translate.schemas.reference_targets import ReferenceTargets
from app.translate.schemas.schema_types import TYPES, declared_types, guess_type, type_of_value

_MAX_LEVELS = 32  # of references and branches inside each other
_KNOWN = frozenset({*TYPES, "null"})
_NOT_TEXTS = tuple(sorted(_KNOWN - {"string"}))
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Types of which every value is taken, and further values: by their type and their text."""

    types: frozenset[str]
    values: dict[Key, Any]

    def takes(self, value: Any) -> bool:
        """Whether a value is taken; 5.0 is an integer as well."""
        kind = type_of_value(value)
        if kind in self.types or (kind == "integer" and "number" in self.types):
            return True
        if kind == "number" and "integer" in self.types and value.is_integer():
            return True
        return bool(self.values) and _key(value) in self.values

    def find_written(self, text: str) -> tuple[Any, ...]:
        """The listed value that functions carry as this text, alone in a tuple; an empty one where there is none."""
        return next(((self.values[kind, text],) for kind in _NOT_TEXTS if (kind, text) in self.values), ())

    def __or__(self, other: Accepted) -> Accepted:
        """What either takes."""
        return Accepted(self.types | other.types, {**self.values, **other.values})

    def __and__(self, other: Accepted) -> Accepted:
        """What both take."""
        types = (self.types & other.types) | _shared_integers(self.types, other.types)
        values = {key: value for key, value in self.values.items() if other.takes(value)}
        values.update((key, value) for key, value in other.values.items() if self.takes(value))
        return Accepted(types, values)


ANYTHING = Accepted(_KNOWN, {})


def _shared_integers(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    both = ("integer" in one and "number" in other) or ("number" in one and "integer" in other)
    return frozenset({"integer"}) if both else frozenset()


def _key(value: Any) -> Key:
    return type_of_value(value), write_enum_value(value)


class AcceptanceReader:
    """Reads what schemas of one document take. `spend` tells whether one more may be looked at."""

    def __init__(self, targets: ReferenceTargets, spend: Callable[[], bool]) -> None:
        self._targets = targets
        self._spend = spend

    def read(self, schemas: Iterable[Any]) -> Accepted:
        """What any of these takes; those that say nothing do not count beside others."""
        found = [one for one in (self._read(schema, _MAX_LEVELS) for schema in schemas) if one is not ANYTHING]
        return reduce(lambda one, other: one | other, found) if found else ANYTHING

    def _read(self, schema: Any, levels: int) -> Accepted:
        if not isinstance(schema, dict) or not levels or not self._spend():
            return ANYTHING
        accepted = self._read_own(schema)
        for key in REFERENCE_KEYWORDS:
            if isinstance(schema.get(key), str):
                accepted = _both(accepted, self._read(self._targets.find(schema[key], schema), levels - 1))
        for branch in schema["allOf"] if isinstance(schema.get("allOf"), list) else ():
            accepted = _both(accepted, self._read(branch, levels - 1))
        for key in UNION_KEYWORDS:
            if isinstance(schema.get(key), list) and schema[key]:
                branches = [self._read(branch, levels - 1) for branch in schema[key]]
                if not any(branch is ANYTHING for branch in branches):
                    accepted = _both(accepted, reduce(lambda one, other: one | other, branches))
        return accepted

    def _read_own(self, schema: Schema) -> Accepted:
        """By the schema's own keywords."""
        declared = declared_types(schema)
        if values := allowed_values(schema):
            listed = Accepted(frozenset(), {_key(value): value for value in values})
            if "null" in declared or schema.get("nullable") is True:
                listed = listed | Accepted(frozenset({"null"}), {})
            return listed
        if not declared and (guessed := guess_type(schema)) is not None:
            declared = [guessed]
        if not declared:
            return ANYTHING
        if schema.get("nullable") is True:
            declared.append("null")
        if not _KNOWN.issuperset(declared):  # a type that nobody knows may be written as a text
            declared.append("string")
        return Accepted(frozenset(declared), {})


def _both(one: Accepted, other: Accepted) -> Accepted:
    if one is ANYTHING or other is ANYTHING:
        return other if one is ANYTHING else one
    return one & other
