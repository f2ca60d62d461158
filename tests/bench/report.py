"""What is told at the end: the figures, the goals, whether they are met."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass

from .figures import percentile
from .measure import Comparison, Starts

# Gateway to bare. Bare has no keys, limits, metrics or logs: what these may cost.
RATIO_GOALS = {"request 2k": 1.6, "request 9k": 1.6, "request 60tools": 1.8, "burst": 1.3, "paced": 1.2}
# How much later than bare the first token comes, p99.
ADDED_GOAL_MS = 1.0
ADDED = ("first", "paced")
PARTS = 5
MEGABYTES_GOAL = 46.0
SECONDS_GOAL = 0.5


@dataclass(slots=True, frozen=True)
class Row:
    """One line of the table; `value` is what the goal is about.

    The spread is the middle half of the ratios, the least and most of the five parts of a run for what is added, or
    the best and worst of the starts.
    """

    name: str
    bare: float
    gateway: float
    value: float
    low: float
    high: float
    goal: float

    @property
    def met(self) -> bool:
        """The goal itself is still good."""
        return self.value <= self.goal

    def line(self) -> str:
        """The row as text."""
        verdict = "yes" if self.met else "NO"
        cells = f"{self.bare:9.3g} {self.gateway:9.3g} {self.value:8.2f} {self.low:7.2f} .. {self.high:<6.2f}"
        return f"{self.name:<{NAME_WIDTH}}{cells} <= {self.goal:<5g} {verdict}"

    def markdown(self) -> str:
        """The row as Markdown."""
        spread = f"{self.low:.2f} to {self.high:.2f}"
        cells = (f"{self.bare:.3g}", f"{self.gateway:.3g}", f"{self.value:.2f}", spread, f"{self.goal:g}")
        return f"| {self.name} | {' | '.join(cells)} | {'yes' if self.met else 'no'} |"


NAME_WIDTH = 34
HEADER = f"{'':<{NAME_WIDTH}}{'bare':>9} {'gateway':>9} {'figure':>8} {'spread':>13}     {'goal':<8} met"


def markdown(table: list[Row]) -> list[str]:
    """The table as Markdown."""
    head = "| | bare | gateway | figure | spread | goal: at most | met |"
    return [head, "|---" * 7 + "|", *(row.markdown() for row in table)]


def rows(comparisons: list[Comparison], started: dict[str, Starts] | None) -> list[Row]:
    """The table: ratios for CPU, the gateway's own figures for memory and start."""
    found = []
    for comparison in comparisons:
        scenario, ratios = comparison.scenario, comparison.ratios
        if scenario.name not in RATIO_GOALS:
            continue
        medians = statistics.median(comparison.bare.cpu), statistics.median(comparison.gateway.cpu)
        name = f"{scenario.name}, {scenario.unit}"
        found.append(Row(name, *medians, ratios.median, *middle(ratios.counted), RATIO_GOALS[scenario.name]))
    found += [_added(comparison) for comparison in comparisons if comparison.scenario.kind in ADDED]
    if started is not None:
        bare, gateway = started["bare"], started["gateway"]
        found.append(_own("memory idle, MB", bare.megabytes, gateway.megabytes, MEGABYTES_GOAL))
        found.append(_own("start, s", bare.seconds, gateway.seconds, SECONDS_GOAL))
    return found


def _added(comparison: Comparison) -> Row:
    """How much later the first token comes."""
    bare, gateway = comparison.bare.first, comparison.gateway.first
    step = -(-len(bare) // PARTS)
    parts = [_later(bare[at : at + step], gateway[at : at + step]) for at in range(0, len(bare), step)]
    name = f"first token p99, ms, c={comparison.scenario.concurrency}"
    ends = percentile(bare, 99), percentile(gateway, 99)
    return Row(name, *ends, _later(bare, gateway), min(parts), max(parts), ADDED_GOAL_MS)


def _later(bare: list[float], gateway: list[float]) -> float:
    return percentile(gateway, 99) - percentile(bare, 99)


def _own(name: str, bare: list[float], gateway: list[float], goal: float) -> Row:
    median = statistics.median(gateway)
    return Row(name, statistics.median(bare), median, median, min(gateway), max(gateway), goal)


def middle(values: list[float]) -> tuple[float, float]:
    """Where the middle half of the values lies."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def latency_lines(comparisons: list[Comparison]) -> list[str]:
    """Latencies under load: extra information."""
    found = []
    for comparison in comparisons:
        for name, figures in (("bare", comparison.bare), ("gateway", comparison.gateway)):
            cells = "  ".join(f"{key} {value:.1f}" for key, value in figures.latency_ms().items())
            found.append(f"{comparison.scenario.name:<16} {name:<8} {cells}")
    return found


def as_json(comparisons: list[Comparison], started: dict[str, Starts] | None) -> dict[str, object]:
    """Everything, for a file."""
    return {
        "table": [{**asdict(row), "met": row.met} for row in rows(comparisons, started)],
        "rounds": {
            comparison.scenario.name: {
                "unit": comparison.scenario.unit,
                "ratios": comparison.ratios.all,
                "ratios_steady": comparison.ratios.steady,
                **{
                    name: {"cpu": figures.cpu, "latency_ms": figures.latency_ms()}
                    for name, figures in (("bare", comparison.bare), ("gateway", comparison.gateway))
                },
            }
            for comparison in comparisons
        },
        "starts": {name: asdict(figures) for name, figures in (started or {}).items()},
    }
