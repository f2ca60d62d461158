"""The page of figures: each command rewrites its own block between two markers, with where and when it was measured."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from .processes import ROOT

PAGE = ROOT / "docs" / "performance.md"
INTERRUPTED = 128 + signal.SIGINT


def end_on_signals() -> None:
    """Leave by SystemExit when asked to, so that the processes under measurement are ended too."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))


def parse(parser: argparse.ArgumentParser, *lessening: str) -> argparse.Namespace:
    """The arguments. The page takes a whole run: not with the options that make it less."""
    arguments = parser.parse_args()
    given = [f"--{name}" for name in lessening if getattr(arguments, name) != parser.get_default(name)]
    if arguments.docs and given:
        parser.error(f"--docs writes the table of a whole run: leave out {', '.join(given)}")
    return arguments


def write(name: str, command: str, lines: Iterable[str], page: Path = PAGE) -> None:
    """Put a table between the markers of that name. Raises ValueError where the page has none."""
    before, begin, rest = page.read_text("utf-8").partition(f"<!-- {name}:begin -->\n")
    _, end, after = rest.partition(f"<!-- {name}:end -->")
    if not begin or not end:
        raise ValueError(f"no markers of {name!r} in {page}")
    block = "\n".join((f"`{command}`: {describe()}", "", *lines, ""))
    page.write_text(f"{before}{begin}{block}{end}{after}", "utf-8")


def describe() -> str:
    """Machine, Python, day, commit."""
    cores = len(os.sched_getaffinity(0))
    python = platform.python_version()
    day = datetime.datetime.now(datetime.UTC).date()
    return f"{cores} cores ({_processor()}), Python {python}, {day}, commit {_commit()}."


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "app")
        return git("rev-parse", "--short", "HEAD") + (" and changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
