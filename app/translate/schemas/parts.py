"""The parts that one schema is made of, as one: its own keywords, its `$ref`'s target, the branches of `allOf`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from app.translate.schemas.references import References
from app.translate.schemas.rules import (
    ABSENT,
    DEFINITIONS,
    MAPS,
    ONE,
    REFERENCES,
    UNIONS,
    Place,
    Schema,
    Told,
    mended,
    text,
)

_SCHEMAS = frozenset({*ONE, *MAPS, "prefixItems", "additionalItems"})  # they are paid for where they are repaired


@dataclass(slots=True)
class Parts:
    """What all parts say together. A property that several parts describe has several schemas: all hold."""

    keys: Schema = field(default_factory=dict)
    properties: dict[str, list[Any]] = field(default_factory=dict)
    unions: list[list[Any]] = field(default_factory=list)
    inside: tuple[int, ...] = ()
    plain: str | None = None  # a part was cut off: the type that it had
    endless: bool = False  # it was cut off because it contains itself


class Gathering:
    """Gathers the parts of schemas of one document, as long as the budget lasts."""

    def __init__(self, document: Schema, budget: int, nested: int, told: Told) -> None:
        self.left = budget
        self.told = told
        self._nested = nested
        self._references = References(document)

    def gather(self, schemas: Iterable[Any], place: Place) -> Parts:
        """Take the schemas apart; siblings of a `$ref` go before its target."""
        parts = Parts(inside=place.inside)
        waiting = [schema for schema in schemas if isinstance(schema, dict)][::-1]
        while waiting and self.left > 0:
            schema = waiting.pop()
            self.left -= 2
            waiting.extend(reversed(self._take(schema, parts, place)))
        if waiting:
            self.told("schema.size", place.way)
        return parts

    def _take(self, schema: Schema, parts: Parts, place: Place) -> list[Schema]:
        """Put one schema's keywords into the parts; gives the further parts that it names."""
        further: list[Schema] = []
        for key, given in schema.items():
            value, rule = mended(key, given)
            if rule:
                self.told(rule, place.way)
            if value is ABSENT or key in DEFINITIONS or key == "discriminator":  # its targets go with the definitions
                continue
            if key in REFERENCES:
                further.extend(self._follow(value, parts, place))
            elif key == "allOf":
                self.told("schema.allof", place.way)
                further.extend(one for one in value if isinstance(one, dict))
            elif key == "properties":
                self.left -= len(value) // 16
                for name, one in value.items():
                    parts.properties.setdefault(name, []).append(one)
                parts.keys.setdefault("properties", {})
            elif not self._alternatives(key, value, parts, place):
                if key not in _SCHEMAS:
                    self.left -= cost(value)
                self.left -= _join(parts.keys, key, value)
        return further

    def _alternatives(self, key: str, value: Any, parts: Parts, place: Place) -> bool:
        """Unions, and conditions, which are unions with a branch that adds nothing."""
        if key in UNIONS:
            parts.unions.append(value)
        elif key in ("then", "else"):
            parts.unions.append([value, {}])
        elif key in ("dependentSchemas", "dependencies"):
            parts.unions.extend([one, {}] for one in value.values() if isinstance(one, dict))
        elif key not in ("if", "not"):
            return False
        if key not in UNIONS:
            self.told("schema.not" if key == "not" else "schema.condition", place.way)
        return True

    def _follow(self, reference: str, parts: Parts, place: Place) -> list[Schema]:
        self.told("schema.ref", place.way)
        target = self._references.target(reference)
        if isinstance(target, dict):
            if id(target) in parts.inside[len(place.inside) :]:
                return []  # said already
            if place.inside.count(id(target)) < self._nested:
                self.left -= len(parts.inside) // 16
                parts.inside = (*parts.inside, id(target))
                return [target]
            self.told("schema.cycle", place.way)
            parts.plain = "array" if target.get("type") == "array" else "object"
            parts.endless = True
        elif target is None:
            self.told("schema.unresolved", place.way)
            parts.plain = "object"
        return []


def cost(value: Any) -> int:
    """What a value costs: its size, about."""
    size, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            size += len(one)
        elif isinstance(one, list):
            size += 16 * len(one)
            waiting.extend(one)
        elif isinstance(one, dict):
            size += 16 * len(one) + sum(map(len, one))
            waiting.extend(one.values())
    return size // 64


def _both(first: Any, second: Any) -> Any:
    """Two schemas that hold together; one says more than a boolean does."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first if first is second else {"allOf": [first, second]}
    return first if isinstance(first, dict) else second


def _items(first: Any, second: Any) -> Any:
    """Two kinds of items. A tuple's places need not be kept apart: its items get one schema."""
    if isinstance(first, list) or isinstance(second, list):
        return [*(first if isinstance(first, list) else [first]), *(second if isinstance(second, list) else [second])]
    return _both(first, second)


def _named(first: Schema, second: Schema) -> Schema:
    shared = first.keys() & second.keys()
    return {**first, **second, **{name: _both(first[name], second[name]) for name in shared}}


def _rest(first: Any, second: Any) -> Any:
    """`additionalProperties` of two parts; those that are closed each on its own can't hold the other's properties."""
    return first if first is second else _both(first, second) or True


def _common(first: list[Any], second: list[Any]) -> list[Any]:
    known = {text(value) for value in second}
    return [value for value in first if text(value) in known] or first


def _types(first: Any, second: Any) -> Any:
    one = first if isinstance(first, list) else [first]
    other = second if isinstance(second, list) else [second]
    if "integer" in other and "number" in one:
        one = [*one, "integer"]
    if "integer" in one and "number" in other:
        other = [*other, "integer"]
    shared = [word for word in one if word in other]
    return shared[0] if len(shared) == 1 else shared or first


# How two parts' words about one matter are joined; of all else the first word stands.
_JOINS: dict[str, Callable[[Any, Any], Any]] = {
    "type": _types,
    "enum": _common,
    "required": lambda first, second: list(dict.fromkeys([*first, *second])),
    **dict.fromkeys(ONE, _both),
    **dict.fromkeys(("items", "prefixItems"), _items),
    "additionalItems": _both,
    "additionalProperties": _rest,
    "patternProperties": _named,
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
}


def _join(keys: Schema, key: str, value: Any) -> int:
    """Put in what a part says; what it costs to go through both words, where there was one already."""
    if key not in keys:
        keys[key] = value
        return 0
    if key in _JOINS:
        before = keys[key]
        keys[key] = _JOINS[key](before, value)
        if isinstance(before, list | dict):
            return len(before) // 16
    return 0
