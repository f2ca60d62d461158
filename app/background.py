"""Bugs in background tasks: they must not end the task, and operators must see them."""

from __future__ import annotations

import asyncio


def report_bug(fault: Exception, what: str) -> None:
    """Report a bug that a background task survives: the loop's handler logs it with its traceback."""
    asyncio.get_running_loop().call_exception_handler(
        {"message": f"a bug of the gateway's own, survived: {what}", "exception": fault}
    )
