"""The processes under measurement: where they run, how they are started, watched and ended."""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from . import payloads

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 40  # LiteLLM takes ten
POLL_SECONDS = 0.002
_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")


class NotReady(Exception):
    """A process ended or did not answer in time."""


@dataclass(slots=True, frozen=True)
class Cores:
    """One core for the proxies, another for the upstream and the load; the same one where there is no other."""

    proxy: int
    load: int

    @classmethod
    def choose(cls) -> Cores:
        """The first and the last that this process may use."""
        allowed = sorted(os.sched_getaffinity(0))
        return cls(allowed[0], allowed[-1])


@dataclass(slots=True)
class Process:
    """A running process, its port, and the time at which it was started."""

    name: str
    port: int
    popen: subprocess.Popen[bytes]
    output: Path
    started: float = field(default_factory=time.perf_counter)

    def cpu_seconds(self) -> float:
        """CPU time of all its threads so far, in nanosecond steps: the clock that clock_getcpuclockid(3) names."""
        return time.clock_gettime_ns(~self.popen.pid << 3 | 2) / 1e9

    def rss_megabytes(self) -> float:
        """Resident memory, MiB."""
        status = Path(f"/proc/{self.popen.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def wait(self, request: Callable[[http.client.HTTPConnection], None]) -> float:
        """Ask again and again until a 200 comes; give the seconds since the start."""
        while True:
            if _answers(self.port, request):
                return time.perf_counter() - self.started
            if self.popen.poll() is not None:
                raise NotReady(f"{self.name} ended with {self.popen.returncode}\n{self.tail()}")
            if time.perf_counter() - self.started > READY_SECONDS:
                raise NotReady(f"{self.name} is not ready after {READY_SECONDS} s\n{self.tail()}")
            time.sleep(POLL_SECONDS)

    def tail(self) -> str:
        """The last that it said."""
        return self.output.read_text(errors="replace")[-2000:]


def _answers(port: int, request: Callable[[http.client.HTTPConnection], None]) -> bool:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=READY_SECONDS)) as connection:
        try:
            request(connection)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            return False
        return response.status == http.HTTPStatus.OK


def ask_models(connection: http.client.HTTPConnection) -> None:
    """The cheapest question to the upstream."""
    connection.request("GET", "/v1/models")


def ask_chat(connection: http.client.HTTPConnection) -> None:
    """A chat, as a client asks it."""
    headers = {"Authorization": f"Bearer {payloads.API_KEY}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", payloads.body("2k", payloads.WHOLE, 0), headers)


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def gateway_settings(port: int, upstream_port: int) -> dict[str, str]:
    """Defaults but for where things are, the key, the log's form, and that no request waits for another."""
    upstream = f"http://127.0.0.1:{upstream_port}"
    return {
        "GIGACHAT_CREDENTIALS": base64.b64encode(b"bench:bench").decode(),
        "GIGACHAT_BASE_URL": f"{upstream}/v1",
        "GIGACHAT_MAX_CONCURRENCY": "100000",
        "GIGACHAT_AUTH_URL": f"{upstream}/api/v2/oauth",
        "GPT2GIGA_HOST": "127.0.0.1",
        "GPT2GIGA_PORT": str(port),
        "GPT2GIGA_API_KEY": payloads.API_KEY,
        "GPT2GIGA_LOG_FORMAT": "json",
    }


@dataclass(slots=True, frozen=True)
class Launcher:
    """Starts processes in an empty folder (no `.env` is read there) and with an environment of their own."""

    cores: Cores
    folder: Path

    @contextlib.contextmanager
    def upstream(self) -> Iterator[Process]:
        """The fake GigaChat."""
        port = free_port()
        command = [sys.executable, "-m", f"{__package__}.upstream", str(port)]
        with self.run("upstream", command, port, self.cores.load) as process:
            process.wait(ask_models)
            yield process

    @contextlib.contextmanager
    def proxy(
        self, name: str, upstream_port: int, settings: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[Process]:
        """`bare` or `gateway`, started and not yet ready; the settings are added to the gateway's usual ones."""
        port = free_port()
        if name == "gateway":
            settings, arguments = {**gateway_settings(port, upstream_port), **settings}, ["app"]
        else:
            settings, arguments = {}, [f"{__package__}.bare", str(port), str(upstream_port)]
        with self.run(name, [sys.executable, "-m", *arguments], port, self.cores.proxy, settings) as process:
            yield process

    @contextlib.contextmanager
    def run(
        self, name: str, command: list[str], port: int, core: int, settings: Mapping[str, str] | None = None
    ) -> Iterator[Process]:
        """A process with so much of this one's environment as any needs, and with its settings."""
        environment = {key: os.environ[key] for key in _INHERITED if key in os.environ}
        environment |= {"PYTHONPATH": str(ROOT), **(settings or {})}
        output = self.folder / f"{name}-{port}.log"
        working = self.folder / "empty"
        working.mkdir(exist_ok=True)
        with output.open("wb") as log:
            os.sched_setaffinity(0, {core})  # a child begins where its parent is
            try:
                started = time.perf_counter()
                popen = subprocess.Popen(
                    command,
                    cwd=working,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            finally:
                os.sched_setaffinity(0, {self.cores.load})
        try:
            yield Process(name, port, popen, output, started)
        finally:
            popen.kill()
            popen.wait(timeout=10)
            output.unlink(missing_ok=True)


@contextlib.contextmanager
def launcher() -> Iterator[Launcher]:
    """A launcher with a folder for this run; this process moves to the load's core."""
    cores = Cores.choose()
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cores.load})
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            yield Launcher(cores, Path(folder))
    finally:
        os.sched_setaffinity(0, before)
