"""Programs that tests start and that Python does not bring. deploy/setup.sh has the list and installs them.

Where one is missing its tests are left out, and the end of the run names them and the one command that adds it. With
`CI=true` none is left out: there a missing program is a failure.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

_SETUP = Path(__file__).resolve().parent.parent / "deploy" / "setup.sh"
_MISSING = "missing program: "


def packages() -> dict[str, str]:
    """Each program that tests may need -> the Debian package that has it."""
    listed = re.search(r'^TEST_PROGRAMS="\n(.*?)^"', _SETUP.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert listed, "deploy/setup.sh lists no TEST_PROGRAMS"
    return dict(line.split(":") for line in listed[1].split())


def needs_program(name: str) -> str:
    """The program's path, for a test or fixture that needs it; without it the test is left out, or fails in CI."""
    assert name in packages(), f"deploy/setup.sh does not install {name!r}: add it to TEST_PROGRAMS"
    # Debian keeps servers where a person's PATH does not look.
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]))
    if path is None:
        leave_out = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        leave_out(_MISSING + name)
    return str(path)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that were left out, and the one command that adds what they need."""
    left_out: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""
        if _MISSING in reason:
            left_out.setdefault(reason.partition(_MISSING)[2], []).append(report.nodeid)
    if not left_out:
        return
    terminalreporter.section("left out")
    for name, tests in left_out.items():
        terminalreporter.line(f"without {name}:")
        for test in tests:
            terminalreporter.line(f"  {test}")
    needed = " ".join(dict.fromkeys(packages()[name] for name in left_out))
    terminalreporter.line(f"add them with: sudo apt-get install -y --no-install-recommends {needed}")
