"""The image's bill of materials: CycloneDX, of what the lock names, the same each time."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import sbom
from tests.deploy.reading import DEPLOY, ROOT
from tests.deploy.test_locks import LOCKS, pins


@pytest.mark.long
def test_it_is_the_images_and_valid(tmp_path: Path) -> None:
    """Every package of the image with version, licence and dependencies, none of the checks', no place on a disk."""
    path = tmp_path / "bill.json"
    # it validates what it writes against CycloneDX's own schema
    subprocess.run([sys.executable, DEPLOY / "sbom.py", path], cwd=tmp_path, check=True, timeout=120)
    text = path.read_text("utf-8")
    bill = json.loads(text)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    locked = [pin for pin in pins(LOCKS / "image.txt") if pin.marker is None or pin.marker.evaluate()]
    parts = {part["purl"].removeprefix("pkg:pypi/"): part for part in bill["components"]}
    assert set(parts) == {f"{pin.name}@{str(pin.specifier).removeprefix('==')}" for pin in locked}
    assert {"aiohttp", "orjson", "pillow"} <= {name.partition("@")[0] for name in parts}
    assert all(part["licenses"] for part in parts.values())
    assert bill["metadata"]["component"]["name"] == "gpt2giga-proxy"
    tree = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}
    assert any(ref.startswith("aiohttp==") for ref in tree["gpt2giga-proxy"])
    assert {ref for refs in tree.values() for ref in refs} | {"gpt2giga-proxy"} == set(tree)
    assert "file:" not in text
    assert str(ROOT) not in text


@pytest.mark.long
def test_it_is_the_same_each_time() -> None:
    """No date, no serial number: two bills differ where the lock does."""
    first = sbom.write()
    assert first == sbom.write()
    assert "timestamp" not in first
    assert "serialNumber" not in first


@pytest.mark.long
def test_an_environment_that_is_not_the_lock_has_no_bill(tmp_path: Path) -> None:
    """What is installed must be what the image will hold."""
    for name in ("deploy/sbom.py", "deploy/locks/image.txt", "setup.cfg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    lock = tmp_path / "deploy" / "locks" / "image.txt"
    lock.write_text(lock.read_text("utf-8").replace("\norjson==", "\norjson==9"), "utf-8")
    done = subprocess.run(
        [sys.executable, tmp_path / "deploy" / "sbom.py", "bill.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "orjson is locked at 9" in done.stderr
    assert not (tmp_path / "bill.json").exists()
