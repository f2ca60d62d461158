"""Fuzz targets take their seeds and all that was ever found; the runner finds what there is to find."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.__main__ import fuzz_plainly
from tests.fuzz.targets import SAMPLES, names

FINDS = [path for name in names() for path in sorted((SAMPLES / name).glob("*"))]


@pytest.mark.samples("sse_decoder")
@pytest.mark.parametrize("name", names())
def test_seeds(name: str) -> None:
    """A target takes what it starts from."""
    target = importlib.import_module(f"tests.fuzz.{name}")
    assert target.SEEDS
    for data in target.SEEDS:
        target.run_one(data)


@pytest.mark.parametrize("path", FINDS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_finds(path: Path) -> None:
    """What was found once is found no more."""
    importlib.import_module(f"tests.fuzz.{path.parent.name}").run_one(path.read_bytes())


def test_every_find_has_its_target() -> None:
    """A folder of samples whose target was renamed would be run by nobody."""
    folders = {path.name for path in SAMPLES.glob("*/")} if SAMPLES.is_dir() else set()
    assert folders <= set(names())


def test_a_find_is_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Inputs that fail at the same line are one find; it fails again when it is run."""

    def run_one(data: bytes) -> None:
        if data[:1] != b"s":
            raise ValueError(data)

    assert fuzz_plainly(run_one, [b"seed", b"second"], 1, tmp_path, seed=1) == 1
    (found,) = tmp_path.iterdir()
    with pytest.raises(ValueError):
        run_one(found.read_bytes())
    assert "1 finds" in capsys.readouterr().out


@pytest.mark.long
def test_the_command(tmp_path: Path) -> None:
    """A target runs for the seconds that were asked for, with more seeds from a directory."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "seed").write_bytes(b"BM")
    command = ["-m", "tests.fuzz", "image_headers", "--seconds", "1", "--seeds", str(tmp_path / "more"), "--plain"]
    done = subprocess.run(
        [sys.executable, *command, "--finds", str(tmp_path / "finds")], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert b"0 finds" in done.stdout
