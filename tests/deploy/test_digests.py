"""`make digests`: the script, with a program in docker's place; no registry is asked here."""

from __future__ import annotations

import re
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from tests.deploy.reading import DEPLOY, tool

FILES = ("Dockerfile", "worker/Dockerfile", "docker-compose.yml")
COMMANDS = ("cat", "dirname", "grep", "rm", "sed", "sha256sum", "sort")
# A digest of the image's name and a salt, after the word sha256.
DOCKER = """#!/bin/sh
[ "$1 $2" != "buildx version" ] || exit $NO_BUILDX
[ "$1 $2 $3 $4 $5" = "buildx imagetools inspect --format {{.Manifest.Digest}}" ] || exit 9
[ "$6" != "$MISSING" ] || exit 1
echo "sha256:$(printf %s "$6$SALT" | sha256sum | sed 's/ .*//')$GARBAGE"
"""


class Project:
    """The files, a PATH with nothing but what the script needs, and an engine in it."""

    def __init__(self, folder: Path) -> None:
        self.deploy = folder / "deploy"
        for name in (*FILES, "digests.sh"):
            (self.deploy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(DEPLOY / name, self.deploy / name)
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in COMMANDS:
            (self.bin / name).symlink_to(str(shutil.which(name)))
        (self.bin / "docker").write_text(DOCKER, "utf-8")
        (self.bin / "docker").chmod(0o755)

    def run(self, **environ: str) -> tuple[int, str]:
        """Exit code and what was said."""
        env = {"PATH": str(self.bin), "NO_BUILDX": "0", **environ}
        done = subprocess.run(
            ["/bin/sh", self.deploy / "digests.sh"], env=env, capture_output=True, text=True, timeout=30, check=False
        )
        return done.returncode, done.stderr

    def texts(self) -> dict[str, str]:
        """The files as they are now."""
        return {name: (self.deploy / name).read_text("utf-8") for name in FILES}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """This project's files, without digests."""
    project = Project(tmp_path)
    for name, text in project.texts().items():
        (project.deploy / name).write_text(re.sub("@sha256:[0-9a-f]{64}", "", text), "utf-8")
    return project


@pytest.mark.parametrize("salt", ["", "moved"])
def test_each_tag_gets_its_digest(project: Project, salt: str) -> None:
    """Nothing else changes; a tag that was moved since gets the new one."""
    before = project.texts()
    assert project.run() == (0, "")
    assert project.run(SALT=salt) == (0, "")
    after = project.texts()
    for name, text in after.items():
        digests = re.findall(
            r"([a-z0-9./-]+:[\w.-]+)@sha256:([0-9a-f]{64})$", text.replace(" AS build", ""), re.MULTILINE
        )
        assert digests
        assert all(digest == sha256((image + salt).encode()).hexdigest() for image, digest in digests)
        assert re.sub("@sha256:[0-9a-f]{64}", "", text) == before[name]
    assert after["docker-compose.yml"].count("@sha256:") == 3
    assert after["Dockerfile"].count("@sha256:") == 1
    for name in FILES[:2]:
        tool("hadolint", "--failure-threshold", "style", project.deploy / name)


@pytest.mark.parametrize(
    ("environ", "word"),
    [
        ({"NO_BUILDX": "1"}, "neither docker with its plugin buildx nor skopeo is here"),
        (
            {"MISSING": "prom/alertmanager:v0.28.1"},
            "no digest for prom/alertmanager:v0.28.1: its registry was not reached",
        ),
        ({"GARBAGE": "<html>"}, "no digest for grafana/grafana:"),
    ],
)
def test_without_an_answer_nothing_is_written(project: Project, environ: dict[str, str], word: str) -> None:
    """One word about what is missing, and the files as they were."""
    before = project.texts()
    code, said = project.run(**environ)
    assert code == 1
    assert word in said
    assert project.texts() == before


def test_no_engine_at_all(project: Project) -> None:
    """The same word."""
    (project.bin / "docker").unlink()
    code, said = project.run()
    assert code == 1
    assert said.startswith("digests: neither docker")
