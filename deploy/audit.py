"""The locks, compared with the known vulnerabilities by pip-audit: `make audit`.

Exit codes: 0 none is known, 1 some are, 2 the locks were not compared, since no advisory source could be reached or one
did not know a package. pip-audit itself answers "none known" about packages that its source does not know.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DEPLOY = Path(__file__).resolve().parent
# Peers run beside the gateway while they are measured: their holes are not the gateway's.
_OWN = sorted(set(DEPLOY.glob("locks/*.txt")) - set(DEPLOY.glob("locks/peers-*.txt")))
LOCKS = [*_OWN, DEPLOY / "worker" / "requirements.txt"]
# PyPI's own list, then OSV's, which it is made from.
SOURCES = ("pypi", "osv")
SECONDS = 60


def lists() -> Iterator[str]:
    """Every package of every lock, on any platform: as few lists as hold no package in two versions."""
    pinned = {pin for lock in LOCKS for pin in re.findall(r"^[a-z0-9-]+==[^ ]+", lock.read_text("utf-8"), re.MULTILINE)}
    versions: dict[str, list[str]] = {}
    for pin in sorted(pinned):
        versions.setdefault(pin.partition("==")[0], []).append(pin)
    for number in range(max(map(len, versions.values()))):
        yield "\n".join(pins[number] for pins in versions.values() if number < len(pins))


def ask(source: str) -> tuple[list[dict[str, Any]], str]:
    """What one source says of each package, or the reason why it was not heard."""
    packages: list[dict[str, Any]] = []
    options = ["--no-deps", "--disable-pip", "--progress-spinner=off", "--timeout=10", "--format=json"]
    command = [sys.executable, "-m", "pip_audit", f"--vulnerability-service={source}", *options, "--requirement"]
    with tempfile.TemporaryDirectory() as folder:
        for text in lists():
            path = Path(folder) / "requirements.txt"
            path.write_text(text, "utf-8")
            try:
                done = subprocess.run(  # noqa: S603
                    [*command, str(path)], capture_output=True, text=True, timeout=SECONDS, check=False
                )
                packages += json.loads(done.stdout)["dependencies"]
            except subprocess.TimeoutExpired:
                return [], f"no answer within {SECONDS} s"
            except (ValueError, KeyError):
                return [], (done.stderr.strip().splitlines() or ["no answer"])[-1][:200]
    unknown = sorted({package["name"] for package in packages if "skip_reason" in package})
    if unknown:
        return [], f"it does not know {len(unknown)} of {len(packages)} packages: {', '.join(unknown[:5])}"
    return packages, ""


def found(packages: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each vulnerability: package, version, names, the versions without it."""
    for package in packages:
        for one in package["vulns"]:
            names = " ".join([one["id"], *one["aliases"]])
            fixed = ", ".join(one["fix_versions"]) or "no version"
            yield f"{package['name']} {package['version']}: {names}; fixed in {fixed}"


def main() -> int:
    """Ask one source after the other until one knows every package."""
    for source in SOURCES:
        packages, reason = ask(source)
        if not reason:
            lines = sorted(set(found(packages)))
            print(*lines, f"audit: {len(packages)} packages, {len(lines)} known vulnerabilities", sep="\n")
            return 1 if lines else 0
        print(f"audit: {source}: {reason}", file=sys.stderr)
    print("audit: NOT COMPARED: no source of advisories could be asked about every package", file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
