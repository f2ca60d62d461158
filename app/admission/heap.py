"""Freed memory: a little is kept for the next request, and after a peak the rest goes back to the operating system.

The C library keeps freed memory that lies between pieces still in use: 150 MB after a few answers of 2048 vectors.
The process can use it again, but until then it counts against the container's limit.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable

from app.admission.memory import Memory

LOOK_SECONDS = 1.0
# mallopt(3): from which size on a piece is mapped by itself, and given back at once; how much may be free at the heap's
# end before it is given back. With the C library's 128 KiB each stream gives pages back and takes them again: 190
# faults a stream, which cost as much as all its chunks. Its own adjustment comes too late or not at all.
_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -3, -1
_MAPPED_BYTES, _KEPT_BYTES = 1024 * 1024, 4 * 1024 * 1024
# Trimming blocks all allocations for up to 0.1 s, so it runs only after a drop of this size.
_MIN_DROP_BYTES = 32 * 1024 * 1024


def keep_a_little() -> bool:
    """Tell the C library how much freed memory to keep; False where it cannot be told, as musl and macOS."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES) and mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES))


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
