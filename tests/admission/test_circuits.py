"""Circuits: when a model is not asked any more, who probes it, and when it is asked again."""

from __future__ import annotations

import pytest

from app import errors
from app.admission.circuits import CIRCUIT_TIMES, MOST_MODELS, Circuits, CircuitTimes, State
from app.errors import GatewayError
from tests.admission.clock import Clock

MODEL = "GigaChat"
TIMES = CircuitTimes(attempts=4, failed_share=0.5, pause=10.0, stop_pause=300.0)


class Heard:
    """What an observer hears."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, int, bool]] = []

    def circuit_changed(self, model: str, state: int, *, stopped: bool) -> None:
        """Keep it."""
        self.changes.append((model, state, stopped))


class Bench:
    """Circuits with a clock and an observer of a test's own."""

    def __init__(self, times: CircuitTimes = TIMES) -> None:
        self.clock = Clock()
        self.heard = Heard()
        self.circuits = Circuits(self.heard, times, self.clock)

    def do(self, what: str, model: str = MODEL) -> str:
        """One thing that happens to a circuit, in a word; what came of it."""
        match what.split():
            case ["begin"]:
                try:
                    return "probe" if self.circuits.begin(model) else "goes"
                except GatewayError as error:
                    return error.kind.name
            case ["fail"]:
                self.circuits.record_failure(model)
            case ["succeed"]:
                self.circuits.record_success(model, self.clock.now)
            case ["stop"]:
                self.circuits.record_stop(model)
            case ["abandon"]:
                self.circuits.abandon(model)
            case ["back"]:
                self.circuits.try_soon()
            case ["pass", seconds]:
                self.clock.move(float(seconds))
        return ""

    def open(self, model: str = MODEL) -> None:
        """Open a circuit by failures."""
        for _ in range(TIMES.attempts):
            self.do("fail", model)


NO, STOPPED = "upstream_unavailable", "upstream_stopped"
FAILED = ["fail"] * 4
PROBED = [*FAILED, "pass 10", "begin"]

# What happens -> what each `begin` of it brings.
TABLE: dict[str, tuple[list[str], list[str]]] = {
    "closed": (["begin"], ["goes"]),
    "too few failures": (["fail"] * 3 + ["begin"], ["goes"]),
    "all fail": ([*FAILED, "begin"], [NO]),
    "half of them fail": (["succeed", "succeed", "fail", "fail", "begin"], [NO]),
    "fewer than half fail": (["succeed"] * 3 + ["fail"] * 2 + ["begin"], ["goes"]),
    "failures of long ago": (["fail"] * 3 + ["pass 31", "fail", "begin"], ["goes"]),
    "failures of a while ago": (["fail"] * 3 + ["pass 20", "fail", "begin"], [NO]),
    "open until its time is over": ([*FAILED, "pass 9.9", "begin", "pass 0.1", "begin"], [NO, "probe"]),
    "one probe": ([*PROBED, "begin", "begin"], ["probe", NO, NO]),
    "the probe succeeds": ([*PROBED, "succeed", "begin"], ["probe", "goes"]),
    "after it all begins anew": ([*PROBED, "succeed", *["fail"] * 3, "begin"], ["probe", "goes"]),
    "the probe fails": ([*PROBED, "fail", "pass 9", "begin", "pass 1", "begin"], ["probe", NO, "probe"]),
    "another one fails beside the probe": ([*PROBED, "fail", "succeed", "begin"], ["probe", NO]),
    "the probe leaves": ([*PROBED, "abandon", "begin"], ["probe", "probe"]),
    "no probe leaves": ([*FAILED, "abandon", "begin"], [NO]),
    "leaves a closed one": (["abandon", "begin"], ["goes"]),
    "succeeds while it is open": ([*FAILED, "pass 9", "succeed", "begin"], [NO]),
    "fails while it is open": ([*FAILED, "pass 9", "fail", "pass 1", "begin"], ["probe"]),
    "a stop": (["stop", "begin", "pass 299", "begin", "pass 1", "begin"], [STOPPED, STOPPED, "probe"]),
    "a stop of an open one": ([*FAILED, "stop", "begin", "pass 10", "begin"], [STOPPED, STOPPED]),
    "the probe is stopped": (["stop", "pass 300", "begin", "stop", "pass 10", "begin"], ["probe", STOPPED]),
    "the probe of a stop fails": (["stop", "pass 300", "begin", "fail", "pass 10", "begin"], ["probe", STOPPED]),
    "a stop is over": (["stop", "pass 300", "begin", "succeed", *PROBED, "begin"], ["probe", "probe", NO]),
    "the probe of a stop leaves": (["stop", "pass 300", "begin", "abandon", "begin"], ["probe", "probe"]),
    "GigaChat is back": ([*FAILED, "back", "begin", "begin"], ["probe", NO]),
    "GigaChat is back, the stop stays": (["stop", "back", "begin"], [STOPPED]),
    "GigaChat is back while one probes": ([*PROBED, "back", "begin"], ["probe", NO]),
}


@pytest.mark.parametrize("name", TABLE)
def test_every_transition(name: str) -> None:
    """Who goes, who probes, who is refused, and with which error."""
    happens, expected = TABLE[name]
    bench = Bench()
    assert [came for what in happens if (came := bench.do(what))] == expected


def test_refusals_say_when_to_come_back() -> None:
    """The time to the next probe; a second at least, also while one is under way."""
    bench = Bench()
    bench.open()
    bench.clock.move(3)
    with pytest.raises(GatewayError) as refused:
        bench.circuits.refuse_if_open(MODEL)
    assert (refused.value.kind, refused.value.retry_after) == (errors.UPSTREAM_UNAVAILABLE, 7.0)
    bench.clock.move(7)
    bench.circuits.refuse_if_open(MODEL)
    assert bench.circuits.begin(MODEL)
    bench.clock.move(5)
    with pytest.raises(GatewayError) as refused:
        bench.circuits.refuse_if_open(MODEL)
    assert refused.value.retry_after == 1.0
    bench.do("stop")
    with pytest.raises(GatewayError) as refused:
        bench.circuits.refuse_if_open(MODEL)
    assert (refused.value.kind, refused.value.retry_after) == (errors.UPSTREAM_STOPPED, 300.0)


def test_who_only_looks_takes_no_probe() -> None:
    """A request that still has to wait for its turn looks first; the probe is the one that goes."""
    bench = Bench()
    bench.open()
    bench.clock.move(10)
    for _ in range(3):
        bench.circuits.refuse_if_open(MODEL)
    assert bench.circuits.begin(MODEL)


def test_each_model_has_its_own() -> None:
    """One model's failures do not keep another from being asked."""
    bench = Bench()
    bench.open("GigaChat-Max")
    bench.do("stop", "GigaChat-Pro")
    assert bench.circuits.open_models() == ["GigaChat-Max", "GigaChat-Pro"]
    assert bench.do("begin") == "goes"
    assert bench.do("begin", "never named before") == "goes"
    assert bench.do("begin", "GigaChat-Max") == NO
    bench.clock.move(10)
    assert bench.do("begin", "GigaChat-Max") == "probe"
    bench.do("succeed", "GigaChat-Max")
    assert bench.circuits.open_models() == ["GigaChat-Pro"]


def test_misspelt_names_push_no_failing_model_out() -> None:
    """Names come from clients: of those that are asked the one that came first is forgotten."""
    bench = Bench()
    bench.open()
    for number in range(10 * MOST_MODELS):
        bench.do("succeed", f"misspelt-{number}")
    assert bench.do("begin") == NO
    bench.open("GigaChat-Max")
    assert bench.do("begin", "GigaChat-Max") == NO


def test_failing_models_beyond_the_cap_share_one() -> None:
    """So many are told apart, and no more are kept."""
    bench = Bench()
    known = [f"model-{number}" for number in range(MOST_MODELS)]
    for model in known:
        bench.do("stop", model)
    for number in range(TIMES.attempts):
        bench.do("fail", f"another-{number}")
    assert len(bench.circuits.open_models()) == MOST_MODELS + 1
    assert bench.do("begin", "a third") == NO
    bench.clock.move(10)
    assert [bench.do("begin", model) for model in ("a fourth", "a fifth")] == ["probe", NO]
    bench.do("succeed", "a fourth")
    assert bench.do("begin", "a fifth") == "goes"


def test_what_an_observer_hears() -> None:
    """Each change once, with what it was by."""
    bench = Bench()
    bench.open()
    bench.do("fail")
    bench.do("pass 10")
    bench.do("begin")
    bench.do("begin")
    bench.do("succeed")
    bench.do("succeed")
    bench.do("stop")
    opened, half_open, closed = State.OPEN.value, State.HALF_OPEN.value, State.CLOSED.value
    assert bench.heard.changes == [
        (MODEL, opened, False),
        (MODEL, half_open, False),
        (MODEL, closed, False),
        (MODEL, opened, True),
    ]


def test_an_attempt_that_began_long_ago_forgets_nothing() -> None:
    """An answer counts from its beginning: the failures that came since are still there."""
    bench = Bench()
    begun = bench.clock.now
    bench.clock.move(12)
    for _ in range(3):
        bench.do("fail")
    bench.circuits.record_success(MODEL, begun)
    bench.do("fail")
    assert bench.do("begin") == NO


def test_what_began_before_a_stop_does_not_end_it() -> None:
    """Requests that were under way when the model was stopped may still be answered: that says nothing of new ones."""
    bench = Bench()
    begun = bench.clock.now
    bench.clock.move(1)
    bench.do("stop")
    bench.clock.move(1)
    bench.circuits.record_success(MODEL, begun)
    assert bench.do("begin") == STOPPED


def test_a_probe_that_had_its_slot_before() -> None:
    """A request may get its slot a moment before the circuit opens, and be the probe: it closes the circuit."""
    bench = Bench()
    begun = bench.clock.now
    bench.clock.move(0.001)
    bench.open()
    bench.do("back")
    assert bench.do("begin") == "probe"
    bench.circuits.record_success(MODEL, begun)
    assert bench.do("begin") == "goes"


@pytest.mark.parametrize(
    ("successes", "failures", "opens"), [(0, 19, False), (0, 20, True), (10, 10, True), (11, 10, False)]
)
def test_the_times_of_every_gateway(successes: int, failures: int, opens: bool) -> None:
    """At least 20 attempts in half a minute, half of which failed."""
    bench = Bench(CIRCUIT_TIMES)
    for _ in range(successes):
        bench.do("succeed")
    for _ in range(failures):
        bench.do("fail")
    assert bench.do("begin") == (NO if opens else "goes")
