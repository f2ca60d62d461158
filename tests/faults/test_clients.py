"""The fault table, rows of clients: they leave in every moment, or read slowly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.faults.conftest import WorldMaker
from tests.faults.crowd import Crowd, Question, outcomes, served
from tests.faults.world import World
from tests.running import eventually

SLOTS = 10
# How soon a slot is free after its client has left; the machine may be busy elsewhere for a moment.
FREE_SECONDS = 0.05


def leavers(crowd: Crowd, count: int) -> Iterator[Question]:
    """Questions that will not see their end: before the first byte, mid-stream, in a whole answer, in the queue."""
    for number, question in enumerate(crowd.questions(count)):
        question.wait = (0.0, 5.0, 5.0)[number % 3]
        question.stream = number % 3 != 2
        question.phrases = 2_000
        yield question


async def leave(world: World, count: int) -> None:
    """So many ask at once, and leave together while ten of them are being answered and the others wait."""
    asked = [asyncio.ensure_future(world.crowd.ask(one)) for one in leavers(world.crowd, count)]
    await eventually(lambda: world.sandbox.state.chatting == SLOTS)
    await asyncio.sleep(0.02)
    for one in asked:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    await eventually(lambda: world.sandbox.state.chatting == 0)


@pytest.mark.parametrize("count", [40, pytest.param(1_000, marks=pytest.mark.long)])
async def test_clients_leave(make_world: WorldMaker, count: int) -> None:
    """Nobody who stays notices; no slot, place or connection is left, and nothing is asked twice."""
    world = await make_world({"chunk_seconds": 0.02}, GIGACHAT_MAX_CONCURRENCY=str(SLOTS))
    await world.warm_up()
    for _ in range(count // 20):
        await leave(world, 20)
    seen = await world.ask(20)
    assert served(seen) == 20, outcomes(seen)
    assert max(world.ledger.attempts.values()) == 1
    await world.is_back()
    await world.holds_nothing()
    world.paid_once(0)


async def test_a_slot_is_free_when_its_client_leaves(make_world: WorldMaker) -> None:
    """Within 50 ms the next that waits is at GigaChat, whether the first left before its first byte or after it."""
    world = await make_world({"chunk_seconds": 0.02}, GIGACHAT_MAX_CONCURRENCY="1")
    await world.warm_up()
    took = []
    for number in range(8):
        first = next(world.crowd.questions(1, stream=True, phrases=500, wait=0.0 if number % 2 else 5.0))
        leaving = asyncio.ensure_future(world.crowd.ask(first))
        await eventually(lambda: world.sandbox.state.chatting == 1)
        await asyncio.sleep(0.05)
        staying = asyncio.ensure_future(world.ask(1, stream=False))
        await asyncio.sleep(0.05)
        left = time.time()
        leaving.cancel()
        assert served(await staying) == 1
        took.append(world.sandbox.state.requests.of("chat")[-1].started - left)
    assert sorted(took)[-2] < FREE_SECONDS, took
    assert min(took) > 0
    await world.holds_nothing()


async def test_what_left_clients_got_is_counted(make_world: WorldMaker) -> None:
    """Each cut-off answer of which words were delivered is counted by GigaChat, in the background; others are not."""
    world = await make_world({"chunk_seconds": 0.02}, GIGACHAT_MAX_CONCURRENCY="5")
    await world.warm_up()
    await leave_mid_stream(world, 5)
    await eventually(lambda: len(world.sandbox.state.requests.of("tokens")) == 5)
    asked = [asyncio.ensure_future(world.crowd.ask(one)) for one in world.crowd.questions(5, wait=5.0)]
    await eventually(lambda: world.sandbox.state.chatting == 5)
    for one in asked:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    await world.is_back()
    assert len(world.sandbox.state.requests.of("tokens")) <= 10
    await world.holds_nothing()


async def leave_mid_stream(world: World, count: int) -> None:
    """So many read the first words and leave."""
    asked = [
        asyncio.ensure_future(one)
        for one in map(world.crowd.ask, world.crowd.questions(count, stream=True, phrases=900))
    ]
    await eventually(lambda: sum(one.chunks >= 3 for one in world.sandbox.state.requests.of("chat")[-count:]) == count)
    for one in asked:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)


async def test_slow_readers(make_world: WorldMaker, count: int) -> None:
    """Half of all read slowly: the others do not wait for them, and each gets every word of its own."""
    world = await make_world(GIGACHAT_MAX_CONCURRENCY=str(count))
    await world.warm_up()
    async with Crowd(world.gateway.url, narrow=True) as slow:
        reading = asyncio.ensure_future(slow.ask_all(count // 2, stream=True, phrases=1_000, pause=0.01))
        await eventually(lambda: world.sandbox.state.chatting > 0)
        begun = time.monotonic()
        quick = await world.ask(count // 2)
        took = time.monotonic() - begun
        assert served(quick) == count // 2, outcomes(quick)
        assert not reading.done()
        seen = await reading
        assert served(seen) == count // 2, outcomes(seen)
        assert took < max(one.took for one in seen)
    await world.is_back()
    await world.holds_nothing()
    world.paid_once(0)
