"""A cache of repaired schemas: an agent sends the same ten to twenty-five with every turn.

To write a schema as JSON and look it up costs a fiftieth of its repair. The cache is bounded in number and in size. An
outcome depends on nothing but the schema and the numbers given with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, wraps
from typing import Any

import orjson

from app.errors import GatewayError
from app.translate.dialogue import Note
from app.translate.schemas.keywords import Schema
from app.translate.schemas.schema_limits import measure_cost

Outcome = tuple[Schema, list[Note]]
Repair = Callable[..., Outcome]  # of a schema, its path, and the numbers that the outcome depends on

MAX_SCHEMAS = 256
MAX_SCHEMA_BYTES = 8 * 1024  # a longer schema is repaired each time,
MAX_OUTCOME_COST = 400  # and so is one whose outcome costs more than that: 25 KB of text, about


class _TooLargeToCache(Exception):
    """Carries an outcome past the cache, which keeps only what is returned."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def cache_repairs(repair: Repair) -> Repair:
    """The same repair, done once for equal schemas.

    All callers share an outcome: it must not be altered.
    """

    @lru_cache(MAX_SCHEMAS)
    def repair_document(document: bytes, *numbers: int) -> tuple[Schema | None, list[Note]]:
        """The outcome for a schema written as JSON; None instead of a schema that needs no repair."""
        schema = orjson.loads(document)
        repaired, notes = repair(schema, "", *numbers)
        if repaired is schema:
            return None, notes
        if measure_cost(repaired) > MAX_OUTCOME_COST:
            raise _TooLargeToCache((repaired, notes))
        return repaired, notes

    @wraps(repair)
    def repair_once(schema: Any, path: str, *numbers: int) -> Outcome:
        try:
            document = orjson.dumps(schema)
        except TypeError:  # it is deeper than orjson writes, or has numbers of more than 64 bits
            return repair(schema, path, *numbers)
        if len(document) > MAX_SCHEMA_BYTES:
            return repair(schema, path, *numbers)
        try:
            repaired, notes = repair_document(document, *numbers)
        except GatewayError:  # the error must name this path
            return repair(schema, path, *numbers)
        except _TooLargeToCache as passed:
            repaired, notes = passed.outcome
        own_notes = [replace(note, path=f"{path}{note.path}") for note in notes] if notes else []
        return (schema if repaired is None else repaired), own_notes

    return repair_once
