"""`python -m app health`, as a person and a script see it; `alive` is tested with the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from app import cli
from app.sandbox.state import SandboxSettings
from app.version import program_version
from tests.running import ProcessStarter, answering, wait_ready


@pytest.fixture(autouse=True)
def _no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing from outside: an empty directory, an environment without the program's names."""
    for name in os.environ:
        if name.startswith(("GIGACHAT_", "GPT2GIGA_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.samples("GPT2GIGA_METRICS_PORT-the-gateways-key")
@pytest.mark.parametrize("key", ["", "the-gateways-key"])
@pytest.mark.parametrize("port", ["GPT2GIGA_PORT", "GPT2GIGA_METRICS_PORT"])
def test_health_prints_all_that_the_gateway_knows(
    key: str,
    port: str,
    sandbox_process: str,
    start_process: ProcessStarter,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the settings of the gateway's container: 0 and the full answer, from the one port or the other."""
    env = {
        "GIGACHAT_CREDENTIALS": SandboxSettings().key,
        "GIGACHAT_BASE_URL": f"{sandbox_process}/v1",
        "GIGACHAT_AUTH_URL": f"{sandbox_process}/api/v2/oauth",
        "GPT2GIGA_API_KEY": key,
        "GPT2GIGA_METRICS_PORT": "0",
        "GPT2GIGA_HOST": "0.0.0.0",  # noqa: S104 - compose's
    }
    process = start_process(env=env)
    listening = process.event("listening")
    wait_ready(process.url.replace("0.0.0.0", "127.0.0.1"))  # noqa: S104
    url = process.url if port == "GPT2GIGA_PORT" else listening["metrics"].removesuffix("/metrics")
    for name in ("GPT2GIGA_HOST", "GPT2GIGA_API_KEY"):
        monkeypatch.setenv(name, env[name])
    monkeypatch.setenv(port, url.rpartition(":")[2])
    assert cli.main(["health"]) == 0
    shown = capsys.readouterr()
    report = json.loads(shown.out)
    assert (report["status"], report["token"]["source"], report["version"]) == ("healthy", "oauth", program_version())
    assert shown.err == ""


def test_health_says_what_helps(
    start_process: ProcessStarter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A gateway without credentials: 1, with the remedy."""
    process = start_process()
    monkeypatch.setenv("GPT2GIGA_PORT", process.url.rpartition(":")[2])
    assert cli.main(["health"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["status"] == "unhealthy"
    assert "GIGACHAT_CREDENTIALS" in report["reason"]


def test_health_where_nobody_answers(
    unused_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """1, and one line that says where it looked."""
    monkeypatch.setenv("GPT2GIGA_PORT", str(unused_port))
    assert cli.main(["health"]) == 1
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert f"127.0.0.1:{unused_port}: Connection refused. The gateway does not run there" in shown.err


BODIES = {
    "short": (b'{"status": "healthy", "provider": "gigachat", "gigachat_available": true}', 0, "GPT2GIGA_METRICS_PORT"),
    "not ours": (b"<html>", 1, "is no gateway"),
    "a list": (b"[]", 1, "is no gateway"),
    "no text": (b'{"status": "\\ud800\x9b\xff"}', 1, "is no gateway"),
    "half a character": (b'{"status": "\\ud800"}', 0, "GPT2GIGA_METRICS_PORT"),
}


@pytest.mark.parametrize(("body", "code", "why"), BODIES.values(), ids=BODIES)
def test_health_of_what_tells_less(
    body: bytes, code: int, why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The short form is printed with the ways to the long one; what is no gateway is told in a line."""
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as port:
        monkeypatch.setenv("GPT2GIGA_PORT", str(port))
        assert cli.main(["health"]) == code
    shown = capsys.readouterr().err
    assert why in shown
    assert shown.count("\n") == 1
