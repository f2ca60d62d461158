"""The benchmark's command line: `python -m tests.bench --help`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import orjson

from . import document, load, measure, processes, report, verify

ROUNDS, QUICK_ROUNDS = 10, 3
STARTS, QUICK_STARTS = 5, 2
FAILED = 2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="The gateway's cost beside bare aiohttp's."
    )
    parser.add_argument("--rounds", type=int, choices=range(1, 51), metavar="N", help=f"rounds ({ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: under half a minute")
    parser.add_argument("--only", choices=(*measure.KINDS, "start"), help="one measurement alone")
    parser.add_argument("--noise", action="store_true", help="bare in both roles: how far from 1.00 chance alone goes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--docs", action="store_true", help=f"write the table into {document.PAGE.name}")
    parser.add_argument("--gate", action="store_true", help="exit with 1 when a goal is missed")
    return document.parse(parser, "rounds", "quick", "only", "noise")


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<40}", end="", file=sys.stderr, flush=True)


def _measure(
    arguments: argparse.Namespace,
) -> tuple[list[measure.Comparison], dict[str, measure.Starts] | None]:
    subject = measure.REFERENCE if arguments.noise else "gateway"
    rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else ROUNDS)
    wanted = tuple(one for one in measure.scenarios(arguments.quick) if arguments.only in (None, one.kind))
    comparisons: list[measure.Comparison] = []
    started = None
    with processes.launcher() as launcher:
        if launcher.cores.proxy == launcher.cores.load:
            print("only one core: proxy and load disturb each other", file=sys.stderr)
        if wanted:
            comparisons = measure.compare(launcher, wanted, subject, rounds, _tell)
        if arguments.only in (None, "start"):
            started = measure.starts(launcher, subject, QUICK_STARTS if arguments.quick else STARTS, _tell)
    _tell("")
    return comparisons, started


def main() -> int:
    """Measure, print, judge."""
    arguments = _arguments()
    document.end_on_signals()
    try:
        comparisons, started = _measure(arguments)
    except (load.LoadFailed, verify.WrongAnswer, processes.NotReady) as error:
        print(f"failed: {error}", *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return document.INTERRUPTED
    table = report.rows(comparisons, started)
    if arguments.noise:
        print("bare in both roles")
    print(report.HEADER, *(row.line() for row in table), sep="\n")
    if comparisons:
        print("\nlatency under load, ms", *report.latency_lines(comparisons), sep="\n")
    if arguments.json is not None:
        arguments.json.write_bytes(orjson.dumps(report.as_json(comparisons, started), option=orjson.OPT_INDENT_2))
    if arguments.docs:
        document.write("bench", "make bench", report.markdown(table))
    return 1 if arguments.gate and not all(row.met for row in table) else 0


if __name__ == "__main__":
    sys.exit(main())
