"""The process that serves: its start, its ports, its first and last lines, with uvloop and without."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from app import serve
from app.sandbox import server
from app.version import program_version
from tests.running import Process, ProcessStarter, environment, eventually

CHAT = "/v1/chat/completions"
SAY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "sandbox:say да"}]}


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


def failing(directory: Path, **env: str) -> tuple[int, list[str]]:
    """The exit code of a start that must fail, and every line that it wrote."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GIGACHAT_", "GPT2GIGA_"))}
    done = subprocess.run(
        [sys.executable, "-m", "app"],
        env={**clean, "GPT2GIGA_PORT": "0", "GPT2GIGA_LOG_FORMAT": "json", **env},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()


@pytest.mark.samples("GPT2GIGA_METRICS_PORT")
@pytest.mark.parametrize("which", ["GPT2GIGA_PORT", "GPT2GIGA_METRICS_PORT"])
def test_a_port_in_use_ends_the_start(tmp_path: Path, taken: int, which: str) -> None:
    """Exit code 1 and one line that names the port which is taken, the metrics' own too."""
    code, lines = failing(tmp_path, **{which: str(taken)})
    assert code == 1
    assert len(lines) == 1
    line = json.loads(lines[0])
    assert (line["level"], line["event"], line["port"]) == ("critical", "cannot listen", taken)
    assert "in use" in line["why"]
    assert line["remedy"] == f"set {which}={taken + 1}; or end what listens there: `ss -ltnp` names it"


@pytest.mark.samples("192.0.2.1")
@pytest.mark.parametrize("host", ["gateway.invalid", "192.0.2.1", "a..b"])
def test_a_host_that_is_not_this_machine_ends_the_start(tmp_path: Path, host: str) -> None:
    """A name without an address, another machine's address, no name at all: no other port would help."""
    code, lines = failing(tmp_path, GPT2GIGA_HOST=host)
    assert code == 1
    line = json.loads(lines[-1])
    assert (line["event"], line["host"], line["remedy"]) == ("cannot listen", host, "set GPT2GIGA_HOST=127.0.0.1")
    assert line["why"]
    assert "Traceback" not in "".join(lines)


@pytest.mark.parametrize(
    ("fault", "host"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), True),
        (OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address"), True),
        (OSError("could not bind on any address out of [('192.0.2.1', 8090)]"), True),
        (OSError(errno.EADDRINUSE, "Address already in use"), False),
        (PermissionError(errno.EACCES, "Permission denied"), False),
    ],
)
def test_whether_the_host_is_at_fault(fault: OSError, host: bool) -> None:
    """As the loops of asyncio, of its later versions and of uvloop tell it."""
    assert serve.is_host_fault(fault) is host


def test_a_bundle_without_a_certificate_ends_the_start(tmp_path: Path) -> None:
    """It is a fault of the settings: exit code 2 and a sentence with the setting and the file, no traceback."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("no certificate\n")
    code, lines = failing(tmp_path, GIGACHAT_CA_BUNDLE_FILE=str(bundle))
    assert code == 2
    assert len(lines) == 1
    assert lines[0].startswith(f"gpt2giga-proxy: GIGACHAT_CA_BUNDLE_FILE ({bundle}): ")


async def until_ready(process: Process, http: aiohttp.ClientSession) -> None:
    """Wait for readiness on this loop, which is the sandbox's too."""
    async with asyncio.timeout(10):
        while True:
            async with http.get(f"{process.url}/readyz") as response:
                if response.status == 200:
                    return
            await asyncio.sleep(0.02)


async def test_the_start_tells_the_settings_and_no_secret(
    sandbox: server.Running, start_process: ProcessStarter, http: aiohttp.ClientSession
) -> None:
    """The first line has the address and what differs from the defaults; the metrics move where they are told to."""
    ready = sandbox.state.tokens.issue(1800)
    env = environment(
        sandbox,
        GIGACHAT_ACCESS_TOKEN=ready,
        GPT2GIGA_API_KEY="secret-of-the-gateway",
        GPT2GIGA_METRICS_PORT="0",
        GPT2GIGA_UPSTREAM_PROX="http://user:secret-typo@x",
        GIGACHAT_VERIFY_SSL_CERTS="false",
    )
    process = start_process(env=env)
    line = process.event("listening")
    assert line["url"] == f"{process.url}/v1"
    assert line["version"] == program_version()
    shown = line["settings"]
    assert shown["GIGACHAT_CREDENTIALS"] == shown["GIGACHAT_ACCESS_TOKEN"] == shown["GPT2GIGA_API_KEY"] == "set"
    assert (shown["GPT2GIGA_METRICS_PORT"], shown["GIGACHAT_BASE_URL"]) == (0, sandbox.url)
    assert "GPT2GIGA_SHUTDOWN_SECONDS" not in shown
    warnings = [line["event"] for line in process.lines() if line["level"] == "warning"]
    assert any("GPT2GIGA_UPSTREAM_PROXY" in event for event in warnings)
    assert any("GIGACHAT_VERIFY_SSL_CERTS" in event for event in warnings)
    async with http.get(f"{process.url}/metrics") as response:
        assert response.status == 404
    async with http.get(line["metrics"]) as response:
        assert response.status == 200
        assert "gpt2giga_proxy_requests_total" in await response.text()
    text = process.log.read_text("utf-8")
    secrets = ("secret-of-the-gateway", "secret-typo", ready, sandbox.state.settings.key.rstrip("="))
    assert [secret for secret in secrets if secret in text] == []


async def test_the_text_log_is_for_people(
    sandbox: server.Running, start_process: ProcessStarter, http: aiohttp.ClientSession
) -> None:
    """From the start to the stop: date and zone in each line, and nothing as Python writes it."""
    env = environment(
        sandbox,
        GPT2GIGA_LOG_FORMAT="text",
        GPT2GIGA_MODEL_ALIASES="gpt-4o=GigaChat-2-Max,claude-*=GigaChat-2-Pro",
        GPT2GIGA_CORS_ORIGINS="https://a.example,https://b.example",
        GPT2GIGA_STATE_ECHO="false",
    )
    process = start_process("-m", "app", program=["-B"], env=env)
    async with asyncio.timeout(10):
        while " listening " not in (text := process.log.read_text("utf-8")):
            await asyncio.sleep(0.02)
    url = re.search(r" url=(\S+)/v1 ", text)
    assert url
    async with http.post(url[1] + CHAT, json=SAY) as response:
        assert response.status == 200
    process.popen.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.popen.wait, 10) == 0
    lines = process.log.read_text("utf-8").splitlines()
    assert len(lines) >= 4
    for line in lines:
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d [A-Z]+ +\S", line), line
        assert not re.search(r"[{}\[\]]|\bTrue\b|\bFalse\b|\bNone\b|='|Path\(|<", line), line
        assert not re.search(r"\b(?:0\.0*[1-9]\d{3}|[1-9]\d*\.\d{4})", line), line
    (listening,) = (line for line in lines if " listening " in line)
    assert f" version={program_version()} url={url[1]}/v1 " in listening
    assert " settings.GPT2GIGA_STATE_ECHO=false" in listening
    assert " settings.GPT2GIGA_CORS_ORIGINS=https://a.example,https://b.example" in listening


async def test_nothing_under_way_is_the_end_at_once(
    sandbox: server.Running, start_process: ProcessStarter, http: aiohttp.ClientSession
) -> None:
    """Exit code 0 without a pause, though a client keeps its idle connection; and no line is an error."""
    process = start_process(env=environment(sandbox))
    await until_ready(process, http)
    async with http.post(process.url + CHAT, json=SAY) as response:
        assert response.status == 200
        await response.read()
    sent = time.monotonic()
    process.popen.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.popen.wait, 8) == 0
    assert time.monotonic() - sent < 1
    assert {line["level"] for line in process.lines()} <= {"info", "warning"}


@pytest.mark.samples("asyncio")
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_a_hangup_does_not_end_it(
    sandbox: server.Running, start_process: ProcessStarter, http: aiohttp.ClientSession, tmp_path: Path, loop: str
) -> None:
    """The terminal closes and the gateway serves on; its log says so, once; a signal to stop still does."""
    if loop == "asyncio":
        (tmp_path / "uvloop.py").write_text("raise ImportError('not installed')\n")
    process = start_process(env=environment(sandbox))
    await until_ready(process, http)
    for _ in range(3):
        process.popen.send_signal(signal.SIGHUP)
        await asyncio.sleep(0.05)
    async with http.post(process.url + CHAT, json=SAY) as response:
        assert response.status == 200
    process.popen.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.popen.wait, 8) == 0
    assert [line["level"] for line in process.lines() if line["event"].startswith("SIGHUP is ignored")] == ["info"]


@pytest.mark.long
async def test_nohup_stays_in_force(
    sandbox: server.Running, start_process: ProcessStarter, http: aiohttp.ClientSession
) -> None:
    """Whoever started it decided that the signal is ignored: it is not even told of."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what a child inherits
    try:
        process = start_process(env=environment(sandbox))
    finally:
        signal.signal(signal.SIGHUP, before)
    await until_ready(process, http)
    process.popen.send_signal(signal.SIGHUP)
    process.popen.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.popen.wait, 8) == 0
    assert "SIGHUP" not in process.log.read_text("utf-8")


async def test_the_process_hears_of_a_client_that_leaves(
    sandbox: server.Running, start_process: ProcessStarter, http: aiohttp.ClientSession
) -> None:
    """Cancellation is on in the program itself, not in tests alone: GigaChat is let go, the line says 499."""
    process = start_process(env=environment(sandbox))
    await until_ready(process, http)
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "sandbox:wait 30"}]}
    request = asyncio.create_task(http.post(process.url + CHAT, json=body).__aenter__())
    await eventually(lambda: sandbox.state.chatting == 1)
    request.cancel()
    await eventually(lambda: sandbox.state.requests.of("chat")[0].outcome == "client_gone")
    await eventually(lambda: any(line["event"] == "request" for line in process.lines()))
    line = process.event("request")
    assert (line["status"], line["aborted_by"], line["error_type"]) == (499, "client", "client_closed")


async def test_it_serves_without_uvloop(
    sandbox: server.Running, start_process: ProcessStarter, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """The extra is an extra: where the package can't be imported, asyncio's own loop serves and stops."""
    (tmp_path / "uvloop.py").write_text("raise ImportError('not installed')\n")
    process = start_process(env=environment(sandbox))
    await until_ready(process, http)
    async with http.post(process.url + CHAT, json=SAY) as response:
        assert (await response.json())["choices"][0]["message"]["content"] == "да"
    process.popen.send_signal(signal.SIGINT)
    assert await asyncio.to_thread(process.popen.wait, 8) == 0
    assert "Traceback" not in process.log.read_text("utf-8")


def test_the_loop_is_uvloops_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what can be imported, nothing else."""
    uvloop = pytest.importorskip("uvloop")
    assert serve.choose_runner() is uvloop.run
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert serve.choose_runner() is asyncio.run
