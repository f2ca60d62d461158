"""Tries: a request is asked under a lease, and again where a table says so, until its time is up.

All of this happens before the client has got the first event of the choice: an answer is never doubled. The slot is
given back before each pause, and the next try waits for its turn as everybody does, before those that come newly.
What costs nothing and is sent again at once (a dead connection, a refused token) is in `sender`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Literal, NamedTuple, TypeVar

from app.admission.circuits import Circuits
from app.admission.gate import Gate, Lease
from app.admission.retry_budget import RetryBudget
from app.admission.tickets import Ticket
from app.errors import GatewayError, drop_frames
from app.exchange.credential import UpstreamCredential
from app.exchange.failures import FAILURES, BrokenAnswer, Failure, FileFailure, NoFirstEvent, NoJson, Page
from app.observe.metrics import Metrics
from app.observe.request_record import RequestRecord
from app.translate.gigachat.refusals import is_stop
from app.upstream.failures import Cause, Refused, Unreachable
from app.upstream.tokens import NoToken

T = TypeVar("T")
CredentialLease = Lease[UpstreamCredential]
Reason = Literal["rate_limit", "server_error", "connect", "timeout", "cut"]


@dataclass(frozen=True, slots=True)
class RetryPauses:
    """Seconds before the next try: each pause is twice as long as the one before, and varies by a half.

    `RETRY_PAUSES` are every gateway's; tests pass shorter ones.
    """

    first: float = 0.2
    longest: float = 5.0  # also of those that GigaChat asks for


RETRY_PAUSES = RetryPauses()


class Row(NamedTuple):
    """A row of the table: why a request is tried again, and how often; None: as long as there is time."""

    reason: Reason
    times: int | None
    pauses: bool = True


RATE_LIMITED = Row("rate_limit", None)
SERVER_ERROR, SERVER_ERROR_ONCE = Row("server_error", 2), Row("server_error", 1)
CONNECT = Row("connect", 2)
# A stream that was cut off before its first event was not paid for; a whole answer probably was.
CUT, CUT_ONCE = Row("cut", 2), Row("cut", 1)
SILENT = Row("timeout", 1, pauses=False)

_BY_CAUSE: dict[Cause, Row] = {
    "connect": CONNECT,
    "tls": CONNECT,
    "handshake": CONNECT,
    "dns": CONNECT,
    "stale": CONNECT,
    "cut": CUT_ONCE,
    "protocol": SERVER_ERROR,
}


@dataclass(slots=True)
class Asking:
    """Who asks, for what: what all tries have in common."""

    ticket: Ticket
    record: RequestRecord
    model: str
    reads_along: bool = False  # the client gets a stream
    chat: bool = True
    goes_on: bool = False  # a part of the answer has been paid: the rest is not refused for a full queue


def find_row(failure: Failure, *, reads_along: bool) -> Row | None:
    """The row for a failure; None: the request is not tried again. `reads_along`: the client gets a stream."""
    if isinstance(failure, FileFailure):
        failure, reads_along = failure.cause, False
    if isinstance(failure, Refused):
        if failure.status == 429:
            return RATE_LIMITED
        if failure.status == 500:
            return SERVER_ERROR_ONCE
        return SERVER_ERROR if failure.status > 500 else None
    if isinstance(failure, Unreachable):
        if failure.cause == "timeout":  # a whole answer may be under way, and paid for
            return SILENT if reads_along else None
        return _BY_CAUSE[failure.cause]
    if isinstance(failure, BrokenAnswer):
        if failure.begun or failure.reason == "generation":
            return None
        return CUT if failure.reason == "truncated" else SERVER_ERROR_ONCE
    if isinstance(failure, NoFirstEvent):
        return SILENT
    return SERVER_ERROR if isinstance(failure, Page) else None


class Tries:
    """Asks GigaChat."""

    def __init__(
        self,
        gate: Gate[UpstreamCredential],
        circuits: Circuits,
        budget: RetryBudget,
        metrics: Metrics,
        pauses: RetryPauses = RETRY_PAUSES,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._gate = gate
        self._circuits = circuits
        self._budget = budget
        self._metrics = metrics
        self._pauses = pauses
        self._chance = chance

    async def run(self, asking: Asking, ask: Callable[[CredentialLease], Awaitable[T]]) -> tuple[T, CredentialLease]:
        """What `ask` gives, and its lease, which the caller ends. Raises its last failure, and GatewayError."""
        self._budget.count_request(asking.record.received)
        model = asking.model
        tried: _Tried | None = None
        while True:
            lease = await self._enter(asking, tried)
            is_probe = False
            try:
                is_probe = self._circuits.begin(model)
                answer = await ask(lease)
            except FAILURES as failure:
                asking.record.end_upstream()
                self._tell_circuit(model, failure, lease, is_probe=is_probe)
                cause = _find_cause(failure)
                is_refused = isinstance(cause, Refused) and cause.status == 429
                lease.end(refused=is_refused, served=_was_asked(asking.record, lease), failed=True)
                tried = tried or _Tried()
                pause = self._next_pause(asking, failure, tried)
            except BaseException:
                lease.end(served=_was_asked(asking.record, lease), failed=lease.is_short)
                if is_probe:
                    self._circuits.abandon(model)
                raise
            else:
                self._circuits.record_success(model, lease.begun)
                if tried is not None:
                    tried.count(self._metrics, "success")
                return answer, lease
            await self._pause(asking.record, pause)

    async def _enter(self, asking: Asking, tried: _Tried | None) -> CredentialLease:
        """A lease. A request that was tried before and finds no time for another try ends with that try's failure."""
        self._circuits.refuse_if_open(asking.model)
        lease = self._gate.enter_at_once(asking.ticket, chat=asking.chat)
        if lease is not None:
            return lease
        asking.record.begin_waiting()
        try:
            return await self._gate.wait(asking.ticket, again=asking.goes_on or tried is not None)
        except GatewayError:
            if tried is None or tried.failure is None:
                raise
            tried.count(self._metrics, "failure")
            raise tried.failure from None
        finally:
            asking.record.end_waiting()

    def _next_pause(self, asking: Asking, failure: Failure, tried: _Tried) -> float:
        """Seconds until the next try. Raises the failure where there is none."""
        row = find_row(failure, reads_along=asking.reads_along)
        tried.count(self._metrics, "failure")
        if row is None:
            raise failure
        pause = self._find_pause(row, failure, tried)
        is_late = monotonic() + pause >= asking.ticket.waits_until
        if is_late or (row.times is not None and (tried.paid >= row.times or not self._budget.take())):
            raise failure
        tried.take(row, failure)
        asking.record.record_retry()
        drop_frames(failure)  # the tries hold it, and its frames hold them
        return pause

    def _find_pause(self, row: Row, failure: Failure, tried: _Tried) -> float:
        if not row.pauses:
            return 0.0
        cause = _find_cause(failure)
        if isinstance(cause, Refused) and cause.retry_after is not None:
            return min(cause.retry_after, self._pauses.longest)
        return min(self._pauses.first * 2.0 ** min(tried.times, 10), self._pauses.longest) * (0.5 + self._chance())

    async def _pause(self, record: RequestRecord, seconds: float) -> None:
        record.begin_waiting()
        try:
            await asyncio.sleep(seconds)
        finally:
            record.end_waiting()

    def _tell_circuit(self, model: str, failure: Failure, lease: CredentialLease, *, is_probe: bool) -> None:
        if _says_nothing(failure):
            if is_probe:
                self._circuits.abandon(model)
        elif isinstance(failure, Refused) and is_stop(failure.status, failure.body):
            self._circuits.record_stop(model)
        elif _is_outage(failure):
            self._circuits.record_failure(model)
        else:
            self._circuits.record_success(model, lease.begun)


class _Tried:
    """What has become of a request's tries so far."""

    __slots__ = ("failure", "paid", "reason", "times")

    def __init__(self) -> None:
        self.failure: Failure | None = None
        self.reason: Reason | None = None  # of the last retry
        self.times = 0  # retries so far
        self.paid = 0  # of these those that the table counts

    def take(self, row: Row, failure: Failure) -> None:
        """One more retry."""
        self.failure, self.reason = failure, row.reason
        self.times += 1
        self.paid += row.times is not None

    def count(self, metrics: Metrics, outcome: str) -> None:
        """Count how the last retry ended, if there was one."""
        if self.reason is not None:
            metrics.retries.labels(self.reason, outcome).inc()


def _find_cause(failure: Failure) -> Failure:
    """The failure itself, also of a file."""
    return failure.cause if isinstance(failure, FileFailure) else failure


def _was_asked(record: RequestRecord, lease: CredentialLease) -> bool:
    """Whether GigaChat was asked under this lease, so that its time tells how long requests take."""
    return record.asked_at >= lease.begun


def _says_nothing(failure: Failure) -> bool:
    """Whether a failure tells nothing of the model: it was not asked, or by a connection that had died before."""
    if isinstance(failure, Unreachable):
        return failure.cause == "stale"
    return isinstance(failure, NoToken | FileFailure)


def _is_outage(failure: Failure) -> bool:
    """Whether GigaChat failed, and not this one request."""
    if isinstance(failure, Refused):
        return failure.status >= 500 or failure.page
    if isinstance(failure, BrokenAnswer):
        return failure.reason != "generation"
    return not isinstance(failure, NoJson)
