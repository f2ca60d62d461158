"""Two rows of the fault table with the pauses that every gateway has, not the shortened ones of the others."""

from __future__ import annotations

import asyncio

import pytest

from app.admission.circuits import CIRCUIT_TIMES
from app.exchange.tries import RETRY_PAUSES
from app.upstream.times import TIMES
from tests.faults.conftest import WorldMaker
from tests.faults.crowd import outcomes
from tests.faults.test_outages import FAILED, OPEN
from tests.faults.world import BACK_SECONDS

pytestmark = pytest.mark.long


@pytest.mark.parametrize("where", ["everywhere", "chats alone"])
async def test_service_is_back(make_world: WorldMaker, where: str) -> None:
    """Within 2 s of an outage's end; where chats alone failed, nothing but the circuit's next probe can tell: 10 s."""
    real = {"times": TIMES, "circuit_times": CIRCUIT_TIMES, "pauses": RETRY_PAUSES}
    world = await make_world(**real, GIGACHAT_MAX_CONCURRENCY="20")
    await world.warm_up()
    if where == "everywhere":
        await world.api.refuse()
    else:
        world.sandbox.state.faults.add("status", where="chat", times=None, status=502, html=True)
    for _ in range(6):
        seen = await world.ask(30)
        assert set(outcomes(seen)) <= {FAILED, OPEN}, outcomes(seen)
        await asyncio.sleep(0.5)
    assert set(outcomes(seen)) == {OPEN}
    world.sandbox.state.faults.clear()
    await world.api.listen()
    await world.is_back(BACK_SECONDS if where == "everywhere" else CIRCUIT_TIMES.pause + BACK_SECONDS)
    await world.holds_nothing()
    world.within_budget()
