"""Counts of the last while: what they hold, and when it is forgotten."""

from __future__ import annotations

import pytest

from app.admission.recent_counts import RecentCounts


@pytest.mark.parametrize(
    ("later", "expected"),
    [(10.0, [0, 1, 2, 0]), (19.9, [0, 1, 2, 0]), (20.0, [1, 2, 0, 0]), (40.0, [0, 0, 0, 0]), (1e9, [0, 0, 0, 0])],
)
def test_what_is_older_than_all_parts_is_forgotten(later: float, expected: list[int]) -> None:
    """A part at a time, however long nobody has counted."""
    counts = RecentCounts(4, 10.0)
    counts.begin_parts(100.0)
    counts.all[-1] = counts.some[-1] = 1
    counts.begin_parts(110.0)
    counts.all[-1] = counts.some[-1] = 2
    counts.begin_parts(110.0 + later)
    assert counts.all == counts.some == expected
    assert 110.0 + later < counts.part_ends <= 110.0 + later + 10.0
