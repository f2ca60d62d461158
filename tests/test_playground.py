"""`python -m app sandbox`: the local GigaChat alone and with the gateway in front, end to end."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from app import cli, playground
from app.sandbox import server
from app.sandbox.state import SandboxSettings
from tests.running import Process, ProcessStarter, wait_ready

# What a developer who has the real GigaChat set up may have in the environment
REAL = {
    "GIGACHAT_CREDENTIALS": "cmVhbDpyZWFs",
    "GIGACHAT_ACCESS_TOKEN": "real-token",
    "GIGACHAT_SCOPE": "GIGACHAT_API_CORP",
    "GIGACHAT_BASE_URL": "https://127.0.0.1:1",
    "GIGACHAT_AUTH_URL": "https://127.0.0.1:1",
    "GIGACHAT_VERIFY_SSL_CERTS": "false",
    "HTTPS_PROXY": "http://127.0.0.1:1",
}


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


async def ended(process: Process) -> int:
    """The exit code, waited for beside the loop; nothing in the log may be a traceback."""
    code = await asyncio.to_thread(process.popen.wait, 10)
    assert "Traceback" not in process.log.read_text("utf-8")
    return code


async def test_both_in_one_process_serve_a_real_request(
    start_process: ProcessStarter, unused_port: int, http: aiohttp.ClientSession
) -> None:
    """Whatever the environment says of the real GigaChat, the sandbox answers; Ctrl-C ends both with exit code 0."""
    process = start_process("sandbox", "--with-gateway", "--port", str(unused_port), env=REAL)
    url = process.event("listening")["url"]
    await asyncio.to_thread(wait_ready, url.removesuffix("/v1"))
    body: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "sandbox:say Здравствуйте"}]}
    async with http.post(f"{url}/chat/completions", json=body) as response:
        assert (await response.json())["choices"][0]["message"]["content"] == "Здравствуйте"
    body["messages"][0]["content"] = "sandbox:sing"
    async with http.post(f"{url}/chat/completions", json=body) as response:
        assert response.status == 400
        assert "no directive is sandbox:sing. There are: sandbox:say, sandbox:long, " in (await response.text())
    process.popen.send_signal(signal.SIGINT)
    assert await ended(process) == 0
    text = process.log.read_text("utf-8")
    assert f"The sandbox GigaChat listens on http://127.0.0.1:{unused_port}" in text
    assert "Point an OpenAI SDK at" in text
    assert "real-token" not in text


@pytest.mark.samples("15")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_sandbox_alone(
    start_process: ProcessStarter, unused_port: int, http: aiohttp.ClientSession, number: signal.Signals
) -> None:
    """It listens, says with which settings to use it, and ends with exit code 0."""
    process = start_process("sandbox", "--port", str(unused_port), "--token-ttl", "60")
    await asyncio.to_thread(wait_ready, f"http://127.0.0.1:{unused_port}", "/sandbox")
    process.popen.send_signal(number)
    assert await ended(process) == 0
    assert f"GIGACHAT_CREDENTIALS={SandboxSettings().key} " in process.log.read_text("utf-8")


@pytest.mark.samples("False")
@pytest.mark.parametrize("gateway", [False, True])
async def test_a_port_in_use_is_one_sentence(
    start_process: ProcessStarter, taken: int, unused_port: int, gateway: bool
) -> None:
    """Exit code 1: the sandbox's port, or the gateway's behind a sandbox that has its own."""
    if gateway:
        process = start_process(
            "sandbox", "--with-gateway", "--port", str(unused_port), env={"GPT2GIGA_PORT": str(taken)}
        )
        said = f'"remedy":"GPT2GIGA_PORT={taken + 1} make sandbox (.env is not read here); or end what listens'
    else:
        process = start_process("sandbox", "--port", str(taken))
        said = (
            f"The sandbox cannot listen on 127.0.0.1:{taken}: Address already in use.\nGive another port with --port "
            f"{taken + 1}, or: make sandbox SANDBOX='--port {taken + 1}'\n"
        )
    assert await ended(process) == 1
    assert said in process.log.read_text("utf-8")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--port", "99999"),
        ("--port", "-1"),
        ("--port", "9.5"),
        ("--port", "x"),
        ("--token-ttl", "nan"),
        ("--token-ttl", "1e400"),
        ("--max-concurrency", "-1"),
        ("--chunk-seconds", "-0.1"),
        ("--clock-offset", "soon"),
    ],
)
def test_a_number_that_is_none_is_wrong_usage(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and a line that names the option and what it takes."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["sandbox", f"{option}={value}"])
    assert caught.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert f"argument {option}: '{value}' is no " in last


@pytest.mark.samples("True")
@pytest.mark.parametrize("gateway", [False, True])
async def test_a_host_that_is_not_this_machine_is_one_sentence(
    start_process: ProcessStarter, unused_port: int, gateway: bool
) -> None:
    """Another port would not help: the remedy is another host, given in the way that has a say here."""
    if gateway:
        env = {"GPT2GIGA_HOST": "192.0.2.1"}
        process = start_process("sandbox", "--with-gateway", "--port", str(unused_port), env=env)
        said = '"remedy":"GPT2GIGA_HOST=127.0.0.1 make sandbox (.env is not read here)"'
    else:
        process = start_process("sandbox", "--host", "192.0.2.1")
        said = "Give another host with --host 127.0.0.1, or: make sandbox SANDBOX='--host 127.0.0.1'"
    assert await ended(process) == 1
    assert said in process.log.read_text("utf-8")


async def test_the_gateways_settings_are_the_environments_but_for_gigachat() -> None:
    """Port, key and aliases stay; key, scope, addresses, proxy and certificates of the real GigaChat go."""
    settings = SandboxSettings(scope="GIGACHAT_API_B2B")
    running = await server.start(settings)
    try:
        given = {**REAL, "GPT2GIGA_API_KEY": "mine", "GIGACHAT_MODEL": "GigaChat-2-Pro", "GIGACHAT_CERT_FILE": "/x"}
        config = playground.build_gateway_config(running, settings, {**given, "GPT2GIGA_UPSTREAM_PROXY_FILE": "/x"})
    finally:
        await running.stop()
    assert (config.api_key, config.model) == ("mine", "GigaChat-2-Pro")
    assert (config.scope, config.base_url) == ("GIGACHAT_API_B2B", running.url)
    assert [one.key for one in config.credentials] == [settings.key]
    assert (config.access_token, config.upstream_proxy, config.cert_file) == ("", "", None)
    assert config.verify_ssl_certs
