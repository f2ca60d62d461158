"""Where targets and finds are: each module beside this one that is no part of the runner is a target."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).resolve().parent
_RUNNER = {"__main__", "mutation", "targets"}
# What was found: SAMPLES/<target>/<file>. Each is a seed, and a test runs each.
SAMPLES = _FOLDER.parent / "samples" / "fuzz"


def names() -> list[str]:
    """The targets there are."""
    found = {path.stem for path in _FOLDER.glob("*.py")} - _RUNNER
    return sorted(name for name in found if not name.startswith("test_"))
