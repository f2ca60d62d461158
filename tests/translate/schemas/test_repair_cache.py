"""What is remembered of schemas, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import INVALID_VALUE, GatewayError
from app.translate.dialogue import Note
from app.translate.schemas.keywords import Schema
from app.translate.schemas.repair_cache import MAX_SCHEMA_BYTES, cache_repairs

calls: list[Any] = []


@cache_repairs
def work(schema: Any, path: str) -> tuple[Schema, list[Note]]:
    """Refuses what is no object; leaves alone what is empty; multiplies the rest by its `n`."""
    calls.append(schema)
    if not isinstance(schema, dict):
        raise GatewayError(INVALID_VALUE, "no object", param=path)
    return ({"a": "x" * schema["n"]}, [Note("adapted", "rule", f"{path}.a")]) if schema else (schema, [])


@pytest.fixture(autouse=True)
def _fresh() -> None:
    calls.clear()


def test_done_once() -> None:
    """Equal schemas are worked on once; each note has the asker's path."""
    assert work({"n": 1}, "p") == ({"a": "x"}, [Note("adapted", "rule", "p.a")])
    assert work({"n": 1}, "q") == ({"a": "x"}, [Note("adapted", "rule", "q.a")])
    assert calls == [{"n": 1}]


def test_what_was_right_is_the_askers_own() -> None:
    """Unaltered schemas are given back, not an equal one of another request."""
    for _ in range(2):
        schema: Schema = {}
        assert work(schema, "p")[0] is schema


def test_errors_name_the_asker() -> None:
    """A refusal is told with the path of this request, each time."""
    for path in ("p", "q"):
        with pytest.raises(GatewayError) as told:
            work([], path)
        assert told.value.param == path


@pytest.mark.parametrize("schema", [{"n": 10**6}, {"n": 1, "long": "x" * MAX_SCHEMA_BYTES}, {"n": 1, "number": 2**70}])
def test_not_kept(schema: Schema) -> None:
    """What is long, grows, or can't be written as JSON is worked on each time."""
    for _ in range(2):
        assert work(schema, "p")[1] == [Note("adapted", "rule", "p.a")]
    assert len(calls) == 2
