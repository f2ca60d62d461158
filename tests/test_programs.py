"""Programs beside Python: installed by the set-up where it may, else their tests are left out by name, never in CI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import programs
from tests.programs import needs_program

SETUP = Path(__file__).resolve().parent.parent / "deploy" / "setup.sh"
ADD = "apt-get install -y --no-install-recommends nginx-light"


def test_each_program_has_a_package() -> None:
    """The set-up's list is what tests may ask for; nothing else is found for them by chance."""
    assert programs.packages()["nginx"] == "nginx-light"
    with pytest.raises(AssertionError, match="TEST_PROGRAMS"):
        needs_program("sh")


def test_a_program_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its path is given."""
    monkeypatch.setattr(programs, "packages", lambda: {"sh": "dash"})
    assert os.access(needs_program("sh"), os.X_OK)


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_a_missing_program(ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tests are left out; in CI they fail."""
    monkeypatch.setattr(programs, "packages", lambda: {"no-such-program": "none"})
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="missing program: no-such-program"):
        needs_program("no-such-program")


LEAVING = '''
"""Tests of a program that nobody has."""
from tests import programs
programs.packages = lambda: {"nobody-has-it": "a-package"}


def test_one() -> None:
    programs.needs_program("nobody-has-it")


def test_two() -> None:
    programs.needs_program("nobody-has-it")
'''


@pytest.mark.samples("true")
@pytest.mark.parametrize("ci", ["", "true"])
def test_the_run_names_what_it_left_out(ci: str, tmp_path: Path) -> None:
    """At the end stand the tests and the one command; in CI the run fails."""
    (tmp_path / "test_leaving.py").write_text(LEAVING, "utf-8")
    command = ["-m", "pytest", "-q", "-p", "tests.programs", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "CI": ci},
        cwd=SETUP.parent.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == (1 if ci else 0), done.stdout
    if not ci:
        assert "without nobody-has-it:\n  test_leaving.py::test_one\n  test_leaving.py::test_two\n" in done.stdout
        assert "add them with: sudo apt-get install -y --no-install-recommends a-package\n" in done.stdout


class Machine:
    """A machine that holds nothing but what a test gives it: commands that do nothing and tell how they were called."""

    def __init__(self, folder: Path) -> None:
        self._bin = folder / "bin"
        self._log = folder / "log"
        self._venv = folder / "venv"
        (self._venv / "bin").mkdir(parents=True)
        self._bin.mkdir()
        self._log.touch()
        for path in (self._bin / "python3", self._venv / "bin" / "python"):
            self._write(path, "exit 0")

    def give(self, name: str, line: str) -> None:
        """A command that logs its arguments, then does this."""
        self._write(self._bin / name, f'echo "{name} $*" >> {self._log}; {line}')

    def take(self, name: str) -> None:
        """It has this command no more."""
        (self._bin / name).unlink()

    def set_up(self, ci: str = "", packages: str = "") -> tuple[int, str, str]:
        """Run the set-up: exit code, what it said, which commands it ran."""
        shell = "/bin/sh"
        env = {"PATH": str(self._bin), "VENV": str(self._venv), "CI": ci, "SYSTEM_PACKAGES": packages}
        text = SETUP.read_text("utf-8").replace(":/usr/sbin:/sbin", "")  # this machine's own are not that machine's
        done = subprocess.run(
            [shell, "-c", text, "setup.sh", "dev"], env=env, capture_output=True, text=True, timeout=20, check=False
        )
        return done.returncode, done.stderr, self._log.read_text("utf-8")

    @staticmethod
    def _write(path: Path, line: str) -> None:
        path.write_text(f"#!/bin/sh\n{line}\n", "utf-8")
        path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A Debian on which this user is root, without any of the programs."""
    machine = Machine(tmp_path)
    machine.give("id", "echo 0")
    machine.give("apt-get", "exit 0")
    machine.give("sh", "exit 0")
    return machine


@pytest.mark.parametrize("root", [True, False], ids=["root", "sudo"])
def test_the_set_up_installs_what_is_missing(machine: Machine, root: bool) -> None:
    """As root or by `sudo -n`, without a question."""
    if not root:
        machine.give("id", "echo 1000")
        machine.give("sudo", 'shift; [ "$1" = true ] || "$@"')
    code, said, ran = machine.set_up()
    assert (code, said) == (0, "")
    assert 'apt-get install -y -q --no-install-recommends "$@"' in ran
    assert "install nginx-light" in ran
    assert ("sudo -n" in ran) is not root


def test_the_set_up_asks_for_nothing_that_is_there(machine: Machine) -> None:
    """What is installed already costs no look at the archive."""
    for name in programs.packages():
        machine.give(name, "exit 0")
    code, said, ran = machine.set_up()
    assert (code, said) == (0, "")
    assert "apt-get" not in ran


@pytest.mark.parametrize("ci", ["", "true"])
@pytest.mark.parametrize("lack", ["no root", "no apt-get", "no archive"])
def test_where_nothing_can_be_installed(machine: Machine, lack: str, ci: str) -> None:
    """The set-up goes on and names the one command; in CI it fails."""
    if lack == "no root":
        machine.give("id", "echo 1000")
    elif lack == "no archive":
        machine.give("apt-get", "exit 100")
    else:
        machine.take("apt-get")
    code, said, _ = machine.set_up(ci)
    assert code == (1 if ci else 0)
    assert f"sudo {ADD}" in said


def test_the_system_stays_as_it_is_where_a_developer_says_so(machine: Machine) -> None:
    """SYSTEM_PACKAGES=no: nothing is installed, although it could be, and the one command is named."""
    code, said, ran = machine.set_up(packages="no")
    assert code == 0
    assert f"sudo {ADD}" in said
    assert "apt-get" not in ran
