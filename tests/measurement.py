"""What coverage measures: each room's code by that room's own tests. Measuring takes as long again as the tests do."""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest

_TESTS = Path(__file__).resolve().parent
_APP = _TESTS.parent / "app"


@contextmanager
def unmeasured() -> Iterator[None]:
    """Stop the measurement, if there is one."""
    module = sys.modules.get("coverage")
    running = module.Coverage.current() if module else None
    if running is None:
        yield
        return
    running.stop()
    try:
        yield
    finally:
        running.start()


def is_measured(item: pytest.Item) -> bool:
    """Whether the program has the room, or the module, that the test's file is named after. No property is measured."""
    place = item.path.relative_to(_TESTS)
    room = place.parts[0] if len(place.parts) > 1 else place.name.removeprefix("test_")
    return (_APP / room).exists() and not hasattr(getattr(item, "obj", None), "hypothesis")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Measure a test with its fixtures, or neither."""
    if is_measured(item):
        return (yield)
    with unmeasured():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Collect the tests unmeasured, after what each module does at its import; and without garbage collection.

    Each pass over 600,000 objects of collected tests would stop all for 0.4 s: they are left out of later ones too.
    """
    if "coverage" in sys.modules:
        for module in walk_packages([str(_APP)], "app."):
            if module.name != "app.__main__":
                import_module(module.name)
    gc.disable()
    with unmeasured():
        result = yield
    gc.collect()
    gc.freeze()
    gc.enable()
    return result
