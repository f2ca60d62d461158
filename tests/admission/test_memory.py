"""The memory that all requests share: what is taken comes back, whatever happens."""

from __future__ import annotations

import pytest

from app.admission.memory import Memory
from app.errors import OVERLOADED, GatewayError


def test_what_is_taken_comes_back() -> None:
    """At the end of the context, less what was given back before."""
    memory = Memory(100)
    with memory.reserve() as reservation:
        reservation.take(60)
        reservation.take(30)
        assert (memory.left, reservation.taken) == (10, 90)
        reservation.give(50)
        assert (memory.left, reservation.taken) == (60, 40)
    assert (memory.left, reservation.taken) == (100, 0)


def test_it_comes_back_after_a_failure() -> None:
    """What the work inside raises goes on, and nothing stays taken."""
    memory = Memory(100)

    def work() -> None:
        with memory.reserve() as reservation:
            reservation.take(60)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert memory.left == 100


def test_what_is_handed_over_counts_once_and_longer() -> None:
    """The moment itself changes nothing, even where nothing is left; the rest comes back when its new holder ends."""
    memory = Memory(100)
    with memory.reserve() as reservation:
        reservation.take(100)
        other = reservation.hand_over(60)
        assert (memory.left, reservation.taken, other.taken) == (0, 40, 60)
    assert memory.left == 40
    with other:
        pass
    assert memory.left == 100


def test_all_together_hold_no_more_than_the_limit() -> None:
    """The last byte may be taken; one more is an error that says to try again, and counts until its request ends."""
    memory = Memory(100)
    with memory.reserve() as first, memory.reserve() as second:
        first.take(60)
        second.take(40)
        with pytest.raises(GatewayError) as caught:
            second.take(1)
        assert caught.value.kind is OVERLOADED
        assert (OVERLOADED.status, OVERLOADED.retry, caught.value.retry_after) == (503, True, 1)
        assert memory.left == -1
    assert memory.left == 100


def test_room_that_was_given_back_is_anothers() -> None:
    """A request that ends makes place."""
    memory = Memory(100)
    with memory.reserve() as first:
        first.take(100)
    with memory.reserve() as second:
        second.take(100)
        assert memory.left == 0


def test_alone_a_tenant_has_all() -> None:
    """Until another holds something; then it has half, and what it holds already stays."""
    memory = Memory(1000)
    with memory.reserve("a") as first, memory.reserve("b") as other:
        first.take(1000)
        first.give(400)
        other.take(100)
        with pytest.raises(GatewayError, match="half"), memory.reserve("a") as more:
            more.take(10)
        assert not memory.is_exhausted
        other.give(100)
        first.take(400)
    assert memory.left == 1000


def test_bodies_that_arrive_give_way() -> None:
    """Of the one tenant that holds more than half, the largest first, and no more than are needed."""
    memory, ended = Memory(1000), []
    shares = {}
    for name, size in (("small", 200), ("large", 500), ("whole", 300)):
        shares[name] = memory.reserve("a")
        shares[name].take(size)
        shares[name].allow_eviction(lambda name=name: ended.append(name))  # type: ignore[misc]
    shares["whole"].forbid_eviction()
    with memory.reserve("b") as other:
        other.take(100)
        assert (ended, memory.left, shares["large"].taken) == (["large"], 400, 0)
        other.take(400)
        with pytest.raises(GatewayError, match="too many"):
            other.take(1)  # those that have come are worked on
    shares["large"].__exit__()
    assert memory.left == 500


def test_who_was_refused_keeps_others_at_half() -> None:
    """For a while: a tenant that is alone again does not take what the other will come for."""
    now = 100.0
    memory = Memory(1000, clock=lambda: now)
    with memory.reserve("a") as reservation:
        reservation.take(1000)
        with pytest.raises(GatewayError), memory.reserve("b") as other:
            other.take(100)
        assert memory.is_exhausted
        reservation.give(300)
        with pytest.raises(GatewayError, match="half"), memory.reserve("a") as more:
            more.take(10)
        now += 11
        with memory.reserve("a") as more:
            more.take(10)


def test_many_tenants_cannot_shut_out_small_requests() -> None:
    """An eighth of the limit is theirs beyond it, whoever holds the rest; and it is bounded as well."""
    memory = Memory(100 * 256)
    large = [memory.reserve(f"t{number}") for number in range(10)]
    for reservation in large:
        reservation.take(10 * 256)
    assert memory.left == 0
    for _ in range(2):  # what is given back can be held again
        small = [memory.reserve("small") for _ in range(33)]
        for reservation in small[:32]:
            reservation.take(100)
        with pytest.raises(GatewayError):
            small[32].take(100)
        with pytest.raises(GatewayError):
            small[0].take(1)  # more than a small request has
        for reservation in small:
            reservation.give(reservation.taken)
    for reservation in large:
        reservation.give(reservation.taken)
    assert (memory.left, memory.tenants) == (100 * 256, {})


def test_what_is_there_already_is_not_refused() -> None:
    """An answer that its client does not read counts, and the next large request is refused for it."""
    memory = Memory(100)
    with memory.reserve("a") as answer:
        answer.hold(150)
        assert memory.left == -50
        with pytest.raises(GatewayError), memory.reserve("a") as body:
            body.take(1)
    assert memory.left == 100
