"""Who may go to GigaChat now: leases of slots, and the queue for them.

A lease is one slot of one credential, for as long as its holders need it. A request that finds no free slot waits for
its turn, for a limited time and among a limited number; what cannot start in time is refused at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Generic, Protocol, TypeVar

from app import errors
from app.admission.slots import Slots
from app.admission.tenant_queue import TenantQueue, Waiting
from app.admission.tickets import Ticket
from app.errors import GatewayError

# How much of the measured time of a request a new one counts for.
_WEIGHT = 0.1
_SHORTEST_TIMER = 0.01  # seconds


class Credential(Protocol):
    """What belongs to one account at GigaChat. The gate knows its slots alone."""

    @property
    def slots(self) -> Slots:
        """Its slots."""


class QueueObserver(Protocol):
    """Hears of those that wait."""

    def admitted_at_once(self) -> None:
        """A request found a free slot."""

    def began_waiting(self, tenant: str) -> None:
        """A request of this tenant waits."""

    def stopped_waiting(self, tenant: str, outcome: str, seconds: float) -> None:
        """It does not wait any more.

        It was admitted, its time was up (timeout), it has left (abandoned), or another took its place (rejected).
        """

    def rejected(self, tenant: str, *, full: bool) -> None:
        """A request could not wait: the queue is full, or its time would not be enough."""


C = TypeVar("C", bound=Credential)


class Lease(Generic[C]):
    """One slot. It has one holder, and more where work goes on that may outlast the request (`share`)."""

    __slots__ = ("_gate", "_holders", "_line", "begun", "credential")

    def __init__(self, gate: Gate[C], credential: C, line: str, begun: float) -> None:
        self._gate = gate
        self._holders = 1
        self._line = line
        self.credential = credential
        self.begun = begun

    def __enter__(self) -> None:
        """Work of the gateway's own begins, which needs the slot as long as this context."""

    def __exit__(self, *_fault: object) -> None:
        """It has ended."""
        self.end()

    @property
    def is_short(self) -> bool:
        """Whether it has lasted less than an answer takes: one that is cut off now says nothing about that time."""
        return self._gate._clock() - self.begun < self._gate._usual_seconds

    def share(self) -> None:
        """One more holder, who ends the lease too."""
        self._holders += 1

    def end(self, *, refused: bool = False, served: bool = True, failed: bool = False) -> None:
        """A holder needs the slot no longer; the last one gives it back.

        `refused`: GigaChat answered 429. `served`: GigaChat was asked, so that its time counts. `failed`: it brought
        no answer, so that its time says nothing about how long answers take.
        """
        if refused:
            self.credential.slots.lower(self.begun)
        self._holders -= 1
        if not self._holders:
            self._gate._give_back(self, served=served and not refused, failed=failed)


class _SlotlessLease(Lease[C]):
    """A lease of a credential without a slot."""

    __slots__ = ()

    def end(self, *, refused: bool = False, served: bool = True, failed: bool = False) -> None:  # noqa: ARG002
        """A holder needs it no longer."""
        if refused:
            self.credential.slots.lower(self.begun)


class Gate(Generic[C]):
    """The queue before the slots of all credentials.

    `length`: how many may wait; `tenants`: how many tenants are told apart. `chat_only`: nothing but chats takes slots.
    """

    def __init__(
        self,
        credentials: Sequence[C],
        observer: QueueObserver,
        *,
        length: int,
        tenants: int,
        chat_only: bool = False,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._credentials = credentials
        self._observer = observer
        self._length = length
        self._chat_only = chat_only
        self._queue: TenantQueue[Lease[C]] = TenantQueue(tenants)
        self._clock = clock
        self._usual_seconds = 0.0  # of an answer; 0: none has ended yet
        self._measured = 0  # answers so far
        self._regaining: asyncio.TimerHandle | None = None  # while requests wait for slots that come back by time

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return self._queue.length

    def oldest_wait(self) -> float:
        """For how many seconds the first of the waiting requests has waited."""
        return max((self._clock() - waiting.since for waiting in self._queue), default=0.0)

    def enter_at_once(self, ticket: Ticket, *, chat: bool = True) -> Lease[C] | None:
        """A lease, if a slot is free, nobody waits for it, and the answer can still be of use."""
        if ticket.deadline is not None and self._clock() >= ticket.deadline:
            return None
        if self._chat_only and not chat:
            return self._lease_without_slot()
        if self._queue.length:
            return None
        credential = self._find_free()
        if credential is None:
            return None
        self._observer.admitted_at_once()
        return self._lease(credential, ticket.tenant)

    def enter_idle(self) -> Lease[C] | None:
        """A lease for work of the gateway's own, which takes only what nobody needs."""
        if self._chat_only:
            return self._lease_without_slot()
        credential = None if self._queue.length else self._find_free()
        return None if credential is None else self._lease(credential, "")

    async def wait(self, ticket: Ticket, *, again: bool = False) -> Lease[C]:
        """A lease, when it is the request's turn. `again`: it has had its turn, and goes before those that have not.

        Raises GatewayError: the queue is full, or the request would not start in time, or has not.
        """
        line, now = self._queue.find_line(ticket.tenant), self._clock()
        if not again or ticket.waits_until <= now:
            self._refuse_at_once(ticket, line, now)
        turn: asyncio.Future[Lease[C]] = asyncio.get_running_loop().create_future()
        waiting = Waiting(line, now, turn, is_batch=ticket.is_batch, stays=again)
        self._queue.add(waiting)
        self._observer.began_waiting(ticket.tenant)
        outcome = "abandoned"
        try:
            self._dispatch()
            async with asyncio.timeout(max(0.0, ticket.waits_until - now)):
                lease = await turn
            outcome = "admitted"
        except TimeoutError:
            outcome = "timeout"
            before = self._queue.count_before(line, is_batch=ticket.is_batch)
            raise self._late(ticket, self._expect_wait(before)) from None
        except GatewayError:
            outcome = "rejected"
            raise
        finally:
            self._observer.stopped_waiting(ticket.tenant, outcome, self._clock() - now)
            if outcome != "admitted":
                self._leave(waiting)
        return lease

    def _refuse_at_once(self, ticket: Ticket, line: str, now: float) -> None:
        displaced = None
        if self._queue.length >= self._length:
            displaced = self._queue.find_displaced(line, is_batch=ticket.is_batch)
            if displaced is None:
                self._observer.rejected(ticket.tenant, full=True)
                raise self._full()
        before = self._queue.count_before(line, is_batch=ticket.is_batch)
        expected, left = self._expect_wait(before), ticket.waits_until - now
        if expected > left or left <= 0:
            self._observer.rejected(ticket.tenant, full=False)
            raise self._late(ticket, max(expected - left, self._usual_seconds))
        if displaced is not None:
            self._queue.remove(displaced)
            if not displaced.turn.done():  # its client may have left at this moment
                displaced.turn.set_exception(self._full())

    def _full(self) -> GatewayError:
        message = f"{self._length} requests wait for GigaChat already, which is the most. Try again later."
        return GatewayError(errors.QUEUE_FULL, message, retry_after=max(1.0, self._usual_seconds))

    def _late(self, ticket: Ticket, seconds: float) -> GatewayError:
        """The error of a request that does not start in time; `seconds`: when another one would. 0: nobody knows."""
        whose = "its deadline" if ticket.deadline == ticket.waits_until else "the longest wait (GPT2GIGA_QUEUE_SECONDS)"
        message = (
            f"GigaChat takes {self._count_slots()} request(s) of this gateway at a time, and this one would not start "
            f"within {whose}. Try again later."
        )
        return GatewayError(errors.QUEUE_TIMEOUT, message, retry_after=max(1.0, seconds))

    def _expect_wait(self, before: int) -> float:
        """Seconds until a request starts before which so many wait; 0 while nobody knows how long requests take."""
        return (before + 1) * self._usual_seconds / self._count_slots()

    def _count_slots(self) -> int:
        return max(1, sum(credential.slots.limit for credential in self._credentials))

    def _find_free(self) -> C | None:
        """The credential with the most free slots."""
        found, most = None, 0
        for credential in self._credentials:
            free = credential.slots.free
            if free > most:
                found, most = credential, free
        return found

    def _lease(self, credential: C, line: str) -> Lease[C]:
        credential.slots.in_use += 1
        return Lease(self, credential, line, self._clock())

    def _lease_without_slot(self) -> Lease[C]:
        return _SlotlessLease(self, self._credentials[0], "", self._clock())

    def _leave(self, waiting: Waiting[Lease[C]]) -> None:
        """A request waits no longer; the slot that it was given at the same moment goes to the next one."""
        self._queue.remove(waiting)
        if waiting.turn.done() and not waiting.turn.cancelled() and waiting.turn.exception() is None:
            waiting.turn.result().end(served=False)

    def _give_back(self, lease: Lease[C], *, served: bool, failed: bool) -> None:
        lease.credential.slots.in_use -= 1
        if served and lease._line:
            self._measure(lease._line, self._clock() - lease.begun, failed=failed)
        if self._queue.length:
            self._dispatch()

    def _measure(self, line: str, seconds: float, *, failed: bool) -> None:
        """A request has taken so long. The first ones count alike: one long answer is not taken for the usual one."""
        usual = self._usual_seconds
        if self._queue.length and usual:
            self._queue.charge(self._queue.find_line(line), seconds / usual)
        if not failed:
            self._measured += 1
            self._usual_seconds = usual + max(_WEIGHT, 1 / self._measured) * (seconds - usual)

    def _dispatch(self) -> None:
        """Give free slots to those whose turn it is."""
        while self._queue.length and (credential := self._find_free()) is not None:
            waiting = self._queue.take_next()
            if waiting is not None and not waiting.turn.done():
                waiting.turn.set_result(self._lease(credential, waiting.line))
        if self._queue.length and self._regaining is None:
            self._watch_regaining()

    def _watch_regaining(self) -> None:
        """Slots that refusals have taken come back by time: whoever waits gets them though no other request ends."""
        seconds = [left for one in self._credentials if (left := one.slots.regain_seconds) is not None]
        if seconds:
            loop = next(iter(self._queue)).turn.get_loop()
            self._regaining = loop.call_later(max(_SHORTEST_TIMER, min(seconds)), self._end_regaining)

    def _end_regaining(self) -> None:
        self._regaining = None
        self._dispatch()
