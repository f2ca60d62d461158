"""The gate and requests that come again: they have had a turn, and go before those that have not."""

from __future__ import annotations

from app import errors
from tests.admission.queueing import OpenQueue, holders


def test_again_goes_before_the_others(open_queue: OpenQueue) -> None:
    """A request that GigaChat refused does not stand behind those that came since, however full the queue is."""
    bench = open_queue(1, length=2)
    first, second, third = bench.come(), bench.come(), bench.come()
    full = bench.come()
    assert full.error is not None
    first.again()
    bench.settle()
    assert (holders(first, second, third), bench.gate.waiting) == ([False, True, False], 2)
    second.end()
    bench.settle()
    assert holders(first, third) == [True, False]


def test_again_may_hope(open_queue: OpenQueue) -> None:
    """It is not refused for what others expect: its turn may come at any moment."""
    bench = open_queue(1)
    bench.serve(50)
    first, second = bench.come(seconds=55), bench.come(seconds=100)
    bench.move(40)
    first.again()
    bench.settle()
    assert (first.waits, holders(second)) == (True, [True])


def test_again_too_late(open_queue: OpenQueue) -> None:
    """A request whose time passed in its pause gets no slot any more, be one free or not."""
    bench = open_queue(2)
    first = bench.come(deadline=5)
    bench.move(6)
    first.again()
    bench.settle()
    assert first.error is not None
    assert first.error.kind is errors.QUEUE_TIMEOUT
    assert (bench.slots.in_use, bench.gate.waiting) == (0, 0)


def test_again_waits_no_longer_than_the_others(open_queue: OpenQueue) -> None:
    """Its time began when it came the first time."""
    bench = open_queue(1)
    first, second = bench.come(seconds=30), bench.come()
    bench.move(20)
    first.again()
    bench.move(9)
    assert (first.waits, holders(second)) == (True, [True])
    bench.move(1)
    assert first.error is not None
    assert first.error.kind is errors.QUEUE_TIMEOUT
