"""How tests run for one mutant, a plugin of pytest's: nothing cached, and the long ones last.

The first failure ends the run. A schema that another test has had repaired would hide the mutant that repairs it wrong.
"""

from __future__ import annotations

import pytest

from app.translate.schemas import repair_cache


def _many(item: pytest.Item) -> bool:
    """Whether a test has many examples."""
    return bool(getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Called by pytest."""
    items.sort(key=_many)


@pytest.fixture(autouse=True)
def _forgetful(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No schema is short enough to be cached, but for the tests of the cache itself."""
    if request.node.path.stem != "test_repair_cache":
        monkeypatch.setattr(repair_cache, "MAX_SCHEMA_BYTES", -1)
