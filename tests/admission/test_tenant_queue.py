"""Whose turn it is: one tenant after another, urgent requests first, and by what their requests have taken."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.admission.tenant_queue import OTHER, TenantQueue, Waiting
from tests.examples import examples


@pytest.fixture(scope="module")
def turn() -> Iterator[asyncio.Future[None]]:
    """A future that stands for each request's turn: the queue only carries it."""
    loop = asyncio.new_event_loop()
    yield loop.create_future()
    loop.close()


class Line:
    """A queue, and the names of what waits in it: `a1` is the tenant a's."""

    def __init__(self, turn: asyncio.Future[None], most: int = 100) -> None:
        self.queue: TenantQueue[None] = TenantQueue(most)
        self.waiting: dict[str, Waiting[None]] = {}
        self._turn = turn

    def add(self, names: str, *, first: bool = False) -> None:
        """Requests come: `a1 b1`, `a2?` is a batch one."""
        for name in names.split():
            line = self.queue.find_line(name[0])
            one = self.waiting[name] = Waiting(line, 0.0, self._turn, is_batch=name.endswith("?"), stays=first)
            self.queue.add(one)

    def remove(self, name: str) -> None:
        """A request leaves."""
        self.queue.remove(self.waiting.pop(name))

    def take(self, most: int = 1_000_000) -> str:
        """The next requests, in their order; all of them if there is no number."""
        taken: list[str] = []
        while len(taken) < most and (one := self.queue.take_next()) is not None:
            taken.append(next(name for name, waiting in self.waiting.items() if waiting is one))
            del self.waiting[taken[-1]]
        return " ".join(taken)


# What comes, in this order -> the order in which it goes.
ORDERS: dict[str, tuple[str, str]] = {
    "nothing": ("", ""),
    "first come": ("a1 a2 a3", "a1 a2 a3"),
    "in turn": ("a1 a2 a3 b1 b2 c1", "a1 b1 c1 a2 b2 a3"),
    "one beside many": ("a1 a2 a3 a4 a5 b1", "a1 b1 a2 a3 a4 a5"),
    "urgent ones first": ("a1? a2 a3? a4", "a2 a4 a1? a3?"),
    "urgent ones of its own tenant": ("a1? a2? b1 b2", "a1? b1 a2? b2"),
    "all of it": ("a1? b1? a2 b2 c1?", "a2 b2 c1? a1? b1?"),
}


@pytest.mark.parametrize("name", ORDERS)
def test_orders(turn: asyncio.Future[None], name: str) -> None:
    """Round robin between tenants; within one, urgent ones and then first come."""
    come, go = ORDERS[name]
    line = Line(turn)
    line.add(come)
    assert line.take() == go
    assert (line.queue.length, list(line.queue)) == (0, [])


def test_a_single_request_beside_a_thousand(turn: asyncio.Future[None]) -> None:
    """It waits for one turn at most, whenever it comes; and so does the next one of its tenant."""
    line = Line(turn)
    line.add(" ".join(f"a{number}" for number in range(1000)))
    assert line.take(3) == "a0 a1 a2"
    line.add("b1")
    assert line.take(2) in ("b1 a3", "a3 b1")
    line.add("b2")
    assert "b2" in line.take(2).split()
    line.add("b3")
    assert "b3" in line.take(2).split()


def test_who_comes_one_at_a_time_gains_nothing(turn: asyncio.Future[None]) -> None:
    """A tenant whose line is empty again and again has no more turns than one whose line never is."""
    line = Line(turn)
    line.add(" ".join(f"a{number}" for number in range(50)))
    taken: Counter[str] = Counter()
    for number in range(40):
        if not any(name.startswith("b") for name in line.waiting):
            line.add(f"b{number}")
        taken[line.take(1)[0]] += 1
    assert abs(taken["a"] - taken["b"]) <= 1


def test_new_tenants_before_those_that_have_had_turns(turn: asyncio.Future[None]) -> None:
    """Three that have waited give way to the one that comes newly, once."""
    line = Line(turn)
    line.add("a1 a2 a3 b1 b2 b3 c1 c2 c3")
    assert line.take(3) == "a1 b1 c1"
    line.take(1)
    line.add("d1 d2")
    assert line.take() == "d1 b2 c2 d2 a3 b3 c3"


def test_one_that_was_refused_goes_before_its_tenants_others(turn: asyncio.Future[None]) -> None:
    """It has had its turn, and lost it to no fault of its own; a batch request goes before batch requests only."""
    line = Line(turn)
    line.add("a1 a2 a3? b1")
    line.add("a4", first=True)
    line.add("a5?", first=True)
    assert line.take() == "a4 b1 a1 a2 a5? a3?"


# How many times the usual time each of a's requests takes -> how many of the first 30 turns are a's, beside b's usual.
COSTS = {1.0: (15, 15), 2.0: (9, 11), 4.0: (5, 7), 0.5: (15, 20)}


@pytest.mark.parametrize("times", COSTS)
def test_long_requests_have_fewer_turns(turn: asyncio.Future[None], times: float) -> None:
    """A tenant pays for what it takes of GigaChat's time, not for the number of its requests."""
    line = Line(turn)
    line.add(" ".join(f"a{number} b{number}" for number in range(100)))
    taken: Counter[str] = Counter()
    for _ in range(30):
        name = line.take(1)[0]
        taken[name] += 1
        line.queue.charge(name, times if name == "a" else 1.0)
    least, most = COSTS[times]
    assert least <= taken["a"] <= most


def test_a_very_long_request_shuts_nobody_out(turn: asyncio.Future[None]) -> None:
    """The debt has a bottom: a tenant has its turn again after a few of the others'."""
    line = Line(turn)
    line.add(" ".join(f"a{number} b{number}" for number in range(100)))
    line.queue.charge("a", 10_000.0)
    before = line.take().split().index("a0")
    assert 5 <= before <= 10


def test_many_short_requests_make_no_long_turn(turn: asyncio.Future[None]) -> None:
    """What short requests have saved is no right to a row of turns: the other waits for one turn."""
    line = Line(turn)
    line.add(" ".join(f"a{number}" for number in range(20)))
    for _ in range(20):
        line.queue.charge("a", 0.01)
    line.add("b1")
    assert line.take().split().index("b1") <= 1


def test_nobody_is_charged_who_does_not_wait(turn: asyncio.Future[None]) -> None:
    """Without a line there are no turns to be fair about."""
    line = Line(turn)
    line.queue.charge("a", 100.0)
    line.add("a1 b1")
    assert line.take() == "a1 b1"


def test_debts_end_with_the_queue(turn: asyncio.Future[None]) -> None:
    """When nobody waits any more, all begin anew."""
    line = Line(turn)
    line.add("a1 b1")
    line.queue.charge("a", 9.0)
    assert line.take() == "b1 a1"
    line.add("a2 b2")
    assert line.take() == "a2 b2"


def test_tenants_beyond_the_cap_share_a_line(turn: asyncio.Future[None]) -> None:
    """So many are told apart; the others are one, however many names there are."""
    line = Line(turn, most=2)
    line.add("a1 b1 c1 d1 e1 a2")
    assert [line.queue.find_line(name) for name in "abcd"] == ["a", "b", OTHER, OTHER]
    assert [one.line for one in line.queue] == ["a", "a", "b", OTHER, OTHER, OTHER]
    assert line.take() == "a1 b1 c1 a2 d1 e1"
    assert line.queue.find_line("c") == "c"


@pytest.mark.parametrize("name", ["a1", "a2", "a3?", "b1"])
def test_one_leaves(turn: asyncio.Future[None], name: str) -> None:
    """All others keep their order; to leave twice changes nothing."""
    line = Line(turn)
    line.add("a1 a2 a3? b1")
    gone = line.waiting[name]
    line.remove(name)
    line.queue.remove(gone)
    left = [one for one in ("a1", "b1", "a2", "a3?") if one != name]
    assert line.queue.length == 3
    assert line.take().split() == left if name != "a1" else ["a2", "b1", "a3?"]


def test_who_has_had_its_turn_can_not_leave(turn: asyncio.Future[None]) -> None:
    """The number of those that wait stays right."""
    line = Line(turn)
    line.add("a1 a2 b1")
    gone = line.waiting["a1"]
    assert line.take(1) == "a1"
    line.queue.remove(gone)
    assert (line.queue.length, line.take()) == (2, "b1 a2")
    line.queue.remove(gone)
    assert line.queue.length == 0


def test_how_many_go_before(turn: asyncio.Future[None]) -> None:
    """What the next request of a tenant would wait for: its own, and as many turns of each other's."""
    line = Line(turn)
    assert line.queue.count_before("a", is_batch=False) == 0
    line.add("a1 a2? a3? b1 b2 b3 b4 c1")
    before = {(tenant, is_batch): line.queue.count_before(tenant, is_batch=is_batch)
              for tenant in "abcd" for is_batch in (False, True)}  # fmt: skip
    assert before == {
        ("a", False): 1 + 2 + 1,
        ("a", True): 3 + 4 + 1,
        ("b", False): 4 + 3 + 1,
        ("b", True): 4 + 3 + 1,
        ("c", False): 1 + 2 + 2,
        ("c", True): 1 + 2 + 2,
        ("d", False): 1 + 1 + 1,
        ("d", True): 1 + 1 + 1,
    }


STEPS = st.lists(st.sampled_from(["a", "b", "c", "take", "leave"]), max_size=60)


@examples(200)
@given(STEPS)
def test_nobody_is_passed_over(turn: asyncio.Future[None], steps: list[str]) -> None:
    """Whatever comes, goes and leaves: while a tenant waits, no other one has more than two turns; nobody is lost."""
    line = Line(turn)
    passed: dict[str, Counter[str]] = {}
    for number, step in enumerate(steps):
        if step == "take":
            taken = line.take(1)[:1]
            passed.pop(taken, None)
            for tenant in {name[0] for name in line.waiting}:
                passed.setdefault(tenant, Counter())[taken] += 1
                assert passed[tenant][taken] <= (2 if taken != tenant else number)
        elif step == "leave":
            if line.waiting:
                line.remove(next(iter(line.waiting)))
        else:
            line.add(f"{step}{number}")
        passed = {tenant: found for tenant, found in passed.items() if any(one[0] == tenant for one in line.waiting)}
        assert line.queue.length == len(line.waiting)
        assert {id(one) for one in line.queue} == {id(one) for one in line.waiting.values()}
    left = len(line.waiting)
    assert len(line.take().split()) == left
