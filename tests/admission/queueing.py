"""A queue with slots, on an event loop whose time a test moves: who waits for what, turn by turn of the loop."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.admission.gate import Gate, Lease
from app.admission.slots import Slots
from app.admission.tickets import Ticket
from app.errors import GatewayError
from tests.admission.clock import Clock

QUEUE_SECONDS = 120.0
_SETTLING_TURNS = 8  # of the loop, after which all that can happen has happened


class StillLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still."""

    def __init__(self) -> None:
        self.clock = Clock()
        super().__init__()

    def time(self) -> float:
        """The clock's."""
        return self.clock.now


@dataclass(frozen=True, slots=True)
class Account:
    """A credential, of which the queue knows the slots."""

    slots: Slots


@dataclass
class Heard:
    """What the queue's observer hears."""

    at_once: int = 0
    waiting: Counter[str] = field(default_factory=Counter)  # by tenant
    outcomes: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    rejected_full: int = 0
    rejected_late: int = 0

    def admitted_at_once(self) -> None:
        """Count it."""
        self.at_once += 1

    def began_waiting(self, tenant: str) -> None:
        """Count it."""
        self.waiting[tenant] += 1

    def stopped_waiting(self, tenant: str, outcome: str, seconds: float) -> None:
        """Count it."""
        self.waiting[tenant] -= 1
        self.outcomes[outcome] += 1
        self.waits.append(seconds)

    def rejected(self, tenant: str, *, full: bool) -> None:
        """Count it."""
        assert tenant
        self.rejected_full += full
        self.rejected_late += not full


class Visitor:
    """A request that wants a slot: it has a lease, or an error, or waits, or has left."""

    def __init__(self, gate: Gate[Account], ticket: Ticket, loop: asyncio.AbstractEventLoop) -> None:
        self.ticket = ticket
        self.lease: Lease[Account] | None = None
        self.error: GatewayError | None = None
        self._gate = gate
        self._loop = loop
        self._task = loop.create_task(self._enter(again=False))

    @property
    def waits(self) -> bool:
        """Whether it has still to hear."""
        return not self._task.done()

    def end(self, *, refused: bool = False) -> None:
        """It needs its slot no longer."""
        lease, self.lease = self.lease, None
        assert lease is not None
        lease.end(refused=refused)

    def again(self) -> None:
        """GigaChat has refused it: back into the queue."""
        self.end(refused=True)
        self._task = self._loop.create_task(self._enter(again=True))

    def leave(self) -> None:
        """The client leaves, at whatever moment."""
        if self.lease is not None:
            self.end()
        self._task.cancel()

    async def _enter(self, *, again: bool) -> None:
        try:
            lease = self._gate.enter_at_once(self.ticket)
            self.lease = lease or await self._gate.wait(self.ticket, again=again)
        except GatewayError as error:
            self.error = error


class QueueBench:
    """The gate of some credentials. Call `close` at the end."""

    def __init__(
        self, limits: Sequence[int] = (1,), *, length: int = 1000, tenants: int = 100, chat_only: bool = False
    ) -> None:
        self.loop = StillLoop()
        self.clock = self.loop.clock
        self.heard = Heard()
        self.accounts = [Account(Slots(limit, self.clock)) for limit in limits]
        self.gate: Gate[Account] = Gate(
            self.accounts, self.heard, length=length, tenants=tenants, chat_only=chat_only, clock=self.clock
        )

    @property
    def slots(self) -> Slots:
        """Those of the first credential."""
        return self.accounts[0].slots

    def ticket(
        self, tenant: str = "a", *, seconds: float = QUEUE_SECONDS, deadline: float | None = None, batch: bool = False
    ) -> Ticket:
        """The ticket of a request that comes now; `deadline`: in so many seconds."""
        now = self.clock.now
        until = seconds if deadline is None else min(seconds, deadline)
        return Ticket(tenant, now, now + until, None if deadline is None else now + deadline, batch)

    def come(
        self,
        tenant: str = "a",
        *,
        seconds: float = QUEUE_SECONDS,
        deadline: float | None = None,
        batch: bool = False,
        turns: int = _SETTLING_TURNS,
    ) -> Visitor:
        """A request comes."""
        ticket = self.ticket(tenant, seconds=seconds, deadline=deadline, batch=batch)
        visitor = Visitor(self.gate, ticket, self.loop)
        self.settle(turns)
        return visitor

    def settle(self, turns: int = _SETTLING_TURNS) -> None:
        """Let the loop have its turns."""

        async def run() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        if turns:
            self.loop.run_until_complete(run())

    def move(self, seconds: float) -> None:
        """Let time pass; what was due meanwhile happens now."""
        self.clock.move(seconds)
        self.settle()

    def serve(self, seconds: float) -> None:
        """One request from its beginning to its end, so that the time of requests is known."""
        visitor = self.come()
        self.move(seconds)
        visitor.end()
        self.settle()

    def close(self) -> None:
        """End what is left, and the loop."""
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.settle()
        assert all(task.done() for task in tasks)
        self.loop.close()


OpenQueue = Callable[..., QueueBench]


def holders(*visitors: Visitor) -> list[bool]:
    """Which of them hold a slot."""
    return [visitor.lease is not None for visitor in visitors]
