"""Bugs that a background task outlives are told."""

from __future__ import annotations

import asyncio
from typing import Any

from app.background import report_bug


async def test_a_bug_is_told() -> None:
    """The loop's handler hears of the bug with its traceback, and of what was being done."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    fault = RuntimeError("a bug")
    report_bug(fault, "nothing came of it")
    assert told[0]["exception"] is fault
    assert "nothing came of it" in told[0]["message"]
