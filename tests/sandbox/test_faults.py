"""The table of faults, and how often a fault fires."""

from __future__ import annotations

from typing import Any

import pytest

from app.sandbox.faults import KINDS, Faults, UnknownFault


def test_each_kind_is_explained() -> None:
    """Every row has a line of explanation."""
    assert all(kind.description.endswith(".") for kind in KINDS.values())


def test_fires_so_many_times() -> None:
    """A fault fires `times` times at its place, then it is gone."""
    faults = Faults()
    faults.add("down", "chat", times=2)
    assert faults.fire("down", "models") is None
    assert faults.fire("slow", "chat") is None
    assert faults.fire("down", "chat") is not None
    assert len(faults) == 1
    assert faults.fire("down", "chat") is not None
    assert faults.fire("down", "chat") is None
    assert list(faults) == []


def test_stands_until_cleared() -> None:
    """Without a number a fault stands everywhere until it is cleared."""
    faults = Faults()
    fault = faults.add("slow", times=None, seconds=2)
    assert faults.fire("slow", "oauth") is faults.fire("slow", "chat") is fault
    assert fault.describe() == {"where": "any", "kind": "slow", "times": None, "fired": 2, "seconds": 2}
    faults.clear()
    assert faults.fire("slow", "oauth") is None


@pytest.mark.parametrize(
    "wish",
    [
        {"kind": "nonsense"},
        {"kind": "down", "where": "nowhere"},
        {"kind": "end", "where": "oauth"},
        {"kind": "seconds_unit", "where": "chat"},
        {"kind": "down", "times": 0},
        {"kind": "down", "times": True},
        {"kind": "down", "seconds": 1.0},
        {"kind": "slow", "seconds": "1"},
        {"kind": "status", "status": "500"},
        {"kind": "status", "html": 1},
        {"kind": "files_lost", "where": "files"},
        {"kind": "call_pieces", "how": "nonsense"},
        {"kind": "call_pieces", "state": "nowhere"},
        {"kind": "call_pieces", "size": 0},
        {"kind": "call_leaked", "form": "smoke"},
        {"kind": "slow", "seconds": 1e300},
        {"kind": "stall", "after": -1},
        {"kind": "status", "status": -1},
        {"kind": "status", "status": 1000},
        {"kind": "status", "headers": {"Retry-After": 7}},
        {"kind": "status", "headers": {"a b": "c"}},
        {"kind": "status", "headers": {"a": "b\r\nc: d"}},
        {},
        {"kind": None},
        {"kind": "down", "times": "2"},
        {"kind": "down", "self": 1},
    ],
)
def test_refuses_what_no_row_has(wish: dict[str, Any]) -> None:
    """An unknown kind, place, number or parameter is refused, so that no test waits for a fault that can't fire."""
    with pytest.raises(UnknownFault):
        Faults().add(**wish)
