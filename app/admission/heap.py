"""Returns freed memory to the operating system after a peak.

The C library keeps freed memory that lies between pieces still in use: 150 MB after a few answers of 2048 vectors.
The process can use it again, but until then it counts against the container's limit.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable

from app.admission.memory import Memory

LOOK_SECONDS = 1.0
# Trimming blocks all allocations for up to 0.1 s, so it runs only after a drop of this size.
_MIN_DROP_BYTES = 32 * 1024 * 1024


def find_trim_function() -> Callable[[int], object] | None:
    """The C library's `malloc_trim`; None if it has none, as musl and macOS."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None


async def trim_after_peaks(memory: Memory, look_seconds: float = LOOK_SECONDS) -> None:
    """Trim the heap each time that the memory held by requests has dropped from a peak. Runs until cancelled."""
    trim = find_trim_function()
    while trim is not None:
        await asyncio.sleep(look_seconds)
        held = memory.limit - memory.left
        memory.highest = max(memory.highest, held)  # of many small requests nobody else tells
        if held < memory.highest - _MIN_DROP_BYTES:
            memory.highest = held
            await asyncio.to_thread(trim, 0)
