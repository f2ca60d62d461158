"""`python -m app`: the command line, from a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.version import program_version


@pytest.mark.parametrize(
    ("arguments", "code", "shown"),
    [(["--version"], 0, f"gpt2giga-proxy {program_version()}"), (["nonsense"], 2, "invalid choice: 'nonsense'")],
)
def test_the_exit_code_is_the_programs(tmp_path: Path, arguments: list[str], code: int, shown: str) -> None:
    """What the command line returns is what the shell sees, and no traceback is on the way."""
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == code
    assert shown in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
