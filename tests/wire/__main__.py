"""The command line: `python -m tests.wire --help`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .comparison import differences, load
from .corpus import GROUPS
from .processes import NotStarted, Tree
from .recorder import record

_HERE = Path(__file__).resolve().parents[2]


def main() -> int:
    """Record or compare; the exit code: 0 done and equal, 1 different, 2 failed."""
    arguments = _parser().parse_args()
    code: int = arguments.run(arguments)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.wire", description="Holds what clients and operators see still.")
    commands = parser.add_subparsers(required=True, metavar="command")
    recording = commands.add_parser("record", help="run the corpus against a tree's sandbox and gateway")
    recording.add_argument("out", type=Path, help="the record, a JSON object a line")
    recording.add_argument("--tree", type=Path, default=_HERE, help="whose code runs (default: this one's)")
    recording.add_argument("--only", default="", help="groups and cases with this in `group / case`")
    recording.set_defaults(run=_record)
    comparing = commands.add_parser("compare", help="print what differs between two records")
    comparing.add_argument("first", type=Path)
    comparing.add_argument("second", type=Path)
    comparing.set_defaults(run=_compare)
    commands.add_parser("list", help="the corpus: groups, and how many requests each has").set_defaults(run=_list)
    return parser


def _record(arguments: argparse.Namespace) -> int:
    begun, count = time.monotonic(), 0
    groups = [part for group in GROUPS if (part := group.only(arguments.only)).cases]
    with arguments.out.open("w", encoding="utf-8") as out:

        def write(found: Mapping[str, Any]) -> None:
            nonlocal count
            count += "status" in found
            out.write(json.dumps(found) + "\n")
            out.flush()

        try:
            record(Tree(arguments.tree.resolve()), groups, write)
        except NotStarted as fault:
            print(fault, file=sys.stderr)
            return 2
    print(f"{count} requests in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    first, second = load(arguments.first), load(arguments.second)
    found = list(differences(first, second))
    print(f"{len(found)} differences in {len(first.keys() | second.keys())} records", file=sys.stderr)
    try:
        for text in found:
            # bytes of a body that are no UTF-8 are lone surrogates here
            print(text.encode("utf-8", "backslashreplace").decode())
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has seen enough; the interpreter's own flush at the end would meet it again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1 if found else 0


def _list(_arguments: argparse.Namespace) -> int:
    for group in GROUPS:
        print(f"{sum(len(case.steps) for case in group.cases):5}  {group.name}")
    print(f"{sum(len(case.steps) for group in GROUPS for case in group.cases):5}  requests")
    return 0


if __name__ == "__main__":
    sys.exit(main())
