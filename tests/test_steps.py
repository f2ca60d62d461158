"""The guard of a request's cost: bytecodes, and objects of a stream, against committed figures."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.bench import steps
from tests.bench.processes import ROOT

pytestmark = pytest.mark.skipif(steps.VERSION not in steps.read_limits(), reason="no figures of this Python")

# A dozen bytecodes for each key of a request: such things slip in unseen.
REGRESSION = """
from app.translate.openai import chat_request
real = chat_request.read
def read(body, names):
    for key in range(60):
        str(key).strip()
    return real(body, names)
read.__globals__["__name__"] = "app.planted"
chat_request.read = read
from tests.bench import steps
steps.main()
"""


def measure(*program: str) -> dict[str, float]:
    """The figures, counted in a process of its own: coverage counts by the same means."""
    done = subprocess.run(
        [sys.executable, *program], capture_output=True, text=True, check=False, cwd=ROOT, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    found: dict[str, float] = json.loads(done.stdout)
    return found


def test_a_request_costs_no_more_than_agreed() -> None:
    """Beyond five percent somebody has to decide it."""
    raised = steps.find_raised(measure("-m", "tests.bench.steps"), steps.read_limits()[steps.VERSION])
    assert not raised, (
        f"more than five percent above tests/bench/steps.json: {raised}. `python -m tests.bench.steps --by function` "
        "tells where the steps are; to raise a figure add `--write`, and a line in CHANGELOG.md."
    )


@pytest.mark.long
def test_a_regression_is_noticed() -> None:
    """A loop of sixty steps on each request's way is one."""
    raised = steps.find_raised(measure("-c", REGRESSION), steps.read_limits()[steps.VERSION])
    assert {"request 2k", "stream"} <= set(raised)
