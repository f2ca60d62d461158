"""`make audit`: what it makes of pip-audit's answers, which a program in its place gives here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.reading import DEPLOY
from tests.deploy.test_locks import ALL, versions

# Of what only runs beside the gateway while it is measured, the gateway has nothing.
OWN = [path for path in ALL if not path.name.startswith("peers-")]

# It logs its arguments and what it was asked about, and gives each package of the list what the test says.
PIP_AUDIT = """
import json, os, sys, time
from pathlib import Path

says = json.loads(os.environ["SAYS"])
source = next(word.partition("=")[2] for word in sys.argv if word.startswith("--vulnerability-service"))
listed = Path(sys.argv[-1]).read_text().split()
with open(os.environ["LOG"], "a") as log:
    print(*sys.argv[1:-1], *listed, file=log)
if source not in says:
    sys.exit("ConnectionError: the network is unreachable")
answers = []
for one in listed:
    name, _, version = one.partition("==")
    answers.append({"name": name, "version": version, "vulns": []} | says[source].get(name, {}))
print(json.dumps({"dependencies": answers}))
"""
FLAW = {"vulns": [{"id": "PYSEC-1", "aliases": ["CVE-2026-1"], "fix_versions": ["9.9"]}]}
UNKNOWN = {"skip_reason": "Dependency not found"}


def audit(folder: Path, **says: dict[str, Any]) -> tuple[int, str, list[str]]:
    """Exit code, what it said, and what pip-audit was asked, where it says this by source."""
    (folder / "pip_audit").mkdir()
    (folder / "pip_audit" / "__main__.py").write_text(PIP_AUDIT, "utf-8")
    env = {**os.environ, "PYTHONPATH": str(folder), "SAYS": json.dumps(says), "LOG": str(folder / "log")}
    done = subprocess.run(
        [sys.executable, DEPLOY / "audit.py"], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr, (folder / "log").read_text("utf-8").splitlines()


def test_no_flaw_is_known(tmp_path: Path) -> None:
    """Every package of every lock was asked about, in each of its versions."""
    code, said, asked = audit(tmp_path, pypi={})
    assert code == 0
    assert "0 known vulnerabilities" in said
    pinned = {f"{name}=={one}" for path in OWN for name, all_ in versions(path).items() for one in all_}
    named = [word for line in asked for word in line.split() if "==" in word]
    assert sorted(named) == sorted(pinned)
    assert all("--vulnerability-service=pypi" in line and "--timeout=10" in line for line in asked)


@pytest.mark.parametrize("source", ["pypi", "osv"])
def test_a_flaw_is_named(source: str, tmp_path: Path) -> None:
    """With its names and the version that has it no more; the second source answers where the first does not."""
    code, said, _ = audit(tmp_path, **{source: {"aiohttp": FLAW}})
    assert code == 1
    assert "PYSEC-1 CVE-2026-1; fixed in 9.9" in said
    assert "1 known vulnerabilities" in said


@pytest.mark.parametrize("says", [{}, {"pypi": {"aiohttp": UNKNOWN}}], ids=["unreachable", "not known there"])
def test_silence_is_no_good_news(says: dict[str, Any], tmp_path: Path) -> None:
    """Where nobody could be asked about every package it says so, and does not say that all is well."""
    code, said, _ = audit(tmp_path, **says)
    assert code == 2
    assert "NOT COMPARED" in said
    assert "known vulnerabilities" not in said.replace("the known vulnerabilities", "")
