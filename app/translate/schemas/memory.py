"""Remembers what became of schemas: an agent sends the same ten to twenty-five with every turn.

To write a schema as JSON and look it up costs a fiftieth of its repair. What is remembered is bounded in number and
in size, and depends on nothing but the schema and the numbers given with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, wraps
from typing import Any

import orjson

from app.errors import GatewayError
from app.translate.dialogue import Note
from app.translate.schemas.parts import cost
from app.translate.schemas.rules import Schema

Outcome = tuple[Schema, list[Note]]
Work = Callable[..., Outcome]  # of a schema, its path, and numbers that it depends on

SCHEMAS = 256
BYTES = 8 * 1024  # longer ones are worked on each time,
COST = 400  # and so are those that grow: 25 KB of text, about


class _Passing(Exception):
    """An outcome that is too large to be kept."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def remembered(work: Work) -> Work:
    """The same work, done once for schemas that are equal.

    What is given back belongs to all who ask: it must not be altered.
    """

    @lru_cache(SCHEMAS)
    def known(document: bytes, *numbers: int) -> tuple[Schema | None, list[Note]]:
        schema = orjson.loads(document)
        done, notes = work(schema, "", *numbers)
        if done is schema:
            return None, notes
        if cost(done) > COST:
            raise _Passing((done, notes))
        return done, notes

    @wraps(work)
    def outcome(schema: Any, path: str, *numbers: int) -> Outcome:
        try:
            document = orjson.dumps(schema)
        except TypeError:  # deeper than JSON is written, or numbers of more than 64 bits
            return work(schema, path, *numbers)
        if len(document) > BYTES:
            return work(schema, path, *numbers)
        try:
            done, notes = known(document, *numbers)
        except GatewayError:  # it is to name the path
            return work(schema, path, *numbers)
        except _Passing as passing:
            done, notes = passing.outcome
        return (schema if done is None else done), [replace(note, path=f"{path}{note.path}") for note in notes]

    return outcome
