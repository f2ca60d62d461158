"""The image: what the Dockerfile says, and what its commands make, as far as no engine is needed."""

from __future__ import annotations

import fnmatch
import json
import re
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import Config
from tests.deploy.imaging import DOCKERFILE, HOME, Image, build, stages
from tests.deploy.reading import DEPLOY, ROOT, instructions, only, tool
from tests.running import wait_ready


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The build's outcome, where the image's user finds it."""
    folder = Path(tempfile.mkdtemp(prefix="image"))
    folder.chmod(0o755)
    yield build(folder)
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture
def state() -> Iterator[Path]:
    """A directory that every user may write to, as the volume is the image's user's."""
    folder = Path(tempfile.mkdtemp(prefix="state"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("Dockerfile")), ids=lambda path: path.parent.name)
def test_hadolint_is_content(path: Path) -> None:
    """No warning, none switched off."""
    assert "hadolint ignore" not in path.read_text("utf-8")
    tool("hadolint", "--failure-threshold", "style", path)


def test_the_context_has_what_is_copied_and_nothing_else() -> None:
    """`.dockerignore` begins with everything: no .env, no secret, no history gets in."""
    patterns = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[:1] not in {"", "#"}]
    assert patterns[0] == "*"
    copied = {name for one in stages()[0] if one.word == "COPY" for name in one.rest.split()[:-1]}
    assert {pattern[1:] for pattern in patterns if pattern.startswith("!")} == copied
    again = [pattern for pattern in patterns[1:] if not pattern.startswith("!")]
    program = [path.name for path in (ROOT / "app").rglob("*") if "__pycache__" not in path.parts]
    assert not [name for name in program for pattern in again if fnmatch.fnmatch(name, pattern.removeprefix("**/"))]


def test_it_runs_as_nobody_and_ends_politely() -> None:
    """A numbered user without rights, SIGTERM, and an entry that takes the program's commands."""
    last = {one.word: one.rest for one in stages()[1]}
    assert last["USER"] == "10001:10001"
    assert last["STOPSIGNAL"] == "SIGTERM"
    assert json.loads(last["ENTRYPOINT"]) == ["python", "-m", "app"]
    assert last["WORKDIR"] == HOME
    assert last["EXPOSE"] == str(Config().port)
    assert "curl" not in DOCKERFILE.read_text("utf-8")


def test_every_file_that_is_installed_has_its_hash() -> None:
    """The first stage installs from the locks of the build and of the image, wheels only, and from nothing else."""
    runs = [one.rest for one in stages()[0] if one.word == "RUN"]
    steps = [" ".join(step.split()) for run in runs for step in run.split("&&")]
    from_registry = [step for step in steps if "install" in step and "--no-index" not in step]
    assert all("--only-binary :all: --require-hashes -r" in step for step in from_registry)
    assert [step.rpartition(" -r ")[2] for step in from_registry] == ["build.txt", "image.txt"]
    assert "--python /opt/gpt2giga-proxy" not in from_registry[0], "what builds stays out of the image"
    assert all("--no-deps --no-build-isolation" in step for step in steps if "pip wheel" in step)
    worker = only(DEPLOY / "worker" / "Dockerfile", "RUN")
    assert "--only-binary :all: --require-hashes -r requirements.txt" in worker


def test_base_images_have_exact_tags() -> None:
    """A release of Python and of Debian, the same for both images; `make digests` may have added a digest."""
    bases = {only(DOCKERFILE, "ARG").removeprefix("BASE="), only(DEPLOY / "worker" / "Dockerfile", "FROM")}
    (base,) = bases
    assert re.fullmatch(r"python:3\.1\d\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", base)
    froms = [one.rest for one in instructions(DOCKERFILE) if one.word == "FROM"]
    assert froms == ["${BASE} AS build", "${BASE}"]
    services = re.findall(r"^ +image: (.*)", (DEPLOY / "docker-compose.yml").read_text("utf-8"), re.MULTILINE)
    foreign = [image for image in services if not image.startswith("gpt2giga-proxy:")]
    assert len(foreign) == 3
    assert all(re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?", image) for image in foreign)


@pytest.mark.long
def test_its_certificates_are_in(image: Image) -> None:
    """The Ministry's root is found where the wheel put it, not in a checkout."""
    code, said = image.run("python", "-m", "app", "certs")
    assert code == 0, said
    assert str(image.home) in said
    assert "Russian Trusted Root CA" in said


@pytest.mark.long
def test_it_is_compiled_for_a_file_system_that_is_read_only(image: Image) -> None:
    """Every module has its bytecode, which is not compared with a file's date."""
    packages = next(image.home.glob("lib/python3.*/site-packages"))
    for path in (packages / "app").rglob("*.py"):
        (compiled,) = (path.parent / "__pycache__").glob(f"{path.stem}.cpython-*.pyc")
        assert compiled.read_bytes()[4:8] == b"\x01\0\0\0", path


def test_it_starts_is_healthy_and_stops(image: Image, state: Path) -> None:
    """Without credentials, rights, and anything to write to but its state: alive by its own check until SIGTERM."""
    ports = [_unused() for _ in range(2)]
    environ = {
        "GPT2GIGA_PORT": str(ports[0]),
        "GPT2GIGA_METRICS_PORT": str(ports[1]),
        "GPT2GIGA_STATE_DIR": str(state / "kept"),
    }
    check = json.loads(next(one.rest for one in stages()[1] if one.word == "HEALTHCHECK").partition(" CMD ")[2])
    assert image.run(*check, **environ)[0] == 1
    before = sorted(image.home.rglob("*"))
    log = state / "log"
    process = image.start(json.loads(only(DOCKERFILE, "ENTRYPOINT")), log, **environ)
    try:
        wait_ready(f"http://127.0.0.1:{ports[0]}", "/livez")
        wait_ready(f"http://127.0.0.1:{ports[1]}", "/metrics")
        assert image.run(*check, **environ) == (0, "")
        assert _listens_everywhere(log)
        assert (state / "kept").is_dir()
    finally:
        process.send_signal(getattr(signal, only(DOCKERFILE, "STOPSIGNAL")))
        code = process.wait(10)
    assert code == 0, log.read_text("utf-8")
    assert image.run(*check, **environ)[0] == 1
    assert sorted(image.home.rglob("*")) == before


def test_the_example_of_a_worker_needs_what_it_imports() -> None:
    """Its own image has its code and OpenAI's package."""
    worker = DEPLOY / "worker"
    copied = {
        name for one in instructions(worker / "Dockerfile") if one.word == "COPY" for name in one.rest.split()[:-1]
    }
    assert copied == {path.name for path in worker.iterdir() if path.is_file()} - {"Dockerfile", "requirements.in"}
    assert (worker / "requirements.in").read_text("utf-8").startswith("openai")
    assert only(worker / "Dockerfile", "USER") != "root"


def _unused() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _listens_everywhere(log: Path) -> bool:
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    (listening,) = (line for line in lines if line["event"] == "listening")
    return str(listening["url"]).startswith("http://0.0.0.0:")
