"""Arguments of a call, turned back by the schema that the client gave.

Functions carry enums as strings (rule `schema.enum`): `"1"` for `Literal[1, 2]`. Where the client's own schema has the
value of another type, and would not take the string, the value is put back. Nothing else is altered or guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.translate.schemas.references import References
from app.translate.schemas.rules import BUDGET, REFERENCES, UNIONS, WORDS, Schema, text

_LEVELS = 100
_NESTED = (*UNIONS, "allOf")
_CONDITIONS = ("then", "else")


def restore_arguments(arguments: Any, schema: Any) -> Any:
    """The arguments as the client's schema has them; the same object if nothing is to be turned back."""
    if not isinstance(arguments, dict) or not isinstance(schema, dict):
        return arguments
    return _Restoring(schema).value(arguments, [schema], _LEVELS)


class _Restoring:
    """One pass over a value; the work is bounded by the budget."""

    def __init__(self, document: Schema) -> None:
        self._references = References(document)
        self._left = BUDGET
        self._found: dict[tuple[int, ...], list[Schema]] = {}

    def value(self, value: Any, schemas: list[Any], left: int) -> Any:
        """A value at a place that these schemas describe, whether all of them or one of several."""
        if not left or not isinstance(value, str | dict | list):
            return value
        known = self._known(schemas)
        if isinstance(value, str):
            return _turned(value, known)
        if isinstance(value, dict):
            inner = {name: self.value(one, _named(name, known), left - 1) for name, one in value.items()}
            inner.update(self._nulls(value, known))
            changed = len(inner) > len(value) or any(inner[name] is not one for name, one in value.items())
            return inner if changed else value
        items = [self.value(one, list(_placed(index, known)), left - 1) for index, one in enumerate(value)]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value

    def _nulls(self, value: dict[str, Any], known: list[Schema]) -> dict[str, None]:
        """What was left out because null had no type (rule `schema.optional`), and the client's schema demands.

        Of alternatives those count that the value may be of: a tag (`kind: "click"`) leaves the others out.
        """
        owners = [one for one in known if isinstance(one.get("properties"), dict) and not self._differs(value, one)]
        demands = [schema["required"] if isinstance(schema.get("required"), list) else [] for schema in owners]
        missing = [name for name in (demands[0] if demands else ()) if isinstance(name, str) and name not in value]
        return {
            name: None
            for name in missing
            if all(name in names for names in demands) and any(map(_takes_null, self._known(_named(name, owners))))
        }

    def _differs(self, value: dict[str, Any], schema: Schema) -> bool:
        """Whether a property has a value that this schema's constants and enums do not have."""
        for name, one in schema["properties"].items():
            if isinstance(said := value.get(name), str | bool | int | float):
                telling = [each for each in self._known([one]) if _values(each) or _kinds(each)]
                values = [[*map(text, _values(each))] for each in telling]
                if values and all(values) and not any(text(said) in few for few in values):
                    return True
        return False

    def _known(self, schemas: list[Any]) -> list[Schema]:
        """These schemas, the targets of their references and their branches: each once."""
        place = tuple(map(id, schemas))
        if place not in self._found:
            self._found[place] = self._searched(schemas)
        return self._found[place]

    def _searched(self, schemas: list[Any]) -> list[Schema]:
        known: dict[int, Schema] = {}
        waiting = [*schemas]
        while waiting and self._left > 0:
            schema = waiting.pop()
            self._left -= 1
            if isinstance(schema, dict) and id(schema) not in known:
                known[id(schema)] = schema
                waiting.extend(self._branches(schema))
        return list(known.values()) if self._left > 0 else []

    def _branches(self, schema: Schema) -> Iterator[Any]:
        for key in REFERENCES:
            if isinstance(schema.get(key), str):
                yield self._references.target(schema[key])
        for key in _NESTED:
            if isinstance(schema.get(key), list):
                yield from schema[key]
        for key in _CONDITIONS:
            yield schema.get(key)
        for key in ("dependentSchemas", "dependencies"):
            if isinstance(schema.get(key), dict):
                yield from schema[key].values()


def _named(name: str, schemas: list[Schema]) -> list[Any]:
    """What the schemas say of a property. Patterns are not matched: what stands under them is thought to hold.

    `additionalProperties` of one branch say nothing of a name that another has: the function's schema has it there.
    """
    found: list[Any] = []
    rest: list[Any] = []
    for schema in schemas:
        properties = schema.get("properties")
        if isinstance(properties, dict) and name in properties:
            found.append(properties[name])
            continue
        patterns = schema.get("patternProperties")
        found.extend(patterns.values() if isinstance(patterns, dict) else ())
        rest.append(schema.get("additionalProperties"))
    return found or rest


def _placed(index: int, schemas: list[Schema]) -> Iterator[Any]:
    """What the schemas say of an array's item."""
    for schema in schemas:
        items = schema.get("items")
        places = items if isinstance(items, list) else schema.get("prefixItems")
        if isinstance(places, list) and index < len(places):
            yield places[index]
        else:
            yield schema.get("additionalItems") if isinstance(items, list) else items
        yield schema.get("contains")


def _turned(value: str, schemas: list[Schema]) -> Any:
    """The value that stands as this text in an enum, unless the text itself is right here."""
    found: list[Any] = []
    for schema in schemas:
        values = _values(schema)
        if value in values or (not values and "string" in _kinds(schema)):
            return value
        found.extend(one for one in values if not isinstance(one, str) and text(one) == value)
    return found[0] if found else value


def _takes_null(schema: Schema) -> bool:
    return "null" in _kinds(schema) or schema.get("nullable") is True or None in _values(schema)


def _values(schema: Schema) -> list[Any]:
    if "const" in schema:
        return [schema["const"]]
    if isinstance(schema.get("enum"), list):
        return list(schema["enum"])
    return [None] if _kinds(schema) == ["null"] else []


def _kinds(schema: Schema) -> list[str]:
    told = schema.get("type")
    words = told if isinstance(told, list) else [told]
    return [WORDS.get(word.lower(), word) for word in words if isinstance(word, str)]
