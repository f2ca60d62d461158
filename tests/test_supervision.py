"""Background tasks with an owner."""

from __future__ import annotations

import asyncio

import pytest

from app.supervision import supervise
from tests.running import eventually


async def test_a_task_ends_with_its_context() -> None:
    """It runs under its name while the context is open, and is over afterwards; its end is no fault."""
    async with supervise(asyncio.sleep(60), "sampler"):
        [task] = [task for task in asyncio.all_tasks() if task.get_name() == "sampler"]
        assert not task.done()
    assert task.cancelled()


async def test_a_background_task_that_dies_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A bug there must not be silent: a critical line with the task's name and the traceback."""

    async def buggy() -> None:
        raise RuntimeError("a bug")

    async with supervise(buggy(), "token-renewal"):
        await eventually(lambda: bool(caplog.records))
    [record] = caplog.records
    assert (record.levelname, record.getMessage()) == ("CRITICAL", "a background task died")
    assert record.__dict__["gateway_fields"] == {"task": "token-renewal"}
    assert record.exc_info
