"""Restores the arguments of a call by the schema that the client gave, and tells whether all that it requires is there.

GigaChat's functions carry enums as strings (rule `schema.enum`): `"1"` for `Literal[1, 2]`; the places of tuples, the
branches of unions and the values of maps share one type, often the string. Where the client's own schema does not take
the string, and takes what it says (`"5"`, `"true"`, `"null"`, JSON), the value is restored. Nothing else is altered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from app.translate import big_integers
from app.translate.schemas.accepted_values import AcceptanceReader, Accepted
from app.translate.schemas.enum_values import allowed_values, write_enum_value
from app.translate.schemas.keywords import REFERENCE_KEYWORDS, UNION_KEYWORDS, Schema
from app.translate.schemas.reference_targets import ReferenceTargets
from app.translate.schemas.schema_types import declared_types

_MAX_LEVELS = 100  # of the arguments
_MAX_SCHEMAS = 3_000  # that are looked at for one call
_CONDITION_KEYWORDS = ("then", "else")
_WORDS = {"true": True, "false": False, "null": None, "none": None}  # as models write them, in any case
_JSON = re.compile(r"\s*[-\d\[{]")  # how a number, an array or an object begins
_PLAIN_PATTERN = re.compile(r"(\^?)([\w -]+)(\$?)")  # one that is only text and its place


def restore_arguments(arguments: Any, schema: Any) -> Any:
    """The arguments as the client's schema has them; the same object if nothing is to be restored."""
    if not isinstance(arguments, dict) or not isinstance(schema, dict):
        return arguments
    return _Restoration(schema).restore(arguments, [schema], _MAX_LEVELS)


def has_required(arguments: dict[str, Any], schema: Any) -> bool:
    """Whether all arguments that the schema requires are there, each as the schema has it."""
    return not isinstance(schema, dict) or _Restoration(schema).has_required(arguments, schema)


class _Restoration:
    """One pass over a call's arguments."""

    def __init__(self, document: Schema) -> None:
        self._targets = ReferenceTargets(document)
        self._schemas_left = _MAX_SCHEMAS
        self._expanded: dict[tuple[int, ...], list[Schema]] = {}
        self._accepted: dict[tuple[int, ...], Accepted] = {}
        self._acceptance = AcceptanceReader(self._targets, self._spend)

    def restore(self, value: Any, schemas: list[Any], levels: int) -> Any:
        """A value that these schemas describe, whether all of them or one of several."""
        if not levels or not isinstance(value, str | dict | list):
            return value
        if isinstance(value, str):
            restored = _restore_text(value, self._accept(schemas))
            return restored if isinstance(restored, str) else self.restore(restored, schemas, levels - 1)
        expanded = self._expand(schemas)
        if isinstance(value, dict):
            return self._restore_object(value, expanded, levels)
        items = [
            self.restore(item, list(_schemas_of_item(index, expanded)), levels - 1) for index, item in enumerate(value)
        ]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value

    def has_required(self, arguments: dict[str, Any], schema: Schema) -> bool:
        """Whether what the schema and those that it refers to require is there, and is taken."""
        owners = self._collect([schema], self._list_parts)
        return all(
            name in arguments and self._accept(_schemas_of_property(name, owners)).takes(arguments[name])
            for owner in owners
            for name in (owner["required"] if isinstance(owner.get("required"), list) else [])
            if isinstance(name, str)
        )

    def _restore_object(self, value: dict[str, Any], schemas: list[Schema], levels: int) -> dict[str, Any]:
        restored = {
            name: self.restore(item, _schemas_of_property(name, schemas), levels - 1) for name, item in value.items()
        }
        nulls = self._find_missing_nulls(value, schemas)
        if not nulls and all(restored[name] is item for name, item in value.items()):
            return value
        return restored | nulls

    def _find_missing_nulls(self, value: dict[str, Any], schemas: list[Schema]) -> dict[str, None]:
        """The properties that must be null: the schema requires them, and functions left null out (`schema.optional`).

        Of alternatives only those count that the value may be of: a tag (`kind: "click"`) rules the others out.
        """
        owners = [
            schema
            for schema in schemas
            if isinstance(schema.get("properties"), dict) and not self._rules_out(schema, value)
        ]
        required = [schema["required"] if isinstance(schema.get("required"), list) else [] for schema in owners]
        if not required:
            return {}
        missing = [name for name in required[0] if isinstance(name, str) and name not in value]
        return {
            name: None
            for name in missing
            if all(name in names for names in required)
            and any(map(_takes_null, self._expand(_schemas_of_property(name, owners))))
        }

    def _rules_out(self, schema: Schema, value: dict[str, Any]) -> bool:
        """Whether a property has a value that this schema's constants and enums do not allow."""
        for name, described in schema["properties"].items():
            given = value.get(name)
            if not isinstance(given, str | bool | int | float):
                continue
            typed = [inner for inner in self._expand([described]) if allowed_values(inner) or declared_types(inner)]
            allowed = [{write_enum_value(one) for one in allowed_values(inner)} for inner in typed]
            if allowed and all(allowed) and not any(write_enum_value(given) in texts for texts in allowed):
                return True
        return False

    def _accept(self, schemas: list[Any]) -> Accepted:
        """What any of these schemas takes: found once."""
        key = tuple(map(id, schemas))
        if key not in self._accepted:
            self._accepted[key] = self._acceptance.read(schemas)
        return self._accepted[key]

    def _spend(self) -> bool:
        self._schemas_left -= 1
        return self._schemas_left > 0

    def _expand(self, schemas: list[Any]) -> list[Schema]:
        """These schemas, the targets of their references and their branches: each once, found once."""
        key = tuple(map(id, schemas))
        if key not in self._expanded:
            self._expanded[key] = self._collect(schemas, self._list_branches)
        return self._expanded[key]

    def _collect(self, schemas: list[Any], list_inner: Callable[[Schema], Iterable[Any]]) -> list[Schema]:
        collected: dict[int, Schema] = {}
        waiting = [*schemas]
        while waiting and self._schemas_left > 0:
            schema = waiting.pop()
            self._spend()
            if isinstance(schema, dict) and id(schema) not in collected:
                collected[id(schema)] = schema
                waiting.extend(list_inner(schema))
        return list(collected.values()) if self._schemas_left > 0 else []

    def _list_parts(self, schema: Schema) -> Iterator[Any]:
        """The schemas that hold whatever the value is."""
        for key in REFERENCE_KEYWORDS:
            if isinstance(schema.get(key), str):
                yield self._targets.find(schema[key], schema)
        if isinstance(schema.get("allOf"), list):
            yield from schema["allOf"]

    def _list_branches(self, schema: Schema) -> Iterator[Any]:
        """These, and the alternatives."""
        yield from self._list_parts(schema)
        for key in UNION_KEYWORDS:
            if isinstance(schema.get(key), list):
                yield from schema[key]
        for key in _CONDITION_KEYWORDS:
            yield schema.get(key)
        for key in ("dependentSchemas", "dependencies"):
            if isinstance(schema.get(key), dict):
                yield from schema[key].values()


def _schemas_of_property(name: str, schemas: list[Schema]) -> list[Any]:
    """What the schemas say of a property. Only plain patterns (`^id_`) are matched: all others count.

    `additionalProperties` of one branch say nothing of a name that another has: the function's schema has it there.
    """
    found: list[Any] = []
    additional: list[Any] = []
    for schema in schemas:
        properties = schema.get("properties")
        if isinstance(properties, dict) and name in properties:
            found.append(properties[name])
            continue
        patterns = schema.get("patternProperties")
        if isinstance(patterns, dict):
            found.extend(inner for pattern, inner in patterns.items() if _may_match(pattern, name))
        additional.append(schema.get("additionalProperties"))
    return found or additional


def _schemas_of_item(index: int, schemas: list[Schema]) -> Iterator[Any]:
    """What the schemas say of an array's item."""
    for schema in schemas:
        items = schema.get("items")
        places = items if isinstance(items, list) else schema.get("prefixItems")
        if isinstance(places, list) and index < len(places):
            yield places[index]
        elif isinstance(items, list):
            yield schema.get("additionalItems")
        else:
            yield items
        yield schema.get("contains")


@lru_cache(256)
def _read_plain_pattern(pattern: str) -> tuple[str, str, str] | None:
    """Whether a pattern binds the beginning, its text, whether it binds the end; None for any other pattern."""
    plain = _PLAIN_PATTERN.fullmatch(pattern)
    return (plain[1], plain[2], plain[3]) if plain else None


def _may_match(pattern: str, name: str) -> bool:
    """Whether a name may be one of a pattern's. A stranger's expression is not run: it may take hours."""
    plain = _read_plain_pattern(pattern)
    if plain is None:
        return True
    begins, text, ends = plain
    if begins and ends:
        return name == text
    return name.startswith(text) if begins else name.endswith(text) if ends else text in name


def _restore_text(text: str, accepted: Accepted) -> Any:
    """The value that is written as this text, where that is taken and the text itself is not."""
    if accepted.takes(text):
        return text
    if listed := accepted.find_written(text):
        return listed[0]
    value = _read_value(text)
    if not accepted.takes(value):
        return text
    if isinstance(value, float) and "number" not in accepted.types and value.is_integer():
        return int(value)
    return value


def _read_value(text: str) -> Any:
    """The value that a text says; the text itself where it says none."""
    if (word := text.strip().lower()) in _WORDS:
        return _WORDS[word]
    if not _JSON.match(text):
        return text
    try:
        return big_integers.loads_raw(text)
    except ValueError:
        return text


def _takes_null(schema: Schema) -> bool:
    return "null" in declared_types(schema) or schema.get("nullable") is True or None in allowed_values(schema)
