"""Answers that take long beside outages: what came before stays counted, and nobody waits for a probe's last word."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.conftest import WorldMaker
from tests.faults.crowd import outcomes, served
from tests.faults.oracle import retries_at_most
from tests.faults.test_outages import FAILED, OPEN
from tests.running import eventually

pytestmark = pytest.mark.long

# Failures and retries are counted by parts of their time, of 5 and of 10 s.
PART, BUDGET_PART = 5.0, 10.0


async def test_a_long_answer_hides_no_outage(make_world: WorldMaker) -> None:
    """An answer that began long ago ends well amid failures: they still count, and the circuit opens."""
    world = await make_world(GIGACHAT_MAX_CONCURRENCY="50")
    await world.warm_up()
    long = asyncio.ensure_future(world.ask(1, wait=PART + 2.0, stream=False))
    await eventually(lambda: world.sandbox.state.chatting == 1)
    await asyncio.sleep(PART + 0.5)
    world.sandbox.state.faults.add("status", where="chat", times=None, status=500)
    before = await world.attempts()
    seen = [*await world.ask(8), *await long]
    assert (served(seen), outcomes(seen)[FAILED]) == (1, 8), outcomes(seen)
    assert await world.attempts() - before <= 17  # each of them twice: three more, and the circuit opens
    seen = await world.ask(6)
    assert (await world.ask(1))[0].what == OPEN, outcomes(seen)
    world.sandbox.state.faults.clear()
    await world.is_back()
    await world.holds_nothing()


async def test_a_second_choice_refills_no_budget(make_world: WorldMaker) -> None:
    """A request that came long ago asks for its next choice: what retries were used in the last minute stays used."""
    world = await make_world(GIGACHAT_MAX_CONCURRENCY="50")
    await world.warm_up()
    question = next(world.crowd.questions(1, wait=BUDGET_PART + 2.0, stream=False, choices=2))
    long = asyncio.ensure_future(world.crowd.ask(question))
    await eventually(lambda: world.sandbox.state.chatting == 1)
    await asyncio.sleep(BUDGET_PART + 0.2)
    world.sandbox.state.faults.add("status", where="chat", times=None, status=500)
    before = await world.attempts()
    first = await world.ask(9, model="GigaChat-2-Pro"), await world.ask(9, model="GigaChat-2-Max")
    await eventually(lambda: len([one for one in world.ledger.attempts.elements() if one == question.marker]) == 2)
    second = await world.ask(9, model="GigaChat-2"), await world.ask(9, model="GigaChat")
    seen = [one for some in (*first, *second) for one in some]
    assert set(outcomes(seen)) <= {FAILED, OPEN}, outcomes(seen)
    again = await world.attempts() - before - len(seen) - 2  # both choices are counted when they end
    assert again <= retries_at_most(len(world.crowd.asked)), f"{again} retries for {len(world.crowd.asked)} requests"
    long.cancel()
    await asyncio.gather(long, return_exceptions=True)
    world.sandbox.state.faults.clear()
    await world.holds_nothing()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_probe_that_takes_long(make_world: WorldMaker, stream: bool) -> None:
    """GigaChat is back, and the first that asks is in for a long answer: others are served within 2 s all the same."""
    world = await make_world({"chunk_seconds": 0.05}, GIGACHAT_MAX_CONCURRENCY="50")
    await world.warm_up()
    await world.api.refuse()
    await world.ask(40)
    assert OPEN in outcomes(await world.ask(5))
    await world.api.listen()
    while True:
        waits, words = (0.0, 1_000) if stream else (4.0, 12)
        probe = asyncio.ensure_future(
            world.crowd.ask(next(world.crowd.questions(1, stream=stream, wait=waits, words=words)))
        )
        await asyncio.wait({probe}, timeout=0.2)
        if not probe.done():
            break
    await world.is_back()
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    await world.holds_nothing()
