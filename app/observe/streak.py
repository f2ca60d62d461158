"""Requests that failed one after another: what a probe of GigaChat's list of models cannot see.

A model that is stopped, a package that is used up or a chat that answers nonsense leaves that list as it is. The
clients' own mistakes are no events here. At night no request may come for hours, so that a cause whose end is seen
without one, a GigaChat that was gone or a token that was missing, ends a streak too, until a request says otherwise.

    CLEAR ──failed──▶ FAILING ──cause ended──▶ OVER ──failed──▶ DOUBTED       from each state: served ──▶ CLEAR
                                                 └──doubt time passed──▶ CLEAR
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from time import monotonic

from app.observe.counters import Value
from app.observe.request_record import RequestRecord

# One such refusal tells of all requests; other failures may be one request's own.
_DECISIVE = frozenset({"upstream_402", "upstream_stop", "upstream_4xx"})
_ENOUGH = 2
# A request that fails so soon after its cause was seen to end says that it has not. Seconds.
DOUBT_SECONDS = 60.0


class StreakState(Enum):
    """What is known of the latest requests."""

    CLEAR = auto()  # the last one was served, or none has failed yet
    FAILING = auto()
    OVER = auto()  # they failed, and then the cause was seen to end: operators need not worry
    DOUBTED = auto()  # the cause was seen to end, and requests failed all the same


class StreakEvent(Enum):
    """What changes that."""

    SERVED = auto()  # a request was served
    FAILED = auto()  # a request failed through GigaChat's or the gateway's fault
    CAUSE_ENDED = auto()  # what the last request failed by is gone
    DOUBT_PASSED = auto()  # since then so much time has passed that a failure is another streak's


# (state, event) -> the next state.
TRANSITIONS = {
    (StreakState.CLEAR, StreakEvent.SERVED): StreakState.CLEAR,
    (StreakState.CLEAR, StreakEvent.FAILED): StreakState.FAILING,
    (StreakState.CLEAR, StreakEvent.CAUSE_ENDED): StreakState.CLEAR,
    (StreakState.CLEAR, StreakEvent.DOUBT_PASSED): StreakState.CLEAR,
    (StreakState.FAILING, StreakEvent.SERVED): StreakState.CLEAR,
    (StreakState.FAILING, StreakEvent.FAILED): StreakState.FAILING,
    (StreakState.FAILING, StreakEvent.CAUSE_ENDED): StreakState.OVER,
    (StreakState.FAILING, StreakEvent.DOUBT_PASSED): StreakState.FAILING,
    (StreakState.OVER, StreakEvent.SERVED): StreakState.CLEAR,
    (StreakState.OVER, StreakEvent.FAILED): StreakState.DOUBTED,
    (StreakState.OVER, StreakEvent.CAUSE_ENDED): StreakState.OVER,
    (StreakState.OVER, StreakEvent.DOUBT_PASSED): StreakState.CLEAR,
    (StreakState.DOUBTED, StreakEvent.SERVED): StreakState.CLEAR,
    (StreakState.DOUBTED, StreakEvent.FAILED): StreakState.DOUBTED,
    # It was said before, and was not true: only a served request is believed.
    (StreakState.DOUBTED, StreakEvent.CAUSE_ENDED): StreakState.DOUBTED,
    (StreakState.DOUBTED, StreakEvent.DOUBT_PASSED): StreakState.DOUBTED,
}


class Streak:
    """How many of the latest requests failed through GigaChat's or the gateway's fault, and how the last one did.

    `count` is 0 exactly while the state is CLEAR. The gauge shows it, but 0 while the streak is OVER.
    """

    def __init__(
        self, gauge: Value, doubt_seconds: float = DOUBT_SECONDS, clock: Callable[[], float] = monotonic
    ) -> None:
        self.state = StreakState.CLEAR
        self.count = 0
        self._gauge = gauge
        self._doubt_seconds = doubt_seconds
        self._clock = clock
        self._error_type = ""
        self._detail = ""
        self._failed_at = 0.0
        self._over_since = 0.0  # of the state OVER

    def tell(self, record: RequestRecord) -> None:
        """A request has ended that was to reach GigaChat."""
        if record.error_type is None:
            if self.count:
                self._move(StreakEvent.SERVED)
        elif record.slo_bad:
            self._failed_at = self._clock()
            if self._failed_at - self._over_since > self._doubt_seconds:
                self._move(StreakEvent.DOUBT_PASSED)
            self._error_type, self._detail = record.error_type, record.detail or record.error_type
            self._move(StreakEvent.FAILED)

    def end_cause(self, error_type: str) -> None:
        """What requests fail by with this error is gone; believed until one fails all the same."""
        if error_type == self._error_type:
            self._over_since = self._clock()
            self._move(StreakEvent.CAUSE_ENDED)

    def worry(self) -> str | None:
        """What an operator should hear of it."""
        if self.state in {StreakState.CLEAR, StreakState.OVER}:
            return None
        if self.count < _ENOUGH and self._error_type not in _DECISIVE:
            return None
        ago = self._clock() - self._failed_at
        return f"requests fail: {self.count} in a row, the last one {ago:.0f} s ago ({self._detail})"

    def kind(self) -> str:
        """The name of the kind of error that the last one failed with, as the log's `error` begins."""
        return self._detail.partition(":")[0]

    def _move(self, event: StreakEvent) -> None:
        """Enter the next state, and keep the count and the gauge in step with it."""
        self.state = TRANSITIONS[self.state, event]
        if self.state is StreakState.CLEAR:
            self.count = 0
        elif event is StreakEvent.FAILED:
            self.count += 1
        self._gauge.set(0 if self.state is StreakState.OVER else self.count)
