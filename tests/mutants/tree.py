"""A copy of the tree that may be mutated, and the tool at work in it.

mutmut alters functions and methods, one place at a time, and tries each mutant with the tests that reach the function.
Tables at the top of a module, dataclasses' fields and decorated functions are not altered.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = 15  # of each property: enough to notice, and few enough for thousands of mutants
_COPIED = ("app", "certs", "tests/mutants", "tests/samples", "tests/translate")
_FIRST = "app.translate.dialogue.*"  # few, and cheap


class Failed(Exception):
    """The tool gave up: its own words."""


class Tree:
    """A copy under `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in _COPIED:
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (ROOT / "setup.cfg", ROOT / "pyproject.toml", *ROOT.glob("tests/*.py")):
            shutil.copy2(path, root / path.relative_to(ROOT))
        for path in (root / "tests").rglob("test_*.py"):
            text = path.read_text("utf-8")
            path.write_text(re.sub(r"max_examples=\d+", f"max_examples={EXAMPLES}", text), "utf-8")

    def names(self) -> list[str]:
        """Every mutant's. They are made, and the tests that reach each function found, on the way to the first ones."""
        self.run([_FIRST])
        return list(self.results())

    def run(self, names: Iterable[str], jobs: int = 1) -> None:
        """Try these mutants; none means every one."""
        self._mutmut("run", "--max-children", str(jobs), *names)

    def results(self) -> dict[str, str]:
        """What became of each mutant."""
        lines = self._mutmut("results", "--all", "true").splitlines()
        pairs = (line.strip().rpartition(": ") for line in lines if ": " in line)
        return {name: status for name, _, status in pairs}

    def shown(self, name: str) -> str:
        """How a mutant differs."""
        return self._mutmut("show", name)

    def _mutmut(self, *arguments: str) -> str:
        done = subprocess.run(
            [Path(sys.executable).with_name("mutmut"), *arguments],
            cwd=self.root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            told = re.sub(r"(?m)^[\u2800-\u28ff] .*\n", "", done.stdout + done.stderr)  # a wheel that turns
            raise Failed(f"{told.strip()}\nDo the tests of tests/translate pass by themselves?")
        return done.stdout
