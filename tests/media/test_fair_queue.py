"""Turns: one at a time, parties in rotation, nobody's place is lost or kept for somebody who left."""

from __future__ import annotations

import asyncio

import pytest

from app.media.fair_queue import FairQueue
from tests.running import eventually


async def hold(queue: FairQueue, party: str, order: list[str], seconds: float = 5) -> None:
    """Take a turn, and note it."""
    async with queue.turn(party, seconds):
        order.append(party)
        await asyncio.sleep(0)


async def test_parties_in_rotation() -> None:
    """Whoever has many waiting gets every second turn beside one other, and all of them in the end."""
    queue, order = FairQueue(), list[str]()
    async with queue.turn("x", 1):
        tasks = [asyncio.create_task(hold(queue, party, order)) for party in "aaaabbc"]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert "".join(order) == "abcabaa"
    await hold(queue, "d", order)


async def test_first_come_first_served() -> None:
    """Within a party, and whoever comes later does not overtake."""
    queue, order = FairQueue(), list[str]()
    async with queue.turn("x", 1):
        first = asyncio.create_task(hold(queue, "a", order))
        await asyncio.sleep(0)
    late = asyncio.create_task(hold(queue, "b", order))
    await asyncio.gather(first, late)
    assert order == ["a", "b"]


async def test_a_turn_that_does_not_come() -> None:
    """Its place is gone, and the queue goes on."""
    queue, order = FairQueue(), list[str]()
    async with queue.turn("x", 1):
        with pytest.raises(TimeoutError):
            await hold(queue, "a", order, seconds=0.01)
    await hold(queue, "a", order)
    assert order == ["a"]


@pytest.mark.parametrize("fault", [ValueError, asyncio.CancelledError])
async def test_a_holder_that_fails(fault: type[BaseException]) -> None:
    """Passes the turn on."""
    queue, order = FairQueue(), list[str]()
    with pytest.raises(fault):
        async with queue.turn("a", 1):
            raise fault
    await hold(queue, "b", order)


async def test_whoever_leaves() -> None:
    """While waiting, and at the very moment that the turn comes: the next one gets it."""
    queue, order = FairQueue(), list[str]()
    async with queue.turn("x", 1):
        gone, leaving, next_one = (asyncio.create_task(hold(queue, party, order)) for party in ("a", "b", "c"))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
    leaving.cancel()  # its turn has come, and it does not know yet
    await asyncio.gather(gone, leaving, return_exceptions=True)
    await eventually(next_one.done)
    await hold(queue, "d", order)
    assert order == ["c", "d"]
