"""The times of the upstream room, as one value."""

from __future__ import annotations

from dataclasses import fields, replace

from app.upstream.times import TIMES


def test_every_time_is_positive_and_can_be_replaced() -> None:
    """A wiring changes one of them and keeps the rest."""
    changed = replace(TIMES, oauth=0.3)
    for item in fields(TIMES):
        value = getattr(TIMES, item.name)
        assert min(value if isinstance(value, tuple) else (value,)) > 0
        assert (getattr(changed, item.name) == value) is (item.name != "oauth")
