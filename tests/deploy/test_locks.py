"""The locks: exact versions with hashes, within setup.cfg's ranges on each Python; nothing is installed without one."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deploy.reading import DEPLOY, ROOT
from tests.programs import needs_program

LOCKS = DEPLOY / "locks"
WORKER = DEPLOY / "worker" / "requirements.txt"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SYSTEMS = {"linux": "Linux", "darwin": "Darwin"}
# lock -> the extras that it is made of beside what the program needs
EXTRAS = {
    "image": ("speed", "images"),
    "dev": ("speed", "images", "dev"),
    "mutants": ("mutants",),
    "fuzz": ("fuzz",),
    "clients": ("clients",),
    "clients-apart": ("clients-apart",),
}
OF_FILES = ("build", "tools", "node", "peers-gpt2giga", "peers-litellm")
ALL = [*(LOCKS / f"{name}.txt" for name in (*EXTRAS, *OF_FILES)), WORKER]


def blocks(path: Path) -> list[str]:
    """A lock's entries, each in one line, without comments."""
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.lstrip().startswith("#")]
    return [" ".join(block.split()) for block in "\n".join(lines).replace("\\\n", "").splitlines() if block.strip()]


def pins(path: Path) -> list[Requirement]:
    """What a lock pins."""
    return [Requirement(block.partition(" --hash")[0]) for block in blocks(path)]


def versions(path: Path) -> dict[str, set[str]]:
    """Each package's versions in a lock: one, but where no version runs on every Python."""
    found: dict[str, set[str]] = {}
    for pin in pins(path):
        found.setdefault(canonicalize_name(pin.name), set()).add(str(pin.specifier).removeprefix("=="))
    return found


def wanted(name: str) -> list[Requirement]:
    """What a lock was made from."""
    if name in EXTRAS:
        config = configparser.ConfigParser()
        config.read(ROOT / "setup.cfg")
        extras = config["options.extras_require"]
        text = "\n".join([config["options"]["install_requires"], *(extras[extra] for extra in EXTRAS[name])])
    else:
        text = (DEPLOY / name).with_suffix(".in").read_text("utf-8")
    return [Requirement(line) for line in text.splitlines() if line.strip() and not line.startswith("#")]


def name(path: Path) -> str:
    """A lock as a test's id."""
    return path.stem


def test_every_lock_is_known() -> None:
    """Each is checked here, and each is renewed by `make lock`."""
    assert {*LOCKS.glob("*.txt")} == {*ALL} - {WORKER}
    renewed = set(re.findall(r"^compile (\S+)", (DEPLOY / "lock.sh").read_text("utf-8"), re.MULTILINE))
    assert renewed == {str(path.relative_to(ROOT)).replace("deploy/locks", "$LOCKS") for path in ALL}


def test_every_extra_is_locked() -> None:
    """An extra that no lock has would be installed as it is that day."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert set(config["options.extras_require"]) == {extra for extras in EXTRAS.values() for extra in extras}


@pytest.mark.parametrize("path", ALL, ids=name)
def test_a_lock_has_exact_versions_with_hashes_and_nothing_else(path: Path) -> None:
    """No option, no address, no range: where the files come from is the business of whoever installs them."""
    for block in blocks(path):
        assert re.fullmatch(r"[a-z0-9-]+==[^ ;@]+( ; [^@]+?)?( --hash=sha256:[0-9a-f]{64})+", block), block
    assert not re.search(r"://|--(index|extra|find|trusted)|\.(org|com|net|io)\b", path.read_text("utf-8"))


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", [*EXTRAS, *(f"locks/{name}" for name in OF_FILES), "worker/requirements"])
def test_a_lock_keeps_the_ranges(lock: str, python: str, system: str) -> None:
    """On each Python everything that is asked for is there, in a version that its range allows."""
    environment: dict[str, str] = {**default_environment(), "python_version": python}  # type: ignore[dict-item]
    environment |= {"python_full_version": f"{python}.0", "sys_platform": system, "platform_system": SYSTEMS[system]}

    def holds(one: Requirement) -> bool:
        return one.marker is None or one.marker.evaluate(environment)

    path = LOCKS / f"{lock}.txt" if lock in EXTRAS else DEPLOY / f"{lock}.txt"
    pinned = {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in pins(path) if holds(one)}
    for one in filter(holds, wanted(lock)):
        assert one.specifier.contains(pinned[canonicalize_name(one.name)], prereleases=True), one


@pytest.mark.parametrize("lock", [*EXTRAS, "build"])
def test_what_is_tested_is_what_the_image_holds(lock: str) -> None:
    """A package that the image has is in every environment of the tests in the same version."""
    image, other = versions(LOCKS / "image.txt"), versions(LOCKS / f"{lock}.txt")
    assert {name: other[name] for name in image if name in other} == {
        name: image[name] for name in image if name in other
    }
    if lock == "dev":
        assert set(image) <= set(other)


@pytest.mark.parametrize("path", [LOCKS / "mutants.txt", LOCKS / "clients.txt", LOCKS / "build.txt", WORKER], ids=name)
def test_what_joins_the_checks_changes_nothing_there(path: Path) -> None:
    """These are installed beside dev.txt, or are tested by it."""
    dev, other = versions(LOCKS / "dev.txt"), versions(path)
    assert not {name for name in {*dev} & {*other} if dev[name] != other[name]}


def test_the_lock_of_node_has_hashes_and_no_address() -> None:
    """Exact versions, the digest of each package, nothing of where it came from; npm keeps it so."""
    node = ROOT / "tests" / "clients" / "node"
    packages = json.loads((node / "package-lock.json").read_text("utf-8"))["packages"]
    root = packages.pop("")
    assert packages
    for path, package in packages.items():
        assert package["integrity"].startswith("sha512-"), path
        assert "resolved" not in package
    assert all(re.fullmatch(r"(npm:@?[a-z/-]+@)?\d+\.\d+\.\d+", one) for one in root["dependencies"].values())
    assert root["dependencies"] == json.loads((node / "package.json").read_text("utf-8"))["dependencies"]
    assert "omit-lockfile-registry-resolved=true" in (node / ".npmrc").read_text("utf-8")


INSTALLED = {"": ["build", "image"], "dev": ["build", "dev"], "tools": ["build", "tools"]}


@pytest.mark.parametrize("which", INSTALLED)
def test_the_set_up_installs_from_the_locks_alone(which: str, tmp_path: Path) -> None:
    """pip and the build's tools first, by the pip that is there; the project last, without asking for anything."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    log = tmp_path / "log"
    for path, line in {
        programs / "python3": "exit 0",
        programs / "id": "echo 1000",
        tmp_path / "venv" / "bin" / "python": f'echo "$PIP_ONLY_BINARY $*" >> {log}',
    }.items():
        path.write_text(f"#!/bin/sh\n{line}\n", "utf-8")
        path.chmod(0o755)
    env = {"PATH": str(programs), "VENV": str(tmp_path / "venv")}
    subprocess.run(["/bin/sh", DEPLOY / "setup.sh", which], env=env, cwd=ROOT, check=True, capture_output=True)
    installs = [line for line in log.read_text("utf-8").splitlines() if " install " in line]
    locked = [line for line in installs if "--require-hashes" in line]
    assert [line.rpartition("/")[2] for line in locked] == [f"{lock}.txt" for lock in INSTALLED[which]]
    assert all(line.startswith(":all: -m pip install") for line in installs)
    rest = installs[len(locked) :]
    assert rest == [] if which == "tools" else rest[0].endswith("--no-deps --no-build-isolation --editable .")


PIP = re.compile(r"(\bpip (--python \S+ )?install|\bpip_install) ")


def test_nothing_is_installed_without_a_lock() -> None:
    """Every place that calls an installer: with hashes, or the project alone; of npm only what obeys its lock."""
    steps = []
    for path in [ROOT / "Makefile", ROOT / ".ci" / "run", *DEPLOY.glob("*.sh"), *DEPLOY.rglob("Dockerfile")]:
        text = re.sub(r"\s*\\\n\s*", " ", path.read_text("utf-8"))
        steps += [step for line in text.splitlines() for step in line.split("&&") if not line.lstrip().startswith("#")]
    pip = [step for step in steps if PIP.search(step) and '"$@"' not in step]
    assert len(pip) >= 10
    assert not [step for step in pip if not re.search("--require-hashes|--no-deps .*(--editable [.]|[.]whl)", step)]
    assert not [step for step in steps if re.search(r"^\s*npm .* (i|install|add|update|exec)\b", step)]


def test_shellcheck_is_content() -> None:
    """No warning in any script."""
    scripts = [*DEPLOY.glob("*.sh"), ROOT / ".ci" / "run"]
    done = subprocess.run(
        [needs_program("shellcheck"), *scripts], env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
