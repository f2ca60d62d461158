"""The programs of `node/` as the tests ask them: a case and its arguments go in, what it gave comes out."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Any

from tests.clients.sdk import KEY

PLACE = Path(__file__).parent / "node"
NEEDS = 22
LIMIT = 30.0
ADVICE = "`make test-clients` installs what is missing"


def node() -> str:
    """The Node beside this interpreter, or the one of the system."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    found = shutil.which("node", path=path)
    assert found, f"no node: {ADVICE}"
    version = subprocess.run([found, "--version"], text=True, capture_output=True, check=True).stdout.strip()
    assert int(version[1:].partition(".")[0]) >= NEEDS, f"node {version} is too old: {ADVICE}"
    assert (PLACE / "node_modules").is_dir(), f"no packages in {PLACE}: {ADVICE}"
    return found


class Script:
    """A program that runs while the tests ask it."""

    def __init__(self, name: str, url: str, **environment: str) -> None:
        given = {"GATEWAY_URL": f"{url}/v1", "GATEWAY_KEY": KEY, **environment}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "AI_"))}
        self._popen = subprocess.Popen(
            [node(), name],
            cwd=PLACE,
            env=kept | given,
            text=True,
            encoding="utf-8",
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Script:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._kill()
        self._popen.communicate()

    def _kill(self) -> None:
        """End the whole group: a Node that pip installed is started by a program of its own."""
        if self._popen.poll() is None:
            os.killpg(self._popen.pid, signal.SIGKILL)

    def __call__(self, case: str, *arguments: Any) -> Any:
        """What a case gives."""
        assert self._popen.stdin
        assert self._popen.stdout
        self._popen.stdin.write(json.dumps([case, *arguments]) + "\n")
        self._popen.stdin.flush()
        limit = Timer(LIMIT, self._kill)
        limit.start()
        try:
            line = self._popen.stdout.readline()
        finally:
            limit.cancel()
        assert line, f"{case} ended its program, {self._popen.wait(5)}"
        return json.loads(line)

    def wrong(self, case: str, *arguments: Any) -> dict[str, Any]:
        """The error that a case ends with."""
        found: dict[str, Any] = self(case, *arguments)["error"]
        return found
