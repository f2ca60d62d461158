"""Whatever state the standard streams are in, a command's exit code is its own, and no socket takes their place."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from app.sandbox import server
from tests.running import environment

APP = f"{shlex.quote(sys.executable)} -m app"
BROKEN = [
    ">/dev/full",
    "2>/dev/full",
    ">/dev/full 2>&1",
    "2>&-",
    "<&- >&- 2>&-",
    "2</dev/null",
]
# command, its own exit code: nobody listens on port 1
COMMANDS = [
    ("certs", 0),
    ("check", 1),
    ("alive", 1),
    ("translate good.json", 0),
    ("--help", 0),
    ("nonsense", 2),
    ("sandbox --host 192.0.2.1", 1),
]
NOWHERE = {
    "PATH": os.environ["PATH"],
    "GIGACHAT_CREDENTIALS": "a2V5",
    "GIGACHAT_AUTH_URL": "http://127.0.0.1:1",
    "GIGACHAT_BASE_URL": "http://127.0.0.1:1",
    "GPT2GIGA_PORT": "1",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with a request in it."""
    (tmp_path / "good.json").write_text('{"model": "x", "messages": [{"role": "user", "content": "x"}]}')
    return tmp_path


def shell(script: str, folder: Path) -> tuple[int, str]:
    """The exit code of `$code` in a script, and all that came out."""
    done = subprocess.run(
        ["/bin/sh", "-c", script], cwd=folder, env=NOWHERE, capture_output=True, text=True, timeout=30, check=False
    )
    return int((folder / "code").read_text()), done.stdout + done.stderr


@pytest.mark.samples("nonsense-2")
@pytest.mark.parametrize(("command", "code"), COMMANDS)
def test_the_exit_code_is_the_commands(command: str, code: int, folder: Path) -> None:
    """Closed or full, each alone and together: no traceback, no 120 of the interpreter's own last flush."""
    for redirection in BROKEN:
        found, shown = shell(f"{APP} {command} {redirection}; echo $? >code", folder)
        assert found == code, redirection
        assert "Traceback" not in shown
        assert "Exception ignored" not in shown


@pytest.mark.samples("--help-0")
@pytest.mark.parametrize(("command", "code"), COMMANDS)
def test_a_reader_that_leaves_changes_nothing(command: str, code: int, folder: Path) -> None:
    """`| head -1`, of the output and of the errors; one that has left before the first word."""
    for pipe in ("| head -1", "| head -c 0", "2>&1 >/dev/null | head -c 0"):
        found, shown = shell(f"{{ {APP} {command}; echo $? >code; }} {pipe}", folder)
        assert found == code
        assert "Traceback" not in shown
        assert "Exception ignored" not in shown


def test_what_is_read_is_whole(folder: Path) -> None:
    """A reader who takes his time gets all of it, from a pipe that does not block too."""
    whole = shell(f"{APP} --help; echo $? >code", folder)[1]
    assert shell(f"{APP} --help | {{ sleep 0.5; cat; }}; echo 0 >code", folder) == (0, whole)
    text = "x" * 300_000
    script = (
        "import os; os.set_blocking(1, False)\n"
        f"from app import standard_streams; standard_streams.prepare(); print('x' * {len(text)})"
    )
    (folder / "script.py").write_text(script)
    slow = f"{shlex.quote(sys.executable)} script.py | {{ sleep 0.3; cat; }}; echo 0 >code"
    assert shell(slow, folder) == (0, text + "\n")


@pytest.mark.long
def test_complaints_wait_for_nobody_for_long(folder: Path) -> None:
    """A start with wrong settings ends though the pipe of its errors is full: in two seconds, with its exit code."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    while True:
        try:
            os.write(writer, b"\n" * 4096)
        except BlockingIOError:
            break
    os.set_blocking(writer, True)
    began = time.monotonic()
    env = {**NOWHERE, **{f"GPT2GIGA_UNKNOWN_{number}": "x" for number in range(50)}, "GPT2GIGA_PORT": "x"}
    popen = subprocess.Popen([sys.executable, "-m", "app"], cwd=folder, env=env, stderr=writer)
    try:
        assert popen.wait(15) == 2
    finally:
        popen.kill()
        os.close(reader)
        os.close(writer)
    assert time.monotonic() - began < 6


@pytest.mark.samples("<&- >&- 2>&-")
@pytest.mark.parametrize("redirection", [*BROKEN, "<&-", ">&-", ">&- 2>&-"])
async def test_the_gateway_serves_and_stops_with_0(
    sandbox: server.Running, http: aiohttp.ClientSession, folder: Path, unused_port: int, redirection: str
) -> None:
    """It answers; its descriptors 0 to 2 are no sockets; the signal ends it with 0."""
    env = {**NOWHERE, **environment(sandbox), "GPT2GIGA_PORT": str(unused_port)}
    popen = subprocess.Popen(["/bin/sh", "-c", f"exec {APP} {redirection}"], cwd=folder, env=env)
    try:
        async with asyncio.timeout(15):
            status = 0
            while status != 200:
                await asyncio.sleep(0.05)
                try:
                    async with http.get(f"http://127.0.0.1:{unused_port}/readyz") as response:
                        status = response.status
                except aiohttp.ClientError:
                    assert popen.poll() is None
        for number in range(3):
            target = os.readlink(f"/proc/{popen.pid}/fd/{number}")
            assert "socket" not in target
            assert "anon_inode" not in target
        popen.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(popen.wait, 10) == 0
    finally:
        popen.kill()
        popen.wait(10)
