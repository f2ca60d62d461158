"""The gate and the limit of a credential: refusals take slots, and who waits gets those that come back."""

from __future__ import annotations

from app.admission.slots import QUIET_SECONDS
from tests.admission.queueing import OpenQueue, holders


def test_a_refused_lease_lowers_the_limit(open_queue: OpenQueue) -> None:
    """GigaChat's 429 takes slots, says nothing about how long requests take, and the next one has to wait."""
    bench = open_queue(4)
    visitors = [bench.come() for _ in range(5)]
    bench.move(1)
    visitors[0].end(refused=True)
    bench.settle()
    assert (bench.slots.limit, bench.slots.in_use, bench.gate.waiting) == (2, 3, 1)
    visitors[1].end(refused=True)
    visitors[2].end()
    bench.settle()
    assert (bench.slots.limit, holders(visitors[4])) == (2, [True])


def test_a_slot_comes_back_with_time(open_queue: OpenQueue) -> None:
    """After each quiet minute one more request goes, though nothing ends and nobody comes."""
    bench = open_queue(4)
    visitors = [bench.come() for _ in range(4)]
    visitors[0].end(refused=True)
    waiting = [bench.come(seconds=1000) for _ in range(3)]
    visitors[1].end()
    visitors[2].end()
    bench.settle()
    assert holders(visitors[3], *waiting) == [True, True, False, False]
    bench.move(QUIET_SECONDS - 1)
    assert holders(*waiting) == [True, False, False]
    bench.move(1)
    assert holders(*waiting) == [True, True, False]
    bench.move(QUIET_SECONDS)
    assert holders(*waiting) == [True, True, True]


def test_a_slot_comes_back_after_the_last_refusal(open_queue: OpenQueue) -> None:
    """A refusal meanwhile begins the minute anew: who waits is let in then, and not before."""
    bench = open_queue(4)
    visitors = [bench.come() for _ in range(4)]
    visitors[0].end(refused=True)
    waiting = bench.come(seconds=1000)
    bench.move(QUIET_SECONDS / 2)
    visitors[1].end(refused=True)
    bench.come(seconds=1000)
    bench.move(QUIET_SECONDS / 2)
    assert holders(waiting) == [False]
    bench.move(QUIET_SECONDS / 2)
    assert holders(waiting) == [True]
