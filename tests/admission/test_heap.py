"""Memory goes back to the system after a peak."""

from __future__ import annotations

import asyncio

import pytest

from app.admission import heap
from app.admission.memory import Memory
from tests.running import eventually

MIB = 1024 * 1024


async def turns() -> None:
    """Time for several looks."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_it_is_given_back_after_a_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each, and not for small ones."""
    called: list[int] = []
    monkeypatch.setattr(heap, "find_trim_function", lambda: called.append)
    memory = Memory(256 * MIB)
    watching = asyncio.create_task(heap.trim_after_peaks(memory, 0.0))
    for size, calls in ((1, 0), (100, 1), (30, 1), (40, 2)):
        with memory.reserve() as reservation:
            reservation.take(size * MIB)
            await turns()
        await turns()
        await eventually(lambda calls=calls: len(called) >= calls)  # type: ignore[misc]
        assert len(called) == calls, size
        await turns()
    watching.cancel()


async def test_a_short_peak_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was held between two looks, too."""
    called: list[int] = []
    monkeypatch.setattr(heap, "find_trim_function", lambda: called.append)
    memory = Memory(256 * MIB)
    watching = asyncio.create_task(heap.trim_after_peaks(memory, 0.0))
    await turns()
    with memory.reserve() as reservation:
        reservation.hold(100 * MIB)
    await eventually(lambda: called == [0])
    watching.cancel()


async def test_a_system_that_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not asked again and again."""
    monkeypatch.setattr(heap, "find_trim_function", lambda: None)
    await asyncio.wait_for(heap.trim_after_peaks(Memory(1)), 1)


def test_a_little_is_kept() -> None:
    """Where the C library can be told so."""
    assert heap.keep_a_little() is (heap.find_trim_function() is not None)


def test_the_call() -> None:
    """Where the C library has it, it may be made at any time."""
    trim = heap.find_trim_function()
    assert trim is None or trim(0) in {0, 1}
