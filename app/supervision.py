"""Background tasks with an owner: named, cancelled and awaited at the end, and never silently dead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from app.observe.logs import LOGGER, fields


@asynccontextmanager
async def supervise(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """Run a background task while the context is open. If it dies of a bug, the log says so."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_report_death)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _report_death(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (fault := task.exception()) is not None:
        LOGGER.critical("a background task died", extra=fields(task=task.get_name()), exc_info=fault)
