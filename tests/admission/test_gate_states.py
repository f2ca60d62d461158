"""The gate as a model: whatever comes, ends, leaves, times out and is refused, in whatever order, no slot is lost."""

from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app import errors
from app.admission.gate import Lease
from tests.admission.queueing import Account, QueueBench, Visitor
from tests.examples import examples

LENGTH = 12
MOST_PASSED = 10  # turns of each other tenant while one waits: the deepest debt, and a turn on each side of it
TENANTS = ("a", "b", "c", "d")  # of which the queue tells three apart
# The turns of the loop after a step: with none, the next step comes at the same moment.
TURNS = st.sampled_from([0, 0, 1, 2, 8])
PICKS = st.integers(0, 10_000)


class GateStates(RuleBasedStateMachine):
    """Requests of four tenants before the slots of up to two credentials."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = QueueBench((1,))
        self.visitors: list[Visitor] = []
        self.shared: list[Lease[Account]] = []  # one entry for each holder but the visitors
        self.idle: list[Lease[Account]] = []
        self.is_settled = True
        self.passed: dict[Visitor, Counter[str]] = {}

    def teardown(self) -> None:
        """When all have ended, all slots are free."""
        for visitor in self.visitors:
            visitor.leave()
        self.bench.settle()
        for lease in [*self.shared, *self.idle]:
            lease.end()
        self.bench.settle()
        in_use = [account.slots.in_use for account in self.bench.accounts]
        waiting = self.bench.gate.waiting, +self.bench.heard.waiting
        self.bench.close()
        assert in_use == [0] * len(in_use)
        assert waiting == (0, {})

    @initialize(limits=st.sampled_from([(1,), (2,), (5,), (1, 3)]))
    def begin(self, limits: tuple[int, ...]) -> None:
        """The accounts."""
        self.bench.close()
        self.bench = QueueBench(limits, length=LENGTH, tenants=3)

    @rule(
        tenant=st.sampled_from(TENANTS),
        seconds=st.sampled_from([0.0, 2.0, 30.0, 120.0]),
        batch=st.booleans(),
        turns=TURNS,
    )
    def come(self, tenant: str, seconds: float, batch: bool, turns: int) -> None:
        """A request comes."""
        self.visitors.append(self.bench.come(tenant, seconds=seconds, batch=batch, turns=0))
        self.settle(turns)

    @precondition(lambda self: self.holders)
    @rule(pick=PICKS, refused=st.booleans(), turns=TURNS)
    def end(self, pick: int, refused: bool, turns: int) -> None:
        """A request ends: answered, or refused and not sent again."""
        self.pick_holder(pick).end(refused=refused)
        self.settle(turns)

    @precondition(lambda self: self.holders)
    @rule(pick=PICKS, turns=TURNS)
    def again(self, pick: int, turns: int) -> None:
        """GigaChat refuses a request, which goes back into the queue."""
        self.pick_holder(pick).again()
        self.settle(turns)

    @precondition(lambda self: self.visitors)
    @rule(pick=PICKS, turns=TURNS)
    def leave(self, pick: int, turns: int) -> None:
        """A client leaves, wherever its request is."""
        self.visitors[pick % len(self.visitors)].leave()
        self.settle(turns)

    @precondition(lambda self: self.holders)
    @rule(pick=PICKS)
    def share(self, pick: int) -> None:
        """Work goes on under a lease that may outlast the request."""
        lease = self.pick_holder(pick).lease
        assert lease is not None
        lease.share()
        self.shared.append(lease)

    @precondition(lambda self: self.shared)
    @rule(pick=PICKS, refused=st.booleans(), turns=TURNS)
    def end_share(self, pick: int, refused: bool, turns: int) -> None:
        """That work ends."""
        self.shared.pop(pick % len(self.shared)).end(refused=refused)
        self.settle(turns)

    @rule()
    def take_idle(self) -> None:
        """Work of the gateway's own wants a slot: it gets none that anybody waits for."""
        waiting = self.bench.gate.waiting
        lease = self.bench.gate.enter_idle()
        if lease is not None:
            assert not waiting
            self.idle.append(lease)

    @precondition(lambda self: self.idle)
    @rule(turns=TURNS)
    def end_idle(self, turns: int) -> None:
        """That work ends."""
        self.idle.pop().end()
        self.settle(turns)

    @rule(seconds=st.sampled_from([0.5, 2.0, 30.0, 61.0]), turns=TURNS)
    def move(self, seconds: float, turns: int) -> None:
        """Time passes: requests are late, and slots that were taken away come back."""
        self.bench.clock.move(seconds)
        self.settle(turns)

    @rule()
    def rest(self) -> None:
        """All that can happen happens."""
        self.settle(8)

    @invariant()
    def no_slot_is_lost(self) -> None:
        """Each slot in use has a lease that somebody holds, and nobody waits beside a free one."""
        if not self.is_settled:
            return
        held = {id(lease): lease for lease in [*self.shared, *self.idle]}
        held |= {id(visitor.lease): visitor.lease for visitor in self.visitors if visitor.lease is not None}
        by_account = Counter(id(lease.credential) for lease in held.values())
        assert [account.slots.in_use for account in self.bench.accounts] == [
            by_account[id(account)] for account in self.bench.accounts
        ]
        waiting = [visitor for visitor in self.visitors if visitor.waits]
        assert self.bench.gate.waiting == len(waiting)
        assert Counter(visitor.ticket.tenant for visitor in waiting) == +self.bench.heard.waiting
        for account in self.bench.accounts:
            slots = account.slots
            assert 1 <= slots.limit <= slots.most
            assert not (waiting and slots.limit > slots.in_use)

    @invariant()
    def nobody_waits_too_long(self) -> None:
        """Whoever waits has time left, and no more wait than may: those that come newly, and those that come again."""
        if not self.is_settled:
            return
        now = self.bench.clock.now
        for visitor in self.visitors:
            assert not (visitor.waits and visitor.ticket.waits_until <= now)
        assert len([visitor for visitor in self.visitors if visitor.waits]) <= LENGTH + sum(
            account.slots.most for account in self.bench.accounts
        )

    @property
    def holders(self) -> list[Visitor]:
        """Those that have a slot."""
        return [visitor for visitor in self.visitors if visitor.lease is not None]

    def pick_holder(self, pick: int) -> Visitor:
        """One of those that have a slot."""
        return self.holders[pick % len(self.holders)]

    def settle(self, turns: int) -> None:
        """Let the loop have its turns, and see who has had a turn while others waited."""
        waited = [visitor for visitor in self.visitors if visitor.waits]
        self.bench.settle(turns)
        self.is_settled = turns == 8
        for visitor in waited:
            if visitor.lease is not None and not visitor.ticket.is_batch:
                self.tell_passed(visitor)
        for visitor in self.visitors:
            if visitor.error is not None:
                assert visitor.error.kind in (errors.QUEUE_FULL, errors.QUEUE_TIMEOUT)
                assert (visitor.error.retry_after or 0) >= 1
        self.passed = {visitor: by for visitor, by in self.passed.items() if visitor.waits}
        self.visitors = [visitor for visitor in self.visitors if visitor.waits or visitor.lease is not None]

    def tell_passed(self, one: Visitor) -> None:
        """A request has had its turn before the urgent first ones of other tenants: not too often."""
        for tenant in TENANTS:
            first = next((other for other in self.visitors if other.waits and other.ticket.tenant == tenant), None)
            if first is not None and tenant != one.ticket.tenant and not first.ticket.is_batch:
                passed = self.passed.setdefault(first, Counter())
                passed[one.ticket.tenant] += 1
                assert passed[one.ticket.tenant] <= MOST_PASSED


GateStates.TestCase.settings = examples(60)
TestGateStates = GateStates.TestCase
TestGateStates.__doc__ = "No interleaving loses or doubles a slot, or lets a request wait beside a free one."
