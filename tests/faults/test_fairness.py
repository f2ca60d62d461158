"""Fair turns over sockets: a tenant with much to ask delays another's single request by one service time at most."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.conftest import WorldMaker
from tests.faults.crowd import outcomes, served
from tests.running import eventually

# What a request takes besides GigaChat's time, in a crowd, on a busy machine.
SLACK = 0.06


def tenant(name: str) -> dict[str, str]:
    """The header that names a tenant, which any key may set where any key is accepted."""
    return {"X-Tenant-ID": name}


@pytest.mark.parametrize(
    ("slots", "service"), [(1, 0.1), pytest.param(10, 0.5, marks=pytest.mark.long)], ids=["1 slot", "10 slots"]
)
async def test_a_light_tenant_beside_a_heavy_one(make_world: WorldMaker, slots: int, service: float) -> None:
    """200 of A's wait when B's one comes: it takes its own service time, one more at most, and is not starved."""
    world = await make_world({"max_concurrency": slots}, GIGACHAT_MAX_CONCURRENCY=str(slots))
    await world.warm_up(1)
    (alone,) = await world.ask(1, wait=service, headers=tenant("b"))
    heavy = asyncio.ensure_future(world.ask(200, wait=service, headers=tenant("a")))
    await eventually(lambda: len(world.crowd.asked) >= 200 and world.sandbox.state.chatting == slots)
    await asyncio.sleep(0.2)  # all of them have come
    delays = []
    for _ in range(3):
        (light,) = await world.ask(1, wait=service, headers=tenant("b"))
        assert light.served, light.what
        delays.append(light.took - alone.took)
    heavy.cancel()
    await asyncio.gather(heavy, return_exceptions=True)
    assert max(delays) <= service + SLACK, delays
    await world.holds_nothing()


async def test_a_heavy_tenant_is_served_too(make_world: WorldMaker) -> None:
    """Two tenants take turns: neither of them is behind by more than a few answers at any time."""
    world = await make_world({"max_concurrency": 2}, GIGACHAT_MAX_CONCURRENCY="2")
    await world.warm_up(2)
    one, two = await asyncio.gather(
        world.ask(20, wait=0.02, headers=tenant("a")), world.ask(20, wait=0.02, headers=tenant("b"))
    )
    assert served([*one, *two]) == 40, outcomes([*one, *two])
    ends = sorted((seen.begun + seen.took, name) for name, group in (("a", one), ("b", two)) for seen in group)
    behind = 0
    for _, name in ends:
        behind += 1 if name == "a" else -1
        assert abs(behind) <= 6, ends


async def test_batches_wait_for_people(make_world: WorldMaker) -> None:
    """Of one tenant's requests the interactive ones go first, whenever they came."""
    world = await make_world({"max_concurrency": 1}, GIGACHAT_MAX_CONCURRENCY="1")
    await world.warm_up(1)
    batch = asyncio.ensure_future(world.ask(20, wait=0.03, headers={"X-Priority": "batch"}))
    await eventually(lambda: world.sandbox.state.chatting == 1)
    await asyncio.sleep(0.1)
    people = await world.ask(3, wait=0.03, headers={"X-Priority": "interactive"})
    assert not batch.done()
    assert served(people) == 3, outcomes(people)
    assert max(one.took for one in people) <= 5 * 0.03 + SLACK
    seen = await batch
    assert served(seen) == 20, outcomes(seen)
