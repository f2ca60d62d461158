"""The command line: `python -m tests.fuzz --help`.

A target is a module of this package with `run_one(data: bytes) -> None` and `SEEDS: list[bytes]`. `run_one` raises for
a find: whatever escapes is one. atheris (the extra `fuzz`) is used where it is installed, since it is guided by
coverage and stops at the first find; else a mutational loop runs, which goes on and counts them.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.mutation import mutants
from tests.fuzz.targets import SAMPLES, names

# An input that takes longer is a find. A target with a bound of its own asserts it itself.
_SLOW_SECONDS = 10
_LONGEST = 1 << 20


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Feeds broken inputs to a target.")
    parser.add_argument("target", choices=names())
    parser.add_argument("--seconds", type=int, default=60, metavar="N", help="how long (60)")
    parser.add_argument("--seeds", type=Path, metavar="DIR", help="a directory of more seeds, which is only read")
    parser.add_argument("--finds", type=Path, metavar="DIR", help="where finds are written (a temporary directory)")
    parser.add_argument("--random", type=int, default=None, metavar="N", help="the random seed, to repeat a run")
    parser.add_argument("--plain", action="store_true", help="the mutational loop, even where atheris is installed")
    return parser.parse_args()


def _seeds(target: str, own: Sequence[bytes], more: Path | None) -> list[bytes]:
    """The target's own seeds, what was found before, and those of the command line."""
    folders = [folder for folder in (SAMPLES / target, more) if folder is not None and folder.is_dir()]
    files = [path for folder in folders for path in sorted(folder.iterdir()) if path.is_file()]
    return [*own, *(path.read_bytes() for path in files if path.stat().st_size <= _LONGEST)] or [b""]


def fuzz_plainly(
    run_one: Callable[[bytes], None], seeds: Sequence[bytes], seconds: float, finds: Path, seed: int
) -> int:
    """Run mutants of the seeds for so long; write each find of another kind to `finds`. How many there were."""
    from tests.running import no_longer_than  # it imports the program, which atheris must be the first to do

    print(f"mutations without coverage, random seed {seed}, {len(seeds)} seeds, finds in {finds}", flush=True)
    end, runs, kinds = time.monotonic() + seconds, 0, set()
    for data in mutants(seeds, random.Random(seed)):
        if time.monotonic() > end:
            break
        runs += 1
        try:
            with no_longer_than(_SLOW_SECONDS):
                run_one(data)
        except Exception as fault:  # noqa: BLE001 - whatever escapes is a find
            kind = _kind(fault)
            if kind not in kinds:
                kinds.add(kind)
                path = finds / f"crash-{hashlib.sha1(data, usedforsecurity=False).hexdigest()}"
                path.write_bytes(data)
                print(f"find {len(kinds)}: {path}", "".join(traceback.format_exception(fault)), sep="\n", flush=True)
    print(f"{runs} inputs, {len(kinds)} finds", flush=True)
    return len(kinds)


def _kind(fault: Exception) -> tuple[object, ...]:
    """What makes two finds the same: the exception and the line that it came from."""
    last = traceback.extract_tb(fault.__traceback__)[-1]
    return type(fault), last.filename, last.lineno


def _fuzz_with_coverage(target: str, seconds: int, more: Path | None, finds: Path, seed: int) -> None:
    """Hand the process over to libFuzzer, which ends it: with 0, or with its own code at the first find."""
    import atheris

    with atheris.instrument_imports(include=["app"]):
        module = importlib.import_module(f"tests.fuzz.{target}")
    with tempfile.TemporaryDirectory(prefix="corpus-") as corpus:
        for number, data in enumerate(_seeds(target, module.SEEDS, more)):
            (Path(corpus) / f"seed-{number:04}").write_bytes(data)
        options = {
            "max_total_time": seconds,
            "timeout": _SLOW_SECONDS,
            "max_len": _LONGEST,
            "rss_limit_mb": 0,  # a target that bounds memory asserts it
            "seed": seed,
            "artifact_prefix": f"{finds}/",
        }
        atheris.Setup([sys.argv[0], *(f"-{name}={value}" for name, value in options.items()), corpus], module.run_one)
        atheris.Fuzz()


def main() -> int:
    """Fuzz one target; 1 if there were finds."""
    given = _arguments()
    finds = given.finds or Path(tempfile.mkdtemp(prefix=f"finds-{given.target}-"))
    finds.mkdir(parents=True, exist_ok=True)
    seed = given.random if given.random is not None else random.randrange(1, 2**31)
    if find_spec("atheris") is not None and not given.plain:
        _fuzz_with_coverage(given.target, given.seconds, given.seeds, finds, seed)
    module = importlib.import_module(f"tests.fuzz.{given.target}")
    seeds = _seeds(given.target, module.SEEDS, given.seeds)
    return int(fuzz_plainly(module.run_one, seeds, given.seconds, finds, seed) > 0)


if __name__ == "__main__":
    sys.exit(main())
