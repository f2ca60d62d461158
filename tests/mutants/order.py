"""The order of one mutant's tests, for pytest: the long ones come last, since the first failure ends the run."""

from __future__ import annotations

import pytest

_LONG = ("time", "bounded", "megabyte", "big")  # in the names of tests that measure


def _length(item: pytest.Item) -> int:
    """One example, a measurement, many examples."""
    if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
        return 2
    return int(any(word in item.name for word in _LONG))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Called by pytest."""
    items.sort(key=_length)
