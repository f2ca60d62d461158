"""The dialect of `response_format`: GigaChat takes `$defs`, `$ref`, `anyOf` and null, so they stay as they are.

Only what is no JSON Schema is mended, and what can't be sent is refused. Whether `required` is there is left to the
client: without it GigaChat answers any JSON object, with it and `strict` exactly the properties, the optional ones
too. Source: gigachat-api 5.5, [SPEC26] and [LIVE-K].
"""

from __future__ import annotations

from typing import Any

from app.errors import INVALID_VALUE, GatewayError
from app.translate.dialogue import Note
from app.translate.schemas.memory import remembered
from app.translate.schemas.references import References
from app.translate.schemas.rules import (
    ABSENT,
    DEFINITIONS,
    DEPTH,
    MAPS,
    ONE,
    REFERENCES,
    UNIONS,
    Place,
    Schema,
    Told,
    mended,
)

_ONE = frozenset({*ONE, "additionalItems", "not", "if", "then", "else"})
_LISTS = frozenset({*UNIONS, "allOf", "prefixItems", "items"})
_NAMED = frozenset({*MAPS, *DEFINITIONS, "dependentSchemas"})


@remembered
def response_format_schema(schema: Any, path: str) -> tuple[Schema, list[Note]]:
    """A format's schema as GigaChat takes it; `path` is where it stood in the client's body.

    No schema, or an empty one, asks for any object. What is right already is given back as it came.
    """
    if schema is not None and not isinstance(schema, dict):
        raise GatewayError(INVALID_VALUE, f"'{path}' must be a JSON Schema, which is an object.", param=path)
    mending = _Mending(schema, path)
    fixed = mending.mend(schema, Place(0, (), None)) if schema else schema
    if not fixed:
        mending.told("schema.empty")
        fixed = {"type": "object"}
    return fixed, mending.told.notes()


class _Mending:
    """One pass over a document; whatever is right stays the same object."""

    def __init__(self, document: Any, path: str) -> None:
        self.told = Told(path)
        self._path = path
        self._references = References(document)

    def mend(self, schema: Schema, place: Place) -> Schema:
        """A schema without what is no JSON Schema."""
        if place.depth > DEPTH:
            raise self._refused(f"is nested deeper than {DEPTH} schemas.")
        changed: Schema = {}
        for key, given in schema.items():
            value, rule = mended(key, given)
            if rule:
                self.told(rule, place.way)
            if key in REFERENCES and value is not ABSENT:
                self._follow(value)
            value = self._inner(key, value, place)
            if value is not given:
                changed[key] = value
        if not changed:
            return schema
        return {key: value for key, value in {**schema, **changed}.items() if value is not ABSENT}

    def _follow(self, reference: str) -> None:
        """A reference must lead somewhere; the names of anchors are believed."""
        named = reference.startswith("#") and not reference.startswith("#/")
        if not named and self._references.target(reference) is None:
            raise self._refused("has a $ref that leads nowhere in this schema.")

    def _inner(self, key: str, value: Any, place: Place) -> Any:
        """The schemas in a keyword's value."""
        if isinstance(value, dict):
            if key in _ONE:
                return self.mend(value, place.below(key))
            if key in _NAMED:
                return self._same(value, {name: self._one(one, place.below(name)) for name, one in value.items()})
        elif isinstance(value, list) and key in _LISTS:
            return self._same(value, [self._one(one, place.below(key)) for one in value])
        return value

    def _one(self, schema: Any, place: Place) -> Any:
        return self.mend(schema, place) if isinstance(schema, dict) else schema

    @staticmethod
    def _same(old: Any, new: Any) -> Any:
        """The old container if nothing in it was altered."""
        pairs = zip(old.values(), new.values(), strict=True) if isinstance(old, dict) else zip(old, new, strict=True)
        return old if all(one is other for one, other in pairs) else new

    def _refused(self, message: str) -> GatewayError:
        return GatewayError(INVALID_VALUE, f"'{self._path}' {message}", param=self._path)
