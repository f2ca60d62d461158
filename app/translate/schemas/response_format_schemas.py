"""Schemas of `response_format`: GigaChat takes `$defs`, `$ref`, `anyOf` and null there, so they stay as they are.

A reference that is no pointer from the root becomes one, and names that pointers would begin at are left out. What is
no JSON Schema is corrected, and what can't be sent is refused. The client decides whether `required` is there: without
it GigaChat answers any JSON object, with it and `strict` exactly the properties, the optional ones too.
Source: docs/gigachat-api.md, "Structured output", [SPEC26] and [LIVE-K].
"""

from __future__ import annotations

from typing import Any

from app.errors import INVALID_VALUE, GatewayError
from app.translate.dialogue import Note
from app.translate.schemas.keywords import (
    ABSENT,
    DEFINITION_KEYWORDS,
    IDENTIFIER_KEYWORDS,
    MAP_KEYWORDS,
    REFERENCE_KEYWORDS,
    SCHEMA_KEYWORDS,
    UNION_KEYWORDS,
    Absent,
    Schema,
    correct_keyword,
)
from app.translate.schemas.positions import Position
from app.translate.schemas.reference_targets import ReferenceTargets
from app.translate.schemas.repair_cache import cache_repairs
from app.translate.schemas.repair_notes import RepairNotes
from app.translate.schemas.schema_limits import MAX_DEPTH

_WITH_SCHEMA = frozenset({*SCHEMA_KEYWORDS, "additionalItems", "not", "if", "then", "else"})
_WITH_LIST = frozenset({*UNION_KEYWORDS, "allOf", "prefixItems", "items"})
_WITH_MAP = frozenset({*MAP_KEYWORDS, *DEFINITION_KEYWORDS, "dependentSchemas"})


@cache_repairs
def repair_response_format(schema: Any, path: str) -> tuple[Schema, list[Note]]:
    """A format's schema as GigaChat takes it, and the notes of its repair.

    `path` is where it stood in the client's body. No schema, or an empty one, asks for any object. What is right
    already is given back as it came, the same object. Raises GatewayError for what can't be sent.
    """
    if schema is not None and not isinstance(schema, dict):
        raise GatewayError(INVALID_VALUE, f"'{path}' must be a JSON Schema, which is an object.", param=path)
    notes = RepairNotes(path)
    correction = _Correction(schema, path, notes)
    corrected = correction.correct(schema, Position()) if schema else schema
    if not corrected:
        notes.add("schema.empty")
        corrected = {"type": "object"}
    return corrected, notes.to_list()


class _Correction:
    """One pass over a document; whatever is right stays the same object."""

    def __init__(self, document: Any, path: str, notes: RepairNotes) -> None:
        self._path = path
        self._notes = notes
        self._targets = ReferenceTargets(document)

    def correct(self, schema: Schema, position: Position) -> Schema:
        """A schema without what is no JSON Schema."""
        if position.depth > MAX_DEPTH:
            raise self._invalid(f"is nested deeper than {MAX_DEPTH} schemas.")
        changed: Schema = {}
        for key, given in schema.items():
            value, rule = correct_keyword(key, given)
            if rule:
                self._notes.add(rule, position.path)
            if key in REFERENCE_KEYWORDS and value is not ABSENT:
                value = self._correct_reference(key, value, schema, changed, position)
            elif key in IDENTIFIER_KEYWORDS and position.depth and self._misleads():
                self._notes.add("schema.pointer", position.path)
                value = ABSENT
            value = self._correct_inner(key, value, position)
            if value is not given:
                changed[key] = value
        if not changed:
            return schema
        return {key: value for key, value in {**schema, **changed}.items() if value is not ABSENT}

    def _correct_reference(
        self, key: str, reference: str, schema: Schema, changed: Schema, position: Position
    ) -> str | Absent:
        """A reference as a pointer from the root, under `$ref`. Raises GatewayError for one without a target."""
        pointer = self._targets.find_pointer(reference, schema)
        if pointer is None:
            raise self._invalid("has a $ref that leads nowhere in this schema.")
        if pointer != reference or key != "$ref":
            self._notes.add("schema.pointer", position.path)
        if key != "$ref":
            changed["$ref"] = schema.get("$ref") or pointer
            return ABSENT
        return pointer

    def _misleads(self) -> bool:
        """Whether the document has references: one below a name would begin at that name."""
        return self._targets.index.has_references

    def _correct_inner(self, key: str, value: Any, position: Position) -> Any:
        """Correct the schemas in a keyword's value."""
        if isinstance(value, dict):
            if key in _WITH_SCHEMA:
                return self.correct(value, position.below(key))
            if key in _WITH_MAP:
                corrected = {name: self._correct_value(inner, position.below(name)) for name, inner in value.items()}
                return corrected if any(corrected[name] is not inner for name, inner in value.items()) else value
        elif isinstance(value, list) and key in _WITH_LIST:
            items = [self._correct_value(inner, position.below(key)) for inner in value]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        return value

    def _correct_value(self, value: Any, position: Position) -> Any:
        return self.correct(value, position) if isinstance(value, dict) else value

    def _invalid(self, message: str) -> GatewayError:
        return GatewayError(INVALID_VALUE, f"'{self._path}' {message}", param=self._path)
