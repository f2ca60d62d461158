"""The memory that all requests share: what is taken comes back, whatever happens."""

from __future__ import annotations

import pytest

from app.admission.memory import Memory
from app.errors import OVERLOADED, GatewayError


def test_what_is_taken_comes_back() -> None:
    """At the end of the context, less what was given back before."""
    memory = Memory(100)
    with memory.share() as share:
        share.take(60)
        share.take(30)
        assert (memory.left, share.taken) == (10, 90)
        share.give(50)
        assert (memory.left, share.taken) == (60, 40)
    assert (memory.left, share.taken) == (100, 0)


def test_it_comes_back_after_a_failure() -> None:
    """What the work inside raises goes on, and nothing stays taken."""
    memory = Memory(100)

    def work() -> None:
        with memory.share() as share:
            share.take(60)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert memory.left == 100


def test_what_is_handed_over_counts_once_and_longer() -> None:
    """The moment itself changes nothing, even where nothing is left; the rest comes back when its new holder ends."""
    memory = Memory(100)
    with memory.share() as share:
        share.take(100)
        other = share.hand_over(60)
        assert (memory.left, share.taken, other.taken) == (0, 40, 60)
    assert memory.left == 40
    with other:
        pass
    assert memory.left == 100


def test_all_together_hold_no_more_than_the_limit() -> None:
    """The last byte may be taken; one more is an error that says to try again, and counts until its request ends."""
    memory = Memory(100)
    with memory.share() as first, memory.share() as second:
        first.take(60)
        second.take(40)
        with pytest.raises(GatewayError) as caught:
            second.take(1)
        assert caught.value.row is OVERLOADED
        assert (OVERLOADED.status, OVERLOADED.retry, caught.value.retry_after) == (503, True, 1)
        assert memory.left == -1
    assert memory.left == 100


def test_room_that_was_given_back_is_anothers() -> None:
    """A request that ends makes place."""
    memory = Memory(100)
    with memory.share() as first:
        first.take(100)
    with memory.share() as second:
        second.take(100)
        assert memory.left == 0
