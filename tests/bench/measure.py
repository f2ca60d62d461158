"""The rounds: bare and gateway in turn under the same load, CPU time read before and after each."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from . import load, payloads, verify
from .figures import percentile
from .processes import Launcher, Process, ask_chat
from .steadiness import Ratios, probe

REFERENCE = "bare"
SETTLE_SECONDS = 0.01  # what a proxy does after the last answer is part of its cost


@dataclass(slots=True, frozen=True)
class Scenario:
    """One kind of load; CPU is told per `unit`, of which a request holds `chunks` or one.

    A round is `pairs` short turns of each proxy: what disturbs the machine mostly lasts longer than a pair of them.
    """

    kind: str
    shape: str
    unit: str
    per_second: float
    count: int
    concurrency: int
    chunks: int = 0
    stagger: float = 0.0
    pairs: int = 1
    payload: str = "2k"

    @property
    def name(self) -> str:
        """The kind; whole requests differ by their size."""
        return self.kind if self.shape != payloads.WHOLE else f"{self.kind} {self.payload}"

    def check(self, exchanges: list[load.Exchange]) -> None:
        """Every answer is what it should be."""
        for exchange in exchanges:
            verify.answer(exchange.raw, self.chunks)


KINDS = ("request", "burst", "paced", "first")


def scenarios(quick: bool) -> tuple[Scenario, ...]:
    """The loads: a second or two of each proxy's work per round, less when quick."""
    streams, pairs = 50, 2 if quick else 6
    counts = {"2k": 750, "9k": 500, "60tools": 150}
    requests = tuple(
        Scenario("request", payloads.WHOLE, "ms/request", 1e3, counts[name], 16, pairs=pairs, payload=name)
        for name in payloads.PAYLOADS
        if name in counts
    )
    burst = Scenario("burst", payloads.BURST, "us/chunk", 1e6, 75, 8, chunks=200, pairs=pairs)
    paced = Scenario(
        "paced",
        payloads.PACED,
        "us/chunk",
        1e6,
        streams,
        streams,
        50 if quick else 100,
        payloads.PACE_SECONDS / streams,
        pairs=1 if quick else 2,
    )
    first = Scenario("first", payloads.BURST, "us/chunk", 1e6, 200, 1, chunks=10, pairs=pairs)
    return (*requests, burst, paced, first)


@dataclass(slots=True)
class Figures:
    """What one proxy did in one scenario: CPU per unit for each turn, seconds for each answer."""

    cpu: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    total: list[float] = field(default_factory=list)

    def latency_ms(self) -> dict[str, float]:
        """Percentiles: extra information, since they depend on the machine more than on the proxy."""
        return {
            "first_p50": percentile(self.first, 50),
            "first_p99": percentile(self.first, 99),
            "total_p50": percentile(self.total, 50),
            "total_p99": percentile(self.total, 99),
        }


@dataclass(slots=True, frozen=True)
class Comparison:
    """One scenario: the two proxies' figures, and gateway to bare for each pair of turns."""

    scenario: Scenario
    bare: Figures = field(default_factory=Figures)
    gateway: Figures = field(default_factory=Figures)
    ratios: Ratios = field(default_factory=Ratios)


@dataclass(slots=True)
class Starts:
    """Seconds from the start to the first 200, megabytes right after it."""

    seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)


def turn(scenario: Scenario, process: Process, figures: Figures | None = None) -> None:
    """Load one proxy once; without figures it is a warm-up."""
    request = payloads.http(payloads.body(scenario.payload, scenario.shape, scenario.chunks), process.port)
    plan = load.Plan(request, scenario.count, scenario.concurrency, scenario.stagger)
    before = process.cpu_seconds()
    try:
        exchanges = load.run(plan, process.port)
        time.sleep(SETTLE_SECONDS)
        spent = process.cpu_seconds() - before
        scenario.check(exchanges)
    except (load.LoadFailed, verify.WrongAnswer) as error:
        error.add_note(f"{process.name}, {scenario.name}\n{process.tail()}")
        raise
    if figures is not None:
        figures.cpu.append(spent * scenario.per_second / (scenario.count * max(1, scenario.chunks)))
        figures.first += [exchange.first for exchange in exchanges]
        figures.total += [exchange.total for exchange in exchanges]


def _pairs(
    comparison: Comparison,
    processes: tuple[Process, Process],
    count: int,
    core: int,
    tell: Callable[[str], None],
) -> None:
    """The pairs of turns of one scenario, each the other way round than the one before."""
    scenario = comparison.scenario
    turns = list(zip(processes, (comparison.bare, comparison.gateway), strict=True))
    for process, _ in turns:
        turn(scenario, process)
    for index in range(count):
        probes = [probe(core)]
        for process, figures in turns:
            turn(scenario, process, figures)
            probes.append(probe(core))
        turns.reverse()
        comparison.ratios.add(comparison.gateway.cpu[-1] / comparison.bare.cpu[-1], probes)
        tell(f"{scenario.name} {index + 1}/{count}: {comparison.ratios.all[-1]:.2f}")


def compare(
    launcher: Launcher,
    wanted: tuple[Scenario, ...],
    subject: str,
    rounds: int,
    tell: Callable[[str], None],
) -> list[Comparison]:
    """Both proxies alive, one under load at a time."""
    found = []
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(launcher.upstream())
        bare = stack.enter_context(launcher.proxy(REFERENCE, upstream.port))
        gateway = stack.enter_context(launcher.proxy(subject, upstream.port))
        for process in (bare, gateway):
            process.wait(ask_chat)
        for scenario in wanted:
            comparison = Comparison(scenario)
            _pairs(comparison, (bare, gateway), rounds * scenario.pairs, launcher.cores.proxy, tell)
            found.append(comparison)
    return found


def starts(launcher: Launcher, subject: str, times: int, tell: Callable[[str], None]) -> dict[str, Starts]:
    """Start each proxy several times, in turn, after one start that leaves compiled modules and warm files behind."""
    found = {REFERENCE: Starts(), "gateway": Starts()}
    with launcher.upstream() as upstream:
        for index in range(times + 1):
            for role, name in ((REFERENCE, REFERENCE), ("gateway", subject)):
                with launcher.proxy(name, upstream.port) as process:
                    seconds = process.wait(ask_chat)
                    megabytes = process.rss_megabytes()
                if index:
                    found[role].seconds.append(seconds)
                    found[role].megabytes.append(megabytes)
                    tell(f"start {index}/{times}: {seconds:.2f} s")
    return found
