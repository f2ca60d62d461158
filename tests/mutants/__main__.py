"""The command line: `python -m tests.mutants --help`."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
from collections import Counter, defaultdict
from fnmatch import fnmatch
from pathlib import Path

from .tree import Failed, Tree

SAMPLE, SEED, GOAL = 400, 1, 85
FAILED = 2
KILLED = {"killed", "timeout", "segfault"}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description="Alters app/translate in many small ways: do the tests notice?"
    )
    parser.add_argument("only", nargs="*", metavar="PATTERN", help="mutants by name, such as 'app.translate.openai.*'")
    parser.add_argument("--sample", type=int, default=SAMPLE, metavar="N", help=f"how many, 0 for all ({SAMPLE})")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help=f"another one, another sample ({SEED})")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes at a time (1)")
    parser.add_argument("--quiet", action="store_true", help="do not show the survivors")
    parser.add_argument("--gate", action="store_true", help=f"exit with 1 below {GOAL} percent")
    return parser.parse_args()


def _chosen(names: list[str], arguments: argparse.Namespace) -> list[str]:
    if arguments.only:
        names = [name for name in names if any(fnmatch(name, pattern) for pattern in arguments.only)]
    if 0 < arguments.sample < len(names):
        names = random.Random(arguments.seed).sample(sorted(names), arguments.sample)
    return names


def _share(counted: Counter[str]) -> float:
    return 100 * sum(counted[status] for status in KILLED) / (counted.total() or 1)


def _table(results: dict[str, str]) -> list[str]:
    """One line a module, and the sum."""
    modules: dict[str, Counter[str]] = defaultdict(Counter)
    for name, status in results.items():
        modules[name.rpartition(".")[0]][status] += 1
    modules = dict(sorted(modules.items())) | {"all": Counter(results.values())}
    return [
        f"{module:<42}{counted.total():>5} {_share(counted):>6.1f} %  "
        + ", ".join(f"{count} {status}" for status, count in counted.most_common())
        for module, counted in modules.items()
    ]


def main() -> int:
    """Copy, alter, try, report."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="mutants-") as root:
        try:
            tree = Tree(Path(root))
            names = tree.names()
            chosen = _chosen(names, arguments)
            if not chosen:
                raise Failed("no mutant has such a name")
            print(f"{len(chosen)} of {len(names)} mutants, seed {arguments.seed}", flush=True)
            tree.run(chosen, arguments.jobs)
            every = tree.results()
            results = {name: every[name] for name in chosen}
            left = [] if arguments.quiet else [name for name in sorted(results) if results[name] not in KILLED]
            print(*map(tree.shown, left), sep="\n")
        except Failed as error:
            print(f"failed: {error}", file=sys.stderr)
            return FAILED
        except KeyboardInterrupt:
            return 128 + signal.SIGINT
    print(*_table(results), sep="\n")
    return 1 if arguments.gate and _share(Counter(results.values())) < GOAL else 0


if __name__ == "__main__":
    sys.exit(main())
