"""The gate: who gets a slot, who waits for one, who is told to come back, and that none is lost."""

from __future__ import annotations

import pytest

from app import errors
from tests.admission.queueing import OpenQueue, holders


def test_a_free_slot_is_had_at_once(open_queue: OpenQueue) -> None:
    """Nobody waits who does not have to."""
    bench = open_queue(2)
    lease = bench.gate.enter_at_once(bench.ticket())
    assert lease is not None
    assert (lease.credential, lease.begun) == (bench.accounts[0], bench.clock.now)
    assert (bench.slots.in_use, bench.heard.at_once, bench.gate.waiting) == (1, 1, 0)
    lease.end()
    assert bench.slots.in_use == 0


def test_who_comes_later_waits(open_queue: OpenQueue) -> None:
    """A slot goes to the first of those that wait, in the turn of the loop in which it becomes free."""
    bench = open_queue(1)
    first, second, third = bench.come("a"), bench.come("b"), bench.come("c")
    assert holders(first, second, third) == [True, False, False]
    assert (bench.gate.waiting, bench.heard.waiting["b"]) == (2, 1)
    bench.move(3)
    assert bench.gate.oldest_wait() == 3.0
    first.end()
    bench.settle(2)
    assert holders(second, third) == [True, False]
    second.end()
    bench.settle()
    assert holders(third) == [True]
    assert (bench.heard.outcomes, bench.heard.waits) == ({"admitted": 2}, [3.0, 3.0])
    assert +bench.heard.waiting == {}
    assert bench.gate.oldest_wait() == 0.0


def test_nobody_passes_those_that_wait(open_queue: OpenQueue) -> None:
    """A slot that is free at the moment belongs to whoever waits for it, not to whoever comes."""
    bench = open_queue(1)
    first, second = bench.come("a"), bench.come("b")
    first.end()  # the loop has not had its turn
    assert bench.gate.enter_at_once(bench.ticket("c")) is None
    assert bench.gate.enter_idle() is None
    bench.settle()
    assert holders(second) == [True]


def test_the_queue_is_full(open_queue: OpenQueue) -> None:
    """One more is refused at once, with the time after which a place becomes free."""
    bench = open_queue(1, length=2)
    bench.serve(7)
    visitors = [bench.come() for _ in range(4)]
    error = visitors[3].error
    assert error is not None
    assert (error.kind, error.retry_after) == (errors.QUEUE_FULL, 7.0)
    assert "2 requests wait" in error.message
    assert (bench.heard.rejected_full, bench.heard.rejected_late, bench.gate.waiting) == (1, 0, 2)
    visitors[1].leave()
    bench.settle()
    assert bench.come().waits


# Slots, how long requests take, how many of the tenant wait, until when one more may wait -> its Retry-After, or None
# where it waits.
EXPECTED: dict[str, tuple[int, float, int, float, float | None]] = {
    "nobody waits": (1, 10.0, 0, 10.0, None),
    "a little too late": (1, 10.0, 0, 9.0, 10.0),
    "much too late": (1, 10.0, 9, 30.0, 70.0),
    "just in time": (1, 10.0, 2, 30.0, None),
    "ten slots": (10, 10.0, 9, 10.0, None),
    "ten slots, too late": (10, 10.0, 30, 10.0, 21.0),
    "short requests": (1, 0.01, 90, 1.0, None),
    "a second at least": (1, 0.5, 3, 1.0, 1.0),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_can_not_start_in_time_is_refused_at_once(open_queue: OpenQueue, name: str) -> None:
    """By the time that requests take, and by how many go before."""
    limit, seconds, waiting, left, retry_after = EXPECTED[name]
    bench = open_queue(limit)
    bench.serve(seconds)
    for _ in range(limit + waiting):
        assert bench.come().error is None
    last = bench.come(seconds=left)
    if retry_after is None:
        assert last.waits
        return
    assert last.error is not None
    assert last.error.kind is errors.QUEUE_TIMEOUT
    assert last.error.retry_after == pytest.approx(retry_after)
    assert (bench.heard.rejected_full, bench.heard.rejected_late) == (0, 1)


def test_the_first_answers_count_alike(open_queue: OpenQueue) -> None:
    """One long answer is not taken for the usual one."""
    bench = open_queue(1)
    for seconds in (200, 1, 1, 1):
        bench.serve(seconds)
    bench.come()
    assert bench.come(seconds=60).waits


def test_a_failure_does_not_tell_how_long_answers_take(open_queue: OpenQueue) -> None:
    """When GigaChat is back after time-outs, nobody is refused for them."""
    bench = open_queue(1)
    bench.serve(1)
    failing = bench.come()
    bench.move(600)
    assert failing.lease is not None
    failing.lease.end(failed=True)
    bench.come()
    assert bench.come(seconds=2).waits


def test_nobody_knows_yet_how_long_requests_take(open_queue: OpenQueue) -> None:
    """Then nobody is refused for it."""
    bench = open_queue(1)
    visitors = [bench.come(seconds=0.001) for _ in range(50)]
    assert {visitor.error for visitor in visitors} == {None}


@pytest.mark.parametrize(("deadline", "whose"), [(None, "GPT2GIGA_QUEUE_SECONDS"), (5.0, "its deadline")])
def test_time_is_up_in_the_queue(open_queue: OpenQueue, deadline: float | None, whose: str) -> None:
    """The request ends with 503 at its time, and leaves no trace."""
    bench = open_queue(1)
    first = bench.come()
    late = bench.come(seconds=20, deadline=deadline)
    bench.move((deadline or 20) - 0.1)
    assert late.waits
    bench.move(0.2)
    assert late.error is not None
    assert late.error.kind is errors.QUEUE_TIMEOUT
    assert whose in late.error.message
    assert late.error.retry_after is not None
    assert late.error.retry_after >= 1
    assert (bench.gate.waiting, bench.heard.outcomes) == (0, {"timeout": 1})
    first.end()
    bench.settle()
    assert bench.slots.in_use == 0


@pytest.mark.parametrize("chat", [True, False])
def test_a_deadline_that_has_passed(open_queue: OpenQueue, chat: bool) -> None:
    """A free slot is no use to a request that is late already: GigaChat is not asked."""
    bench = open_queue(1, chat_only=True)
    assert bench.gate.enter_at_once(bench.ticket(deadline=0.0), chat=chat) is None
    late = bench.come(deadline=0.0)
    assert late.error is not None
    assert late.error.kind is errors.QUEUE_TIMEOUT
    assert (bench.heard.rejected_late, bench.slots.in_use) == (1, 0)
    assert bench.gate.enter_at_once(bench.ticket(seconds=0.0), chat=chat) is not None


def test_time_was_up_before(open_queue: OpenQueue) -> None:
    """Nothing waits that could only fail."""
    bench = open_queue(1)
    bench.come()
    late = bench.come(seconds=0.0)
    assert late.error is not None
    assert late.error.kind is errors.QUEUE_TIMEOUT
    assert bench.heard.rejected_late == 1


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("way", ["leaves", "time is up"])
def test_who_goes_at_the_moment_of_its_turn(open_queue: OpenQueue, way: str, turns: int) -> None:
    """However near its turn: the slot goes to the next one, and is never lost."""
    bench = open_queue(1)
    first, second, third = bench.come(), bench.come(seconds=10), bench.come()
    bench.move(9)
    if way == "time is up":
        bench.clock.move(1)
        bench.settle(turns)
        first.end()
    else:
        first.end()
        bench.settle(turns)
        second.leave()
    bench.settle()
    assert holders(second, third) == ([False, True] if second.error or way == "leaves" else [True, False])
    assert bench.slots.in_use == 1
    assert +bench.heard.waiting == ({} if third.lease else {"a": 1})


def test_a_shared_lease(open_queue: OpenQueue) -> None:
    """The slot is free when the last holder has ended; an end too many changes nothing."""
    bench = open_queue(1)
    lease = bench.gate.enter_at_once(bench.ticket())
    assert lease is not None
    lease.share()
    lease.share()
    waiting = bench.come()
    for _ in range(2):
        lease.end()
        bench.settle()
        assert holders(waiting) == [False]
    lease.end()
    bench.settle()
    assert holders(waiting) == [True]
    lease.end()
    assert bench.slots.in_use == 1


def test_idle_work_takes_what_nobody_needs(open_queue: OpenQueue) -> None:
    """It gets a slot only where one is free and nobody waits; what it takes is no usual time of requests."""
    bench = open_queue(2)
    bench.serve(10)
    first = bench.come()
    idle = bench.gate.enter_idle()
    assert idle is not None
    assert bench.gate.enter_idle() is None
    waiting = bench.come()
    assert bench.gate.enter_idle() is None
    idle.end()
    bench.settle()
    assert holders(first, waiting) == [True, True]
    late = bench.come(seconds=4)
    assert late.error is not None
    assert late.error.retry_after == 10.0


def test_only_chats_take_slots(open_queue: OpenQueue) -> None:
    """With GPT2GIGA_SLOTS=chat all else goes at once, at any time; GigaChat's 429 counts all the same."""
    bench = open_queue(4, chat_only=True)
    for _ in range(4):
        bench.come()
    waiting = bench.come()
    other, idle = bench.gate.enter_at_once(bench.ticket(), chat=False), bench.gate.enter_idle()
    assert other is not None
    assert idle is not None
    assert (bench.slots.in_use, bench.gate.waiting) == (4, 1)
    other.share()
    other.end()
    idle.end()
    assert (bench.slots.in_use, holders(waiting)) == (4, [False])
    other.end(refused=True)
    assert (bench.slots.limit, bench.slots.in_use) == (2, 4)


def test_the_credential_with_the_most_room(open_queue: OpenQueue) -> None:
    """Requests spread over accounts by what is free."""
    bench = open_queue(1, 3)
    visitors = [bench.come() for _ in range(5)]
    assert [account.slots.in_use for account in bench.accounts] == [1, 3]
    assert holders(*visitors) == [True] * 4 + [False]
    given = visitors[3].lease
    assert given is not None
    visitors[3].end()
    bench.settle()
    assert visitors[4].lease is not None
    assert visitors[4].lease.credential is given.credential
