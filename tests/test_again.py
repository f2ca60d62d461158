"""What failed beside others is run once more, alone; nothing else is forgiven."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.again import FAILED
from tests.bench.processes import ROOT

TESTS = "def test_good():\n    pass\n\n\ndef test_bad():\n    assert False\n"


@pytest.mark.parametrize(
    ("failed", "code"),
    [
        (["test_good"], 0),
        (["test_good", "test_bad"], 1),
        ([], 1),  # something else than a test failed
        (None, 1),
        ([f"test_good_{number}" for number in range(4)], 1),
        (["test_gone"], 4),
    ],
    ids=["good alone", "bad", "none", "no file", "many", "gone"],
)
def test_the_exit_code(failed: list[str] | None, code: int, tmp_path: Path) -> None:
    """Of a run in a folder with two tests."""
    (tmp_path / "test_it.py").write_text(TESTS)
    if failed is not None:
        (tmp_path / FAILED).parent.mkdir(parents=True)
        (tmp_path / FAILED).write_text(json.dumps({f"test_it.py::{name}": True for name in failed}))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.again", "."],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert ("once more alone" in done.stdout) is (failed is not None and 0 < len(failed) < 4)
