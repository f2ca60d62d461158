"""Positions of schemas and their written paths."""

from __future__ import annotations

from app.translate.schemas.positions import Position, write_path


def test_a_position_below() -> None:
    """It is one schema deeper, has one step more, and stands inside the same targets."""
    inner = Position(2, (7,), (None, "a")).below("b", is_property=True)
    assert inner == Position(3, (7,), ((None, "a"), "b"), is_property=True)
    assert not inner.below("c").is_property


def test_written_paths() -> None:
    """Each step stands behind a dot and is cut at 64 characters; the root has no path."""
    assert write_path(None) == ""
    assert write_path(Position().below("a").below("b" * 1000).path) == ".a." + "b" * 64
