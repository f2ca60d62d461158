"""Whoever reaches the port without a key, and what goes over the network unencrypted, is told at the start."""

from __future__ import annotations

import aiohttp
import pytest

from app.config import Config
from app.exposure import is_loopback
from app.sandbox import server
from tests.running import ProcessStarter, environment

LOCAL = ["127.0.0.1", "127.8.8.8", "127.1", "::1", "::ffff:127.0.0.1", "localhost", "LOCALHOST", "a.localhost."]
OTHERS = [
    "0.0.0.0",  # noqa: S104 - what is warned of
    "::",
    "0",
    "192.168.1.5",
    "10.0.0.1",
    "::ffff:10.0.0.1",
    "fe80::1%eth0",
    "gateway",
    "gateway.corp",
    "localhost.evil.example",
    "notlocalhost",
]


@pytest.mark.parametrize("host", LOCAL)
def test_this_machine_alone(host: str) -> None:
    """Nobody else reaches a loopback address: no warning, with a key and without."""
    assert is_loopback(host)
    assert Config.load({"GPT2GIGA_HOST": host}, None).warnings == ()
    name = f"[{host}]" if ":" in host else host
    if host != "127.1":
        assert Config.load({"GIGACHAT_BASE_URL": f"http://{name}:9555/v1"}, None).warnings == ()


@pytest.mark.parametrize("host", OTHERS)
def test_other_machines_reach_it(host: str) -> None:
    """One warning without a key, none with one."""
    assert not is_loopback(host)
    (warning,) = Config.load({"GPT2GIGA_HOST": host}, None).warnings
    assert "without GPT2GIGA_API_KEY: whoever reaches the port spends tokens" in warning
    assert Config.load({"GPT2GIGA_HOST": host, "GPT2GIGA_API_KEY": "k"}, None).warnings == ()


@pytest.mark.parametrize("name", ["GIGACHAT_BASE_URL", "GIGACHAT_AUTH_URL"])
def test_plain_http_to_another_machine(name: str) -> None:
    """Keys, prompts and answers can be read on the way; TLS is silent."""
    for host in ("api.giga.chat", "10.0.0.1", "[fd00::1]", "sandbox"):
        (warning,) = Config.load({name: f"http://{host}/v1"}, None).warnings
        assert warning.startswith(f"{name} is plain http to another machine")
        assert Config.load({name: f"https://{host}/v1"}, None).warnings == ()


async def test_the_start_tells_it(sandbox: server.Running, start_process: ProcessStarter) -> None:
    """In the log of a real process, and in what `check` prints."""
    host = {"GPT2GIGA_HOST": "0.0.0.0"}  # noqa: S104 - what is warned of
    env = environment(sandbox, GIGACHAT_AUTH_URL="http://oauth.invalid/oauth", **host)
    process = start_process(env=env)
    warnings = [line["event"] for line in process.lines() if line["level"] == "warning"]
    assert sum("without GPT2GIGA_API_KEY" in event for event in warnings) == 1
    assert sum("GIGACHAT_AUTH_URL is plain http" in event for event in warnings) == 1
    async with aiohttp.ClientSession() as http, http.get(process.url.replace("0.0.0.0", "127.0.0.1")):  # noqa: S104
        pass
    check = start_process("check", env=env)
    check.popen.wait(20)
    text = check.log.read_text("utf-8")
    assert "WARN  settings: listening on all addresses without GPT2GIGA_API_KEY" in text
    assert "WARN  settings: GIGACHAT_AUTH_URL is plain http" in text
