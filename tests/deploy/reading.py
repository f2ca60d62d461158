"""How the files of deploy/ are read: Dockerfiles as instructions, compose files as docker-compose sees them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.programs import needs_program

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"
BASE, SANDBOX, SECRETS = "docker-compose.yml", "docker-compose.sandbox.yml", "docker-compose.secrets.yml"
GATEWAY = "gpt2giga-proxy"


class Instruction(NamedTuple):
    """A line of a Dockerfile, put together where it is broken."""

    word: str
    rest: str


def instructions(path: Path) -> list[Instruction]:
    """A Dockerfile's instructions, without comments."""
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    whole = "\n".join(lines).replace("\\\n", "")
    return [Instruction(*line.split(maxsplit=1)) for line in whole.splitlines() if line.strip()]


def only(path: Path, word: str) -> str:
    """The one instruction of this name."""
    (found,) = (one.rest for one in instructions(path) if one.word == word)
    return found


def load(name: str) -> Any:
    """A file of deploy/ as YAML."""
    return yaml.safe_load((DEPLOY / name).read_text("utf-8"))


def composed(folder: Path, *names: str, dotenv: str | None = None, profile: str = "", **shell: str) -> dict[str, Any]:
    """The services of these files together, by docker-compose 1.29: interpolated, merged, checked.

    It knows no `name` of a project, which its successor needs: another project in a directory called deploy would be
    taken for this one. That line alone is left out.
    """
    program = needs_program("docker-compose")
    place = folder / "deploy"
    shutil.copytree(DEPLOY, place, dirs_exist_ok=True)
    text = (place / BASE).read_text("utf-8")
    (place / BASE).write_text(re.sub(r"^name: .*\n", "", text, flags=re.MULTILINE), "utf-8")
    command = [program, *(["--profile", profile] if profile else [])]
    if dotenv is not None:
        (folder / ".env").write_text(dotenv, "utf-8")
        command += ["--env-file", ".env"]
    for name in names or (BASE,):
        command += ["-f", f"deploy/{name}"]
    env = {"PATH": os.environ["PATH"], **shell}
    done = subprocess.run(
        [*command, "config"], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    services: dict[str, Any] = yaml.safe_load(done.stdout.replace("$$", "$"))["services"]
    return services


def tool(name: str, *arguments: str | Path) -> None:
    """Run a linter that pip brought; what it says is the failure."""
    path = Path(sys.executable).with_name(name)
    done = subprocess.run([path, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
