"""The image's software bill of materials in CycloneDX's JSON: `make sbom`, or `python deploy/sbom.py FILE`.

It names what deploy/locks/image.txt names, with licences and with what depends on what, as the packages installed in
this environment tell it. The same lock gives the same file: it bears no date and no serial number.
"""

import configparser
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "gpt2giga-proxy"
EXTRAS = ("speed", "images")


def locked() -> dict[str, str]:
    """The image's packages for this Python: name -> version."""
    text = (ROOT / "deploy" / "locks" / "image.txt").read_text("utf-8")
    lines = [line.removesuffix("\\") for line in text.splitlines() if line[:1].strip() not in {"", "#"}]
    pinned = [one for one in map(Requirement, lines) if one.marker is None or one.marker.evaluate()]
    return {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in pinned}


def wanted() -> set[str]:
    """What the program itself asks for."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = config["options.extras_require"]
    lines = "\n".join([config["options"]["install_requires"], *(extras[name] for name in EXTRAS)])
    return {canonicalize_name(Requirement(line).name) for line in lines.splitlines() if line.strip()}


def installed() -> dict[str, Any]:
    """The bill of everything in this environment."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--no-validate"]
    done = subprocess.run([*command, "--sv=1.6", sys.executable], capture_output=True, check=True)  # noqa: S603
    bill: dict[str, Any] = json.loads(done.stdout)
    return bill


def of_the_image(bill: dict[str, Any]) -> dict[str, Any]:
    """The bill of what the image holds, under the program itself."""
    versions = locked()
    parts: dict[str, Any] = {canonicalize_name(part["name"]): part for part in bill["components"]}
    for name, locked_version in versions.items():
        there = parts.get(name, {}).get("version")
        if there != locked_version:
            raise SystemExit(f"sbom: {name} is locked at {locked_version}, installed is {there}: run `make setup`")
    kept = {parts[name]["bom-ref"]: name for name in versions}
    dependencies = [
        one | {"dependsOn": [ref for ref in one.get("dependsOn", []) if ref in kept]}
        for one in bill["dependencies"]
        if one["ref"] in kept
    ]
    root = {
        "type": "application",
        "bom-ref": PROJECT,
        "name": PROJECT,
        "version": version(PROJECT),
        "licenses": [{"license": {"id": "MIT"}}],
    }
    roots = {"ref": PROJECT, "dependsOn": sorted(ref for ref, name in kept.items() if name in wanted())}
    return bill | {
        "components": [parts[name] for name in sorted(versions)],
        "dependencies": [roots, *dependencies],
        "metadata": bill["metadata"] | {"component": root},
    }


def write() -> str:
    """The bill's text."""
    return json.dumps(of_the_image(installed()), indent=2, sort_keys=True) + "\n"


def main(path: str) -> None:
    """Put the bill into a file, if it keeps to CycloneDX's schema."""
    text = write()
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error:
        raise SystemExit(f"sbom: the bill breaks its schema: {error}")
    Path(path).write_text(text, "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
