"""What is told at the end: the figures, the goals, whether they are met."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass

from .measure import Comparison, Starts

# Gateway to bare. Bare has no keys, limits, metrics or logs; half as much again is what these may cost.
RATIO_GOALS = {"request": 1.5, "paced": 1.5, "burst": 1.6}
MEGABYTES_GOAL = 50.0
SECONDS_GOAL = 0.6


@dataclass(slots=True, frozen=True)
class Row:
    """One line of the table; `value` is what the goal is about.

    The spread is the middle half of the ratios, or the best and worst of the starts.
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
        return f"{self.name:<20}{cells} <= {self.goal:<5g} {verdict}"


HEADER = f"{'':<20}{'bare':>9} {'gateway':>9} {'figure':>8} {'spread':>13}     {'goal':<8} met"


def rows(comparisons: list[Comparison], started: dict[str, Starts] | None) -> list[Row]:
    """The table: ratios for CPU, the gateway's own figures for memory and start."""
    found = []
    for comparison in comparisons:
        scenario, ratios = comparison.scenario, comparison.ratios
        medians = statistics.median(comparison.bare.cpu), statistics.median(comparison.gateway.cpu)
        name = f"{scenario.name}, {scenario.unit}"
        found.append(Row(name, *medians, ratios.median, *_middle(ratios.counted), RATIO_GOALS[scenario.name]))
    if started is not None:
        bare, gateway = started["bare"], started["gateway"]
        found.append(_own("memory idle, MB", bare.megabytes, gateway.megabytes, MEGABYTES_GOAL))
        found.append(_own("start, s", bare.seconds, gateway.seconds, SECONDS_GOAL))
    return found


def _own(name: str, bare: list[float], gateway: list[float], goal: float) -> Row:
    median = statistics.median(gateway)
    return Row(name, statistics.median(bare), median, median, min(gateway), max(gateway), goal)


def _middle(values: list[float]) -> tuple[float, float]:
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
            found.append(f"{comparison.scenario.name:<8} {name:<8} {cells}")
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
