"""Token: an outage of OAuth is not noticed, no level is lost, one call serves all, TLS is verified."""

from __future__ import annotations

import asyncio
import logging
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.sandbox.record import hash_credential
from app.upstream.times import UpstreamTimes
from tests.running import GatewayStarter, Running, SandboxStarter, eventually
from tests.watching import ask, everything, health, saying

pytestmark = pytest.mark.long

HI = saying("hi")


def seen(sandbox: Any) -> list[str]:
    """The tokens that chats came with, as the sandbox's record tells them."""
    return [one.headers["Authorization"] for one in sandbox.state.requests.of("chat")]


@pytest.mark.parametrize("kind", ["status", "down", "slow"])
async def test_oauth_goes_down_while_the_token_has_50_s_left(
    kind: str, start_sandbox: SandboxStarter, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """No request fails, waits for OAuth or asks it: the token is used to its very end."""
    sandbox = await start_sandbox(token_ttl=50.0)
    gateway = await start_gateway(sandbox)
    sandbox.state.faults.add(kind, where="oauth", times=None, **({"seconds": 9.0} if kind == "slow" else {}))
    async with asyncio.timeout(4):
        for stream in (False, True) * 5:
            assert (await ask(http, gateway, {**HI, "stream": stream})).content == "hi"
    assert (await health(http, gateway))[0] == 200
    assert len(sandbox.state.requests.of("oauth")) == 1


async def test_a_ready_token_is_the_second_level_and_stays_it(
    start_sandbox: SandboxStarter,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
) -> None:
    """OAuth's token goes first; the ready one serves when there is none, and again after a 401 of its own."""
    sandbox = await start_sandbox()
    spare = sandbox.state.tokens.issue(600)
    times = UpstreamTimes(probe_refused=0.05, file_look=0.02)
    gateway = await start_gateway(sandbox, times=times, GIGACHAT_ACCESS_TOKEN=spare)
    first = (await gateway.gateway.keeper.get()).value
    assert (await ask(http, gateway, HI)).status == 200
    assert seen(sandbox) == [hash_credential(f"Bearer {first}")] != [hash_credential(f"Bearer {spare}")]
    sandbox.state.faults.add("status", where="oauth", times=None, status=500)
    sandbox.state.tokens.revoke(first)
    assert (await ask(http, gateway, HI)).status == 200
    assert seen(sandbox)[-1] == hash_credential(f"Bearer {spare}")
    sandbox.state.faults.add("status", where="chat", status=401)
    assert (await ask(http, gateway, HI)).status == 503
    await eventually(lambda: gateway.gateway.keeper.status().fallback is True)
    assert (await ask(http, gateway, HI)).status == 200
    assert seen(sandbox)[-1] == hash_credential(f"Bearer {spare}")


async def test_an_end_told_in_seconds(
    start_sandbox: SandboxStarter, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """`expires_at` in seconds is no moment of 1970: one OAuth call serves all requests of half an hour."""
    sandbox = await start_sandbox()
    sandbox.state.faults.add("seconds_unit", where="oauth", times=None)
    gateway = await start_gateway(sandbox)
    for _ in range(10):
        assert (await ask(http, gateway, HI)).status == 200
    assert sandbox.state.tokens.issued == 1
    assert (await health(http, gateway))[1]["token"]["remaining_seconds"] == pytest.approx(1800, abs=10)


async def test_20_requests_at_expiry(
    start_sandbox: SandboxStarter, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """20 at once, over and over across the ends of tokens: one OAuth call a token, and each request is answered."""
    sandbox = await start_sandbox(token_ttl=2, oauth_per_second=0)
    gateway = await start_gateway(sandbox)
    sandbox.state.faults.add("slow", where="oauth", times=None, seconds=0.1)
    begun = sandbox.state.tokens.issued
    end = asyncio.get_running_loop().time() + 2.1
    while asyncio.get_running_loop().time() < end:
        replies = await asyncio.gather(*(ask(http, gateway, HI) for _ in range(20)))
        assert {reply.status for reply in replies} == {200}
    # `Date` has whole seconds, so a life is 1 to 2 s long, and it is renewed at its half
    assert 1 <= sandbox.state.tokens.issued - begun <= 6
    calls = len(sandbox.state.requests.of("oauth"))
    sandbox.state.tokens.revoke()
    replies = await asyncio.gather(*(ask(http, gateway, HI) for _ in range(20)))
    assert {reply.status for reply in replies} == {200}
    assert len(sandbox.state.requests.of("oauth")) - calls <= 2  # one may have been due just then


async def test_a_wrong_key_is_not_healthy(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """The process runs, says why it cannot serve and what to do, in log and health, and shows no part of the key."""
    caplog.set_level(logging.INFO)
    gateway = await start_gateway(ready=False, GIGACHAT_CREDENTIALS="d3Jvbmc6a2V5LW9mLW1pbmU=")
    assert (await ask(http, gateway, HI)).status == 503
    status, body = await health(http, gateway)
    assert (status, body["status"], body["gigachat_available"]) == (503, "unhealthy", False)
    assert "token" in body["reason"]
    assert "GIGACHAT_CREDENTIALS" in body["token"]["remedy"]
    logged = everything(caplog)
    assert "no token from OAuth" in logged
    assert "GIGACHAT_CREDENTIALS" in logged
    assert "d3Jvbmc6" not in str(body) + logged
    assert (await health(http, gateway, "/readyz"))[0] == 503
    assert (await health(http, gateway, "/livez"))[0] == 200


class Stranger:
    """A TLS server with a certificate that nobody signed; `.heard` is what came through."""

    def __init__(self) -> None:
        self.url = ""
        self.heard = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hear a request's head, answer nothing."""
        self.heard += await reader.read(4096)
        writer.close()


@pytest.fixture
async def stranger(tmp_path: Path) -> AsyncIterator[Stranger]:
    """Somebody between the gateway and GigaChat."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    options = f"-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=x -keyout {key} -out {cert}"
    subprocess.run(["openssl", "req", *options.split()], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    found = Stranger()
    async with await asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=context) as listening:
        found.url = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield found


@pytest.mark.parametrize("switched", ["", "false"], ids=["by default", "switched off"])
async def test_tls_verification_is_on_and_loud_when_it_is_off(
    switched: str,
    stranger: Stranger,
    sandbox: Any,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """By default no byte goes to a stranger, and the log says how to trust; switched off, health says that it is."""
    gateway = await start_gateway(
        ready=False, GIGACHAT_BASE_URL=stranger.url, GIGACHAT_VERIFY_SSL_CERTS=switched, GIGACHAT_TIMEOUT="2"
    )
    assert (await ask(http, gateway, HI)).status == 502
    status, body = await health(http, gateway)
    assert body["tls_verification"] is (not switched)
    if switched:
        assert b"POST /v1/chat/completions" in stranger.heard
        assert b"Bearer" in stranger.heard
        sandboxed = await start_gateway(GIGACHAT_VERIFY_SSL_CERTS=switched)
        status, body = await health(http, sandboxed)
        assert (status, body["status"]) == (200, "degraded")
        assert "GIGACHAT_VERIFY_SSL_CERTS is off" in body["reason"]
    else:
        assert status == 503
        assert stranger.heard == b""
        assert "python -m app certs" in everything(caplog)


async def test_the_start_warns_of_verification_that_is_off(gateway: Running) -> None:
    """It is among the warnings that the first lines of the log are; the default is none."""
    from app.config import Config

    assert not [line for line in gateway.gateway.config.warnings if "VERIFY" in line]
    off = Config.load({"GIGACHAT_CREDENTIALS": "eA==", "GIGACHAT_VERIFY_SSL_CERTS": "no"}, dotenv=None)
    assert any("GIGACHAT_VERIFY_SSL_CERTS" in line for line in off.warnings)
