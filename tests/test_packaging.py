"""The wheel: what it carries, and that it runs where nothing of the checkout is."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the files that the build needs."""
    directory = tmp_path_factory.mktemp("wheel")
    source = directory / "source"
    source.mkdir()
    names = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "app", "certs")
    subprocess.run(["cp", "-r", *(str(ROOT / name) for name in names), str(source)], check=True)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(directory), str(source)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    return next(directory.glob("*.whl"))


def test_it_carries_the_program_and_the_certificates(wheel: Path) -> None:
    """Every module, the typing mark, and the Ministry's root as app/certs."""
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "app").rglob("*.py")}
    assert modules <= names
    assert {"app/py.typed", "app/certs/russian_trusted_root_ca.pem"} <= names
    assert not any(name.startswith(("tests", "deploy")) for name in names)


@pytest.mark.long
def test_it_runs_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """Unpacked elsewhere it knows its version and trusts the certificate that it brought."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], env=env, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=30
        )
        return done.stdout

    assert run("-c", "import app; print(app.__file__)").startswith(str(tmp_path))
    assert run("-m", "app", "--version").startswith("gpt2giga-proxy 0.")
    assert str(tmp_path / "site" / "app" / "certs") in run("-m", "app", "certs")
