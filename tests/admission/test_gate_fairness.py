"""Fairness at the gate: what one tenant's requests cost another's."""

from __future__ import annotations

import pytest

from app import errors
from tests.admission.queueing import OpenQueue, holders


@pytest.mark.parametrize("slots", [1, 10])
def test_the_light_tenant_beside_a_heavy_one(open_queue: OpenQueue, slots: int) -> None:
    """A single request waits for one end of another at most, however many of another tenant's wait."""
    bench = open_queue(slots)
    heavy = [bench.come("heavy") for _ in range(slots + 300)]
    for _ in range(20):
        next(visitor for visitor in heavy if visitor.lease).end()
        bench.settle()
        light = bench.come("light")
        ends = 0
        while light.lease is None:
            next(visitor for visitor in heavy if visitor.lease).end()
            bench.settle()
            ends += 1
        assert ends <= 1
        light.end()
        bench.settle()


def test_a_batch_request_gives_way(open_queue: OpenQueue) -> None:
    """Within a tenant, to whatever is urgent and comes later."""
    bench = open_queue(1)
    first, batch, urgent = bench.come(), bench.come(batch=True), bench.come()
    first.end()
    bench.settle()
    assert holders(batch, urgent) == [False, True]


def test_a_tenant_that_takes_long_has_fewer_turns(open_queue: OpenQueue) -> None:
    """Two tenants that always wait share GigaChat's time, not the number of their requests."""
    bench = open_queue(1)
    bench.serve(1)
    visitors = [bench.come(tenant, seconds=10_000) for _ in range(60) for tenant in ("long", "short")]
    taken = {"long": 0.0, "short": 0.0}
    for _ in range(60):
        one = next(visitor for visitor in visitors if visitor.lease)
        seconds = 4.0 if one.ticket.tenant == "long" else 1.0
        taken[one.ticket.tenant] += seconds
        bench.move(seconds)
        one.end()
        bench.settle()
    assert 0.5 < taken["long"] / taken["short"] < 2.0


def test_a_tenant_is_not_told_of_anothers_line(open_queue: OpenQueue) -> None:
    """A thousand requests of one tenant are one turn before the single one of another."""
    bench = open_queue(1)
    bench.serve(10)
    for _ in range(10):
        bench.come("heavy")
    assert bench.come("heavy", seconds=60).error is not None
    assert bench.come("light", seconds=60).error is None


def test_who_leaves_the_queue_costs_nothing(open_queue: OpenQueue) -> None:
    """The others stand where they would have stood."""
    bench = open_queue(1)
    first, *others = [bench.come() for _ in range(6)]
    for visitor in others[::2]:
        visitor.leave()
    bench.settle()
    assert (bench.gate.waiting, bench.heard.outcomes) == (2, {"abandoned": 3})
    first.end()
    bench.settle()
    assert holders(*others) == [False, True, False, False, False]


def test_a_full_queue_has_room_for_other_tenants(open_queue: OpenQueue) -> None:
    """The last of the longest line gives its place up: nobody shuts others out by asking a thousand times at once."""
    bench = open_queue(1, length=4)
    bench.serve(7)
    holder, *heavy = [bench.come("heavy") for _ in range(5)]
    light, other = bench.come("light"), bench.come("other")
    assert (light.waits, other.waits) == (True, True)
    assert [visitor.waits for visitor in heavy] == [True, True, False, False]
    for displaced in heavy[2:]:
        assert displaced.error is not None
        assert (displaced.error.kind, displaced.error.retry_after) == (errors.QUEUE_FULL, 7.0)
    assert bench.heard.outcomes["rejected"] == 2
    for tenant in ("heavy", "light"):  # their lines would become as long as the longest
        more = bench.come(tenant)
        assert more.error is not None
        assert more.error.kind is errors.QUEUE_FULL
    assert (bench.gate.waiting, +bench.heard.waiting) == (4, {"heavy": 2, "light": 1, "other": 1})
    holder.end()
    bench.settle()
    assert (holders(light, other, *heavy[:2]), bench.slots.in_use) == ([False, False, True, False], 1)


def test_in_a_full_queue_a_tenants_own_batch_gives_way(open_queue: OpenQueue) -> None:
    """To its urgent requests, and not to more of the batch."""
    bench = open_queue(1, length=2)
    bench.come()
    first, last = bench.come(batch=True), bench.come(batch=True)
    assert bench.come(batch=True).error is not None
    urgent = bench.come()
    assert (first.waits, last.waits, urgent.waits) == (True, False, True)


def test_who_has_had_a_turn_keeps_its_place(open_queue: OpenQueue) -> None:
    """What GigaChat refused, or has answered in part, is not displaced."""
    bench = open_queue(3, length=2)
    heavy = [bench.come("heavy") for _ in range(3)]
    for visitor in heavy[:2]:
        visitor.again()
        bench.settle()
    light = bench.come("light")
    assert light.error is not None
    assert light.error.kind is errors.QUEUE_FULL
    assert [visitor.waits for visitor in heavy] == [True, True, False]


def test_who_gives_its_place_up_may_leave_at_that_moment(open_queue: OpenQueue) -> None:
    """Nobody hears of the error, and nothing is left of it."""
    bench = open_queue(1, length=2)
    bench.come("heavy")
    first, last = bench.come("heavy"), bench.come("heavy")
    light = bench.come("light", turns=1)
    last.leave()
    bench.settle()
    assert (first.waits, light.waits, bench.gate.waiting) == (True, True, 2)
    assert sum(bench.heard.waiting.values()) == 2
