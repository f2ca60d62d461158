"""What is remembered of formats: whose it is, for how long, and how much of it."""

from __future__ import annotations

import pytest

from app.exchange import format_memory
from app.exchange.format_memory import SECONDS, FormatMemory

SCHEMA = {"type": "object", "properties": {"a": {}}}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as its one item."""
    now = [10_000.0]
    monkeypatch.setattr(format_memory, "monotonic", lambda: now[0])
    return now


def test_two_answers_in_prose_count_for_an_hour(clock: list[float]) -> None:
    """Then the model is tried anew, and one answer is none."""
    memory = FormatMemory()
    memory.record_prose("t", "m")
    assert not memory.avoids("t", "m", SCHEMA)
    memory.record_prose("t", "m")
    assert memory.avoids("t", "m", SCHEMA)
    assert not memory.avoids("t", "m", None)
    clock[0] += SECONDS
    assert not memory.avoids("t", "m", SCHEMA)
    memory.record_prose("t", "m")
    assert not memory.avoids("t", "m", SCHEMA)


def test_two_answers_with_an_hour_between_are_none_in_a_row(clock: list[float]) -> None:
    """Old prose says nothing of a model's present build."""
    memory = FormatMemory()
    memory.record_prose("t", "m")
    clock[0] += SECONDS
    memory.record_prose("t", "m")
    assert not memory.avoids("t", "m", SCHEMA)


def test_one_success_forgets_prose(clock: list[float]) -> None:
    """It does not forget a refused schema."""
    memory = FormatMemory()
    memory.record_success("t", "m")
    memory.record_refusal("t", "m", SCHEMA)
    memory.record_prose("t", "m")
    memory.record_success("t", "m")
    memory.record_prose("t", "m")
    assert not memory.avoids("t", "m", {"type": "array"})
    assert memory.avoids("t", "m", {"properties": {"a": {}}, "type": "object"})
    clock[0] += SECONDS
    assert not memory.avoids("t", "m", SCHEMA)


def test_what_one_tenant_does_changes_nothing_for_others() -> None:
    """Neither its prose nor its schemas."""
    memory = FormatMemory()
    for _ in range(5):
        memory.record_prose("mallory", "m")
        memory.record_refusal("mallory", "m", SCHEMA)
    assert memory.avoids("mallory", "m", SCHEMA)
    assert not memory.avoids("alice", "m", SCHEMA)
    assert not memory.avoids("mallory", "n", SCHEMA)


def test_it_is_bounded() -> None:
    """The oldest are forgotten, of schemas and of tenants."""
    memory = FormatMemory()
    for number in range(100):
        memory.record_refusal("t", "m", {"number": number})
    assert [memory.avoids("t", "m", {"number": number}) for number in (0, 99)] == [False, True]
    for number in range(2000):
        memory.record_refusal(f"t{number}", "m", SCHEMA)
    assert [memory.avoids(f"t{number}", "m", SCHEMA) for number in (0, 1999)] == [False, True]
    memory.clear()
    assert not memory.avoids("t1999", "m", SCHEMA)
