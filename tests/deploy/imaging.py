"""The image without an engine: the Dockerfile's own commands, run in a directory, and its programs without rights.

What stands in for the engine: paths are moved into a directory; the packages that the program needs come from this
environment instead of the network; where the tests run as root a process runs as the image's user, in a directory
that nobody can write to.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.reading import DEPLOY, ROOT, Instruction, instructions

DOCKERFILE = DEPLOY / "Dockerfile"
HOME = "/opt/gpt2giga-proxy"
USER = 10001


def stages() -> list[list[Instruction]]:
    """The Dockerfile's instructions by stage."""
    found: list[list[Instruction]] = []
    for one in instructions(DOCKERFILE):
        if one.word == "FROM":
            found.append([])
        elif found:
            found[-1].append(one)
    return found


@dataclass
class Image:
    """What the build left."""

    home: Path
    user: int | None  # None: the tests' own

    @property
    def env(self) -> dict[str, str]:
        """The image's environment."""
        given = {"PATH": "/usr/bin:/bin"}
        for one in stages()[1]:
            if one.word == "ENV":
                given |= dict(word.split("=", 1) for word in shlex.split(one.rest))
        given["PATH"] = given["PATH"].replace(HOME, str(self.home)).replace("$PATH", "/usr/bin:/bin")
        return given

    def start(self, command: list[str], log: Path | int, **environ: str) -> subprocess.Popen[bytes]:
        """Start a command as a container would; `python` is the image's."""
        assert command[0] == "python"
        with open(log, "wb") if isinstance(log, Path) else open(log, "wb", closefd=False) as out:
            return subprocess.Popen(
                [self.home / "bin" / "python", *command[1:]],
                env={**self.env, **environ},
                cwd=self.home,
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else [],
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def run(self, *command: str, **environ: str) -> tuple[int, str]:
        """Exit code and output of a command that ends."""
        reading, writing = os.pipe()
        process = self.start(list(command), writing, **environ)
        os.close(writing)
        with os.fdopen(reading, "rb") as out:
            said = out.read().decode()
        return process.wait(30), said


def build(folder: Path) -> Image:
    """Run the build stage; the folder must be one that every user may enter."""
    source, home = folder / "src", folder / "opt"
    source.mkdir()
    python, user = _interpreter()
    for one in stages()[0]:
        if one.word == "COPY":
            *names, target = one.rest.split()
            for name in names:
                _copy(ROOT / name, source / target)
        elif one.word == "RUN":
            for step in one.rest.replace(HOME, str(home)).split("&&"):
                if "--require-hashes" not in step:
                    _run(step.strip().replace("python -m venv", f"{python} -m venv"), source)
    packages = next(home.glob("lib/python3.*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    shutil.rmtree(source / "build", ignore_errors=True)
    for path in [home, *home.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222 | 0o444)
    return Image(home, user)


def _interpreter() -> tuple[str, int | None]:
    """A Python of this version, and the user to run it as: one that root alone may run is no use to the image's."""
    if os.geteuid() != 0:
        return sys.executable, None
    packages = sysconfig.get_path("purelib")
    version = sys.version_info[:2]
    probe = f"import sys; sys.path.append({packages!r}); import aiohttp; assert sys.version_info[:2] == {version}"
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        try:
            command = [python, "-B", "-c", probe]
            if not subprocess.call(command, user=USER, group=USER, extra_groups=[], cwd="/", stderr=subprocess.DEVNULL):
                return python, USER
        except OSError:
            continue
    return sys.executable, None


def _copy(path: Path, target: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(path, target / path.name if target.is_dir() else target)


def _run(step: str, folder: Path) -> None:
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["/bin/sh", "-ec", step], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{step}\n{done.stdout}{done.stderr}"
