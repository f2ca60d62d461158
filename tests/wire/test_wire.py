"""The recorder itself: equal trees give equal records, and what differs is found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from .cases import Case, Group, Step, ask, both, case, fault, get, tool
from .comparison import differences
from .corpus import GROUPS
from .processes import Tree
from .recorder import record

ROOT = Path(__file__).resolve().parents[2]
HANDFUL = Group(
    "handful",
    (
        *both("plain", ask("привет", seed=1)),
        case("a call", ask("sandbox:call f", tools=[tool("f")], n=2)),
        *both("refused", ask("привет"), faults=(fault("status", status=429),)),
        Case("a client that leaves", (Step(ask("sandbox:long 9", stream=True), leave=2, faults=(fault("stall"),)),)),
        get("health", "/health"),
    ),
)


def recorded(group: Group) -> dict[str, Mapping[str, Any]]:
    """What this tree brings for a group."""
    found: list[Mapping[str, Any]] = []
    record(Tree(ROOT), [group], found.append)
    return {one["request"]: one for one in found}


@pytest.mark.long
def test_a_tree_equals_itself_and_nothing_else() -> None:
    """Two records of one tree are equal; another setting is seen in all parts that it changes, and nowhere else."""
    first = recorded(HANDFUL)
    assert list(differences(first, recorded(HANDFUL))) == []
    answered = [one for one in first.values() if "status" in one]
    assert [one["status"] for one in answered] == [200, 200, 200, 429, 429, 200, 200]
    assert all(
        {"headers", "body", "upstream", "log", "metrics"} <= one.keys() for one in first.values() if "status" in one
    )

    planted = recorded(replace(HANDFUL, cases=HANDFUL.cases[:1], settings={"GPT2GIGA_STRICT": "true"}))
    found = list(differences({name: first[name] for name in planted}, planted))
    parts = {text.splitlines()[0].rpartition("· ")[2] for text in found if text.startswith("=== handful / plain")}
    assert parts == {"status", "headers", "body", "upstream", "log", "metrics"}
    assert any("-200\n+400\n" in text for text in found)


def test_the_corpus_is_large_and_each_request_has_a_name_of_its_own() -> None:
    """Whole and streamed, errors included."""
    names = [f"{group.name} / {one.name}" for group in GROUPS for one in group.cases]
    assert len(names) == len(set(names)) > 1000
