"""The two programs of a tree, each in a process of its own: the sandbox GigaChat and the gateway."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .client import Address, answers

KEY = "c2FuZGJveDpzYW5kYm94"  # the sandbox's, base64 of sandbox:sandbox
_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")
_START_SECONDS = 30.0
_END_SECONDS = 5.0


class NotStarted(Exception):
    """A program ended, or said nothing, in the time that it had."""


@dataclass(slots=True)
class Process:
    """A running program and what it has logged."""

    popen: subprocess.Popen[bytes]
    log: Path
    address: Address
    _read: int = field(default=0, init=False)
    _lines: list[dict[str, Any]] = field(default_factory=list, init=False)

    def lines(self) -> list[dict[str, Any]]:
        """Every whole line of the log that is JSON, so far."""
        with self.log.open("rb") as log:
            log.seek(self._read)
            data = log.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        self._lines += [json.loads(line) for line in whole.splitlines() if line.startswith(b"{")]
        return self._lines

    def stop(self) -> None:
        """Ask it to end."""
        self.popen.send_signal(signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Tree:
    """A working copy of the repository: its code, run by its own interpreter where it has one."""

    root: Path

    @property
    def python(self) -> str:
        """The interpreter."""
        own = self.root / ".venv" / "bin" / "python"
        return str(own) if own.exists() else sys.executable

    @contextlib.contextmanager
    def sandbox(self, folder: Path) -> Iterator[Process]:
        """The sandbox, listening."""
        address = ("127.0.0.1", _free_port())
        with self._run(folder, "sandbox", ["sandbox", "--port", str(address[1])], {}) as (popen, log):
            if not answers(address, "/sandbox", _START_SECONDS):
                raise NotStarted(f"no sandbox:\n{log.read_text()}")
            yield Process(popen, log, address)

    @contextlib.contextmanager
    def gateway(self, folder: Path, sandbox: Address, settings: Mapping[str, str]) -> Iterator[Process]:
        """The gateway in front of a sandbox, listening."""
        url = f"http://{sandbox[0]}:{sandbox[1]}"
        environment = {
            "GIGACHAT_CREDENTIALS": KEY,
            "GIGACHAT_BASE_URL": f"{url}/v1",
            "GIGACHAT_AUTH_URL": f"{url}/api/v2/oauth",
            "GPT2GIGA_PORT": "0",
            "GPT2GIGA_LOG_FORMAT": "json",
            "GPT2GIGA_BALANCE_SECONDS": "0",
            "GPT2GIGA_SHUTDOWN_SECONDS": "3",
            "SSL_CERT_FILE": os.devnull,  # reading the system's certificates is most of a start
        }
        environment |= settings
        with self._run(folder, "gateway", [], {k: v for k, v in environment.items() if v}) as (popen, log):
            yield Process(popen, log, _listening(popen, log))

    @contextlib.contextmanager
    def _run(
        self, folder: Path, name: str, arguments: list[str], settings: Mapping[str, str]
    ) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
        """Run the program with no settings but these, in an empty directory: no `.env` is read there."""
        environment = {key: os.environ[key] for key in _INHERITED if key in os.environ}
        environment |= {"PYTHONPATH": str(self.root), **settings}
        working, log = folder / "empty", folder / f"{name}.log"
        working.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out:
            popen = subprocess.Popen(
                [self.python, "-m", "app", *arguments],
                cwd=working,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        try:
            yield popen, log
        finally:
            popen.terminate()
            try:
                popen.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                popen.kill()
                popen.wait()


def _listening(popen: subprocess.Popen[bytes], log: Path) -> Address:
    end, process = time.monotonic() + _START_SECONDS, Process(popen, log, ("", 0))
    while time.monotonic() < end:
        for line in process.lines():
            if line.get("event") == "listening":
                host, _, port = line["url"].removeprefix("http://").removesuffix("/v1").rpartition(":")
                return host, int(port)
        if popen.poll() is not None:
            break
        time.sleep(0.02)
    raise NotStarted(f"no gateway:\n{log.read_text()}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
