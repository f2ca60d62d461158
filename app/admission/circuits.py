"""Circuits: a model that fails again and again is not asked for a while, and refusals are instant.

    CLOSED ──too many failures, or a stop──▶ OPEN ──its time is over──▶ HALF_OPEN ──the probe succeeds──▶ CLOSED
                                              ▲────────the probe fails────┘

Half open, one request goes as a probe, and all others are refused as before. A stop event of GigaChat (423) opens a
model's circuit at once and for longer.
Source: M. Nygard, "Release It!", "Circuit Breaker".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from time import monotonic
from typing import Protocol

from app import errors
from app.admission.recent_counts import RecentCounts
from app.errors import GatewayError

MOST_MODELS = 64  # names of models come from clients; more that fail at a time share one circuit
_OTHER = "other"
_PART_SECONDS, _PARTS = 5.0, 6


@dataclass(frozen=True, slots=True)
class CircuitTimes:
    """When circuits open, and for how long (seconds). `CIRCUIT_TIMES` are every gateway's; tests pass shorter ones."""

    attempts: int = 20  # at least so many in half a minute, half of which failed
    failed_share: float = 0.5
    pause: float = 10.0
    stop_pause: float = 300.0


CIRCUIT_TIMES = CircuitTimes()


class State(Enum):
    """A circuit's state; the value is what the metric shows."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class CircuitObserver(Protocol):
    """Hears of circuits that change."""

    def circuit_changed(self, model: str, state: int, *, stopped: bool) -> None:
        """A model's circuit has this state now; `stopped`: by a stop event."""


class _Circuit:
    """One model's circuit, with its attempts of the last half minute, and those of them that failed."""

    __slots__ = ("counts", "is_stopped", "model", "state", "until")

    def __init__(self, model: str) -> None:
        self.model = model
        self.state = State.CLOSED
        self.until = 0.0  # while it is open
        self.is_stopped = False
        self.counts = RecentCounts(_PARTS, _PART_SECONDS)


class Circuits:
    """The circuits of all models."""

    def __init__(
        self, observer: CircuitObserver, times: CircuitTimes = CIRCUIT_TIMES, clock: Callable[[], float] = monotonic
    ) -> None:
        self._observer = observer
        self._times = times
        self._clock = clock
        self._circuits: dict[str, _Circuit] = {}
        self._troubled: dict[str, _Circuit] = {}  # those that are not closed

    def open_models(self) -> list[str]:
        """The models that are not asked at the moment."""
        now = self._clock()
        return sorted(circuit.model for circuit in self._troubled.values() if now < circuit.until)

    def refuse_if_open(self, model: str) -> None:
        """Raise GatewayError while a model is not asked."""
        circuit = self._find_troubled(model)
        if circuit is not None and self._clock() < circuit.until:
            raise _refusal(circuit, circuit.until - self._clock() if circuit.state is State.OPEN else 0.0)

    def begin(self, model: str) -> bool:
        """An attempt begins. Returns whether it is the probe of a circuit whose time is over.

        Raises GatewayError while the circuit is open.
        """
        if not self._troubled:
            return False
        self.refuse_if_open(model)
        circuit = self._find_troubled(model)
        if circuit is None:
            return False
        # one that takes long does not keep all others out
        circuit.until = self._clock() + self._find_pause(circuit)
        self._change(circuit, State.HALF_OPEN)
        return True

    def record_success(self, model: str, begun: float) -> None:
        """GigaChat answered, be it with a refusal of the request.

        `begun`: the attempt, on the monotonic clock; it is counted as if it had come then, which spares a look at the
        clock. While the circuit is open, the attempt is from before it opened: that says nothing about what would begin
        now. Half open, any success closes it: GigaChat answers.
        """
        circuit = self._circuits.get(model) or self._find(model)
        counts = circuit.counts
        if begun >= counts.part_ends:
            counts.begin_parts(begun)
        counts.all[-1] += 1
        if circuit.state is State.HALF_OPEN:
            self._close(circuit)

    def record_failure(self, model: str) -> None:
        """GigaChat failed to answer."""
        circuit, now = self._find(model), self._clock()
        counts = circuit.counts
        if now >= counts.part_ends:
            counts.begin_parts(now)
        counts.all[-1] += 1
        counts.some[-1] += 1
        attempts, failures = sum(counts.all), sum(counts.some)
        is_bad = attempts >= self._times.attempts and failures >= self._times.failed_share * attempts
        if circuit.state is State.HALF_OPEN or (circuit.state is State.CLOSED and is_bad):
            self._open(circuit, now + self._find_pause(circuit))

    def record_stop(self, model: str) -> None:
        """GigaChat has stopped the model."""
        circuit = self._find(model)
        circuit.is_stopped = True
        self._open(circuit, self._clock() + self._find_pause(circuit))

    def abandon(self, model: str) -> None:
        """An attempt ended without a verdict: if it was the probe, the next request is."""
        circuit = self._find_troubled(model)
        if circuit is not None and circuit.state is State.HALF_OPEN:
            self._open(circuit, self._clock())

    def try_soon(self) -> None:
        """GigaChat has come back: whatever failed, but for stopped models, may be tried at once."""
        for circuit in self._troubled.values():
            if circuit.state is State.OPEN and not circuit.is_stopped:
                circuit.until = min(circuit.until, self._clock())

    def _find_pause(self, circuit: _Circuit) -> float:
        """For how many seconds it is open."""
        return self._times.stop_pause if circuit.is_stopped else self._times.pause

    def _find(self, model: str) -> _Circuit:
        circuit = self._circuits.get(model)
        if circuit is None:
            if len(self._circuits) >= MOST_MODELS:
                self._forget_one()
            name = model if len(self._circuits) < MOST_MODELS else _OTHER
            circuit = self._circuits.setdefault(name, _Circuit(name))
        return circuit

    def _forget_one(self) -> None:
        """Make room: forget the model that came first of those that are asked."""
        for name in self._circuits:
            if name not in self._troubled and name != _OTHER:
                del self._circuits[name]
                return

    def _find_troubled(self, model: str) -> _Circuit | None:
        """The model's circuit if it is not closed."""
        if not self._troubled:
            return None
        return self._troubled.get(model) or (None if model in self._circuits else self._troubled.get(_OTHER))

    def _open(self, circuit: _Circuit, until: float) -> None:
        circuit.until = until
        self._troubled[circuit.model] = circuit
        self._change(circuit, State.OPEN)

    def _close(self, circuit: _Circuit) -> None:
        circuit.is_stopped = False
        circuit.counts = RecentCounts(_PARTS, _PART_SECONDS)
        self._troubled.pop(circuit.model, None)
        self._change(circuit, State.CLOSED)

    def _change(self, circuit: _Circuit, state: State) -> None:
        if state is not circuit.state:
            circuit.state = state
            self._observer.circuit_changed(circuit.model, state.value, stopped=circuit.is_stopped)


def _refusal(circuit: _Circuit, seconds: float) -> GatewayError:
    wait = max(1.0, seconds)
    if circuit.is_stopped:
        message = "GigaChat has stopped this model for technical reasons. Name another model, or try again later."
        return GatewayError(errors.UPSTREAM_STOPPED, message, retry_after=wait)
    message = "GigaChat fails at most requests of this model, and is given a moment. Try again shortly."
    return GatewayError(errors.UPSTREAM_UNAVAILABLE, message, retry_after=wait)
