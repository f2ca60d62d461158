"""`python -m tests.again FOLDER`: the tests that failed beside others run once more, alone.

Many tests have clocks, and a core that others use too may stand still for a second. What fails again has failed, and
more than a few at once are no accident. Which they were is printed. The folder is pytest's cache of that run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

FEW = 3
FAILED = Path("v/cache/lastfailed")


def find_failed(cache: Path) -> list[str]:
    """The tests that failed in the run."""
    file = cache / FAILED
    return sorted(json.loads(file.read_text())) if file.exists() else []


def main(cache: Path) -> int:
    """Run them. Returns the exit code: 1 as well where nothing failed, since something else did then."""
    failed = find_failed(cache)
    if not 0 < len(failed) <= FEW:
        print(f"\n{len(failed)} tests failed: none is run again")
        return 1
    print(f"\nfailed beside others, once more alone: {', '.join(failed)}", flush=True)
    return int(pytest.main(failed))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
