"""What the tests share: the sandbox GigaChat, the gateway in this process or in one of its own, all on real sockets."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from app.admission.circuits import CIRCUIT_TIMES, CircuitTimes
from app.application import build
from app.config import Config
from app.exchange.tries import RetryPauses
from app.media.addresses import is_public
from app.sandbox import server
from app.sandbox.state import SandboxSettings
from app.serve import listen
from app.server.app_keys import DRAIN
from app.upstream.times import TIMES, UpstreamTimes
from app.wiring import Times
from tests.hosting import Host
from tests.measurement import pytest_collection, pytest_runtest_protocol  # noqa: F401 - hooks
from tests.programs import pytest_terminal_summary  # noqa: F401 - a hook
from tests.running import (
    GatewayStarter,
    Process,
    ProcessStarter,
    Running,
    SandboxStarter,
    environment,
    eventually,
    wait_ready,
)
from tests.selection import pytest_collection_modifyitems  # noqa: F401 - a hook
from tests.untried import NO_PAUSES


@pytest.fixture
async def start_sandbox() -> AsyncIterator[SandboxStarter]:
    """Start sandboxes with settings of one's own; all end with the test."""
    running: list[server.Running] = []

    async def start(**settings: Any) -> server.Running:
        running.append(await server.start(SandboxSettings(**settings)))
        return running[-1]

    yield start
    for one in running:
        await one.stop()


@pytest.fixture
async def sandbox(start_sandbox: SandboxStarter) -> server.Running:
    """A sandbox GigaChat, listening on `.url`; `.state` has its record of requests, its faults and its tokens."""
    return await start_sandbox(oauth_per_second=0)


@pytest.fixture
async def start_gateway(sandbox: server.Running) -> AsyncIterator[GatewayStarter]:
    """Start gateways in this process: `await start_gateway(GPT2GIGA_API_KEY="k")`; waits until they are ready.

    `public` judges the addresses that files are fetched from: `lambda _: True` lets them come from this machine.
    `times` are the waits and pauses upstream, `circuit_times` those of circuits, `pauses`
    those between tries: `tests.running.SHORT_PAUSES`, or a request that fails is not tried again.
    """
    async with AsyncExitStack() as stack:

        async def start(
            upstream: server.Running | None = None,
            *,
            ready: bool = True,
            public: Callable[[str], bool] = is_public,
            times: UpstreamTimes = TIMES,
            circuit_times: CircuitTimes = CIRCUIT_TIMES,
            pauses: RetryPauses = NO_PAUSES,
            **changes: str,
        ) -> Running:
            config = Config.load(environment(upstream or sandbox, **changes), dotenv=None)
            app = build(config, public=public, times=Times(times, circuit_times, pauses))
            runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.5)
            with pytest.MonkeyPatch.context() as patch:
                # Reading the system's certificates is most of a start.
                patch.setenv("SSL_CERT_FILE", os.devnull)
                await runner.setup()
            stack.push_async_callback(runner.cleanup)
            limits: dict[str, Any] = {"limit": config.max_connections, "idle_seconds": config.idle_seconds}
            running = Running(f"http://127.0.0.1:{await listen(runner, config.host, config.port, **limits)}", app)
            stack.push_async_callback(app[DRAIN].finish, 0)
            if ready:
                await eventually(lambda: running.gateway.gigachat.monitor.available is True)
            return running

        yield start


@pytest.fixture
async def gateway(start_gateway: GatewayStarter) -> Running:
    """A gateway in front of the sandbox, ready."""
    return await start_gateway()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    """A web server whose files are what a test puts into `.files`."""
    host = Host()
    await host.start()
    yield host
    await host.stop()


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[ProcessStarter]:
    """Start `python -m app ...` in an empty directory: `start_process("sandbox", env={...})`.

    With no arguments it serves, and `.url` is where it listens. `program` is another one that serves as `app` does;
    `options` are Popen's.
    """
    running: list[Process] = []

    def start(
        *arguments: str, env: dict[str, str] | None = None, program: Sequence[str] = ("-m", "app"), **options: Any
    ) -> Process:
        log = tmp_path / f"log{len(running)}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("GIGACHAT_", "GPT2GIGA_"))}
        clean |= {"GPT2GIGA_PORT": "0", "GPT2GIGA_LOG_FORMAT": "json", "SSL_CERT_FILE": os.devnull, **(env or {})}
        with log.open("wb") as out:
            popen = subprocess.Popen(
                [sys.executable, *program, *arguments], env=clean, cwd=tmp_path, stdout=out, stderr=out, **options
            )
        process = Process(popen, log)
        running.append(process)
        if not arguments:
            process.url = process.event("listening")["url"].removesuffix("/v1")
        return process

    yield start
    for process in running:
        if process.popen.poll() is None:
            process.popen.kill()
        process.popen.wait(10)


@pytest.fixture
def served(sandbox_process: str, start_process: ProcessStarter) -> Process:
    """A gateway in a process of its own in front of a sandbox in another: for clients that block."""
    env = {
        "GIGACHAT_CREDENTIALS": SandboxSettings().key,
        "GIGACHAT_BASE_URL": f"{sandbox_process}/v1",
        "GIGACHAT_AUTH_URL": f"{sandbox_process}/api/v2/oauth",
    }
    process = start_process(env=env)
    wait_ready(process.url)
    return process


@pytest.fixture
def sandbox_process(start_process: ProcessStarter, unused_port: int) -> str:
    """The URL of a sandbox in a process of its own; faults are set by POST {url}/sandbox/faults."""
    start_process("sandbox", "--port", str(unused_port))
    url = f"http://127.0.0.1:{unused_port}"
    wait_ready(url, "/sandbox")
    return url


@pytest.fixture
def unused_port() -> int:
    """A TCP port that nobody listens on."""
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
