"""Thousands of slow streams through the gateway: `python -m tests.bench.streams --help`.

The gateway has a core of its own; the fake GigaChat and the load share another. The same streams straight from the fake
GigaChat show what these two add by themselves.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
import uvloop

from . import document, processes, slow, stream_load
from .figures import percentile
from .stream_load import Plan, Times

STREAMS = (2000, 9900)
RATE, HOLD_SECONDS = 300.0, 20.0
SETTLE_SECONDS = 3.0  # connections close, their tasks end
FILES_BESIDE = 200  # open files that are no streams
FAILED = 2
# By default 4096 clients may be connected.
SETTINGS = {"GPT2GIGA_MAX_CONNECTIONS": "20000"}


@dataclass(slots=True, frozen=True)
class Goal:
    """The most that a chunk's delay may be, in milliseconds, and a stream's memory, in KiB."""

    delay_p99_ms: float
    kilobytes: float | None = None


GOALS = {2000: Goal(2.0), 9900: Goal(30.0, 30.0)}


@dataclass(slots=True, frozen=True)
class Outcome:
    """One number of streams: figures of the first round, memory of both (MiB), the same streams without a gateway."""

    streams: int
    times: Times
    direct: Times
    idle: float
    after: float
    again_peak: float
    again_after: float
    again_errors: int

    @property
    def kilobytes(self) -> float:
        """KiB a stream at the peak."""
        return (self.times.peak_megabytes - self.idle) * 1024 / self.streams

    @property
    def errors(self) -> int:
        """Streams that failed, in both rounds."""
        return self.times.errors.total() + self.again_errors

    @property
    def met(self) -> bool:
        """No error, delay and memory within the goal, where there is one for this number; all ran at the same time."""
        goal = GOALS.get(self.streams)
        if not self.times.delays:
            return False
        if goal is None:
            return not self.errors
        late = percentile(self.times.delays, 99) > goal.delay_p99_ms
        return not self.errors and not late and (goal.kilobytes is None or self.kilobytes <= goal.kilobytes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.streams", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--streams", type=int, nargs="+", default=STREAMS, metavar="N", help="how many (2000 9900)")
    parser.add_argument("--rate", type=float, default=RATE, help=f"streams opened a second ({RATE:g})")
    parser.add_argument("--hold", type=float, default=HOLD_SECONDS, help=f"seconds that all run ({HOLD_SECONDS:g})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--docs", action="store_true", help=f"write the table into {document.PAGE.name}")
    parser.add_argument("--gate", action="store_true", help="exit with 1 when a goal is missed")
    return document.parse(parser, "streams", "rate", "hold")


def _run(plan: Plan, process: processes.Process, *, probe: bool) -> Times:
    return uvloop.run(stream_load.drive(plan, process.port, process.rss_megabytes, probe=probe))


def _measure(launcher: processes.Launcher, plan: Plan) -> Outcome:
    """Two rounds through one gateway, then one straight from the fake GigaChat."""
    with launcher.upstream() as upstream, launcher.proxy("gateway", upstream.port, SETTINGS) as gateway:
        gateway.wait(processes.ask_chat)
        time.sleep(SETTLE_SECONDS)
        idle = gateway.rss_megabytes()
        first = _run(plan, gateway, probe=True)
        time.sleep(SETTLE_SECONDS)
        after = gateway.rss_megabytes()
        again = _run(plan, gateway, probe=True)
        time.sleep(SETTLE_SECONDS)
        again_after = gateway.rss_megabytes()
        direct = _run(plan, upstream, probe=False)
    return Outcome(plan.streams, first, direct, idle, after, again.peak_megabytes, again_after, again.errors.total())


def table(outcomes: list[Outcome]) -> Iterator[str]:
    """Lines of Markdown, one column for each number of streams."""
    yield "| | " + " | ".join(f"{one.streams:,} streams" for one in outcomes) + " |"
    yield "|---" * (len(outcomes) + 1) + "|"
    for name, cells in _rows(outcomes):
        yield f"| {name} | " + " | ".join(cells) + " |"


def _rows(outcomes: list[Outcome]) -> Iterator[tuple[str, list[str]]]:
    def pair(values: Sequence[float], low: int = 50, high: int = 99) -> str:
        if not values:
            return "never did all run"
        return f"{percentile(values, low):.1f} / {percentile(values, high):.1f}"

    yield "streams with an error, both rounds", [str(one.errors) for one in outcomes]
    yield "first token while streams are opened, p50 / p99, ms", [pair(one.times.first) for one in outcomes]
    yield "a chunk's delay once all run, p50 / p99, ms", [pair(one.times.delays) for one in outcomes]
    yield "the same without a gateway", [pair(one.direct.delays) for one in outcomes]
    yield "gap between chunks, p50 / p99, ms", [pair(one.times.gaps) for one in outcomes]
    yield "longest wait for `/livez`, ms", [f"{1000 * max(one.times.probes, default=0):.0f}" for one in outcomes]
    yield "memory: idle, MiB", [f"{one.idle:.1f}" for one in outcomes]
    yield "at the peak, KiB a stream", [f"{one.kilobytes:.1f}" for one in outcomes]
    yield (
        "at the peak, MiB: first round, second",
        [f"{one.times.peak_megabytes:.0f}, {one.again_peak:.0f}" for one in outcomes],
    )
    yield (
        "when all have ended, MiB: first round, second",
        [f"{one.after:.1f}, {one.again_after:.1f}" for one in outcomes],
    )
    yield (
        "goal: delay p99, ms",
        [f"{goal.delay_p99_ms:g}" if (goal := GOALS.get(one.streams)) else "" for one in outcomes],
    )
    yield (
        "goal: KiB a stream",
        [f"{goal.kilobytes:g}" if (goal := GOALS.get(one.streams)) and goal.kilobytes else "" for one in outcomes],
    )
    yield "no error and within the goals", ["yes" if one.met else "no" for one in outcomes]


def _as_json(outcome: Outcome) -> dict[str, object]:
    found: dict[str, object] = {
        name: value for name, value in asdict(outcome).items() if name not in {"times", "direct"}
    }
    for name, times in (("gateway", outcome.times), ("direct", outcome.direct)):
        found[name] = {
            "errors": dict(times.errors),
            "peak_megabytes": times.peak_megabytes,
            **{
                f"{what}_p{share}_ms": percentile(getattr(times, what), share)
                for what in ("first", "delays", "gaps", "probes")
                for share in (50, 99, 100)
            },
        }
    return found


def main() -> int:
    """Measure, print, judge."""
    arguments = _arguments()
    document.end_on_signals()
    most = (slow.raise_file_limit() - FILES_BESIDE) // 2
    gc.disable()
    outcomes = []
    try:
        with processes.launcher() as launcher:
            for wanted in arguments.streams:
                if wanted > most:
                    print(f"{most} streams instead of {wanted}: the limit of open files", file=sys.stderr)
                outcomes.append(_measure(launcher, Plan(min(wanted, most), arguments.rate, arguments.hold)))
                gc.collect()
    except processes.NotReady as error:
        print(f"failed: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return document.INTERRUPTED
    lines = list(table(outcomes))
    print(*lines, sep="\n")
    for outcome in outcomes:
        if outcome.times.errors:
            print(outcome.streams, dict(outcome.times.errors), file=sys.stderr)
    if arguments.json is not None:
        arguments.json.write_bytes(orjson.dumps([_as_json(one) for one in outcomes], option=orjson.OPT_INDENT_2))
    if arguments.docs:
        document.write("streams", "make bench-streams", lines)
    return 1 if arguments.gate and not all(outcome.met for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
