"""Which tests run at each change: all but those marked `long`; of a test with `samples` these cases alone."""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark as `long` each case that its test's `samples` do not name; a sample that is no case is an error."""
    missing: dict[str, set[str]] = {}
    for item in items:
        mark = item.get_closest_marker("samples")
        if mark is not None:
            test, _, case = item.nodeid.partition("[")
            missing.setdefault(test, set(mark.args)).discard(case.removesuffix("]"))
            if case.removesuffix("]") not in mark.args:
                item.add_marker("long")
    unknown = {test: cases for test, cases in missing.items() if cases}
    if unknown and not any("::" in path for path in config.args):
        raise pytest.UsageError(f"samples that are no cases of their test: {unknown}")
