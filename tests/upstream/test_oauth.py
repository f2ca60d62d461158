"""How a token is got: OAuth's answers and refusals, login, and what the gateway's clients and operators see of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from app.credentials import Credential
from app.sandbox.server import Running as Sandbox
from app.upstream.client import open_session
from app.upstream.oauth import Grant, Login, OAuth, TokenFailure
from app.upstream.ready_token import ReadyToken
from app.upstream.times import UpstreamTimes
from app.upstream.tokens import Token
from app.upstream.trust import make_context
from tests.running import GatewayStarter, SandboxStarter, eventually
from tests.upstream.conftest import Bare, Chat, Events, Reply, See

DATE = b"Date: Mon, 01 Jan 2024 12:00:00 GMT\r\n"
NOON = 1_704_110_400


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """The session that the gateway asks for tokens with."""
    async with open_session(make_context([]), 2.0, reuse=False) as made:
        yield made


def asker(session: aiohttp.ClientSession, url: str, key: str = "a2V5", scope: str = "GIGACHAT_API_PERS") -> OAuth:
    """OAuth at a URL."""
    return OAuth(session, url, Credential("default", key, None), scope, None)


def response(body: str, head: bytes = DATE, status: str = "200 OK") -> list[bytes]:
    """A whole answer as two parts, the second of which begins in the middle of the token."""
    raw = body.encode()
    lines = f"HTTP/1.1 {status}\r\nContent-Length: {len(raw)}\r\nContent-Type: application/json\r\n".encode()
    return [lines + head + b"\r\n" + raw[:20], raw[20:]]


@pytest.mark.parametrize(
    ("answer", "head", "life"),
    [
        (f'{{"access_token":"secret","expires_at":{NOON + 1801}000}}', DATE, 1800),
        (f'{{"access_token":"secret","expires_at":{NOON + 1801}}}', DATE, 1800),
        (f'{{"tok":"secret","exp":{NOON + 1801}}}', DATE, 1800),
        ('{"tok":"secret","exp":4102444800}', DATE, 4102444800 - NOON - 1),
        ('{"access_token":"secret","expires_at":123456789012345678901234567890}', DATE, 1.23456789e26),
        ('{"access_token":"secret"}', DATE, 1800),
        ('{"access_token":"secret","expires_at":0}', DATE, 1800),
        ('{"access_token":"secret","expires_at":null}', DATE, 1800),
        ('{"access_token":"secret","expires_at":true}', DATE, 1800),
        ('{"access_token":"secret","expires_at":"soon"}', DATE, 1800),
        (f'{{"access_token":"secret","expires_at":{NOON}000}}', b"", 1800),
        (
            f'{{"access_token":"secret","expires_at":{NOON}000}}',
            b"Date: Mon, 01 Jan 9999999999999 1:0:0\r\n",
            1800,
        ),
    ],
)
async def test_life(session: aiohttp.ClientSession, bare: Bare, answer: str, head: bytes, life: float) -> None:
    """Seconds or milliseconds by size, reckoned from the answer's own Date alone; 30 minutes where it does not tell."""
    bare.answers = [response(answer, head)]
    grant = await asker(session, bare.url)()
    assert grant.token == "secret"
    assert grant.life == pytest.approx(life)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (response(f'{{"access_token":"secret","expires_at":{NOON}000}}'), "the token had already ended when it came"),
        (response('{"access_token":""}'), "the OAuth server's answer holds no token"),
        (response('{"access_token":["secret"]}'), "the OAuth server's answer holds no token"),
        (response('{"access_token":"sec\\r\\nret: 1"}'), "the OAuth server's answer holds no token"),
        (response('{"access_token":"секрет"}'), "the OAuth server's answer holds no token"),
        (response('{"access_token":"' + "x" * 70_000 + '"}'), "the OAuth server's answer holds no token"),
        (response("[" * 5000), "the OAuth server's answer holds no token"),
        (response("<html>Sign in</html>"), "the OAuth server's answer holds no token"),
        (response("", b"Location: http://127.0.0.1:1/\r\n", "302 Found"), "the OAuth server failed (status 302)"),
        (response('{"code":true}', status="400 Bad"), "OAuth did not accept the request (400)"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"], "the OAuth server's answer was cut off"),
        ([b"SSH-2.0-OpenSSH_9.6\r\n"], "the OAuth server's answer could not be read"),
        ([], "the OAuth server cannot be reached"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_no_token_in_it(session: aiohttp.ClientSession, bare: Bare, answer: list[bytes], reason: str) -> None:
    """Whatever else answers in OAuth's place is a failure with a reason, without the answer's words."""
    bare.answers = [answer]
    with pytest.raises(TokenFailure) as failure:
        await asker(session, bare.url)()
    assert failure.value.reason == reason
    assert "secret" not in str(failure.value)


async def test_dead_idle_connection(session: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    """No connection is reused, so that none is found dead: each token costs one request."""
    ask = asker(session, sandbox.oauth_url, sandbox.state.settings.key)
    for rst in (False, True):
        sandbox.state.faults.add("drop_idle", "oauth", rst=rst)
        await ask()
        await ask()
    asked = sandbox.state.requests.of("oauth")
    assert [record.faults for record in asked] == [["drop_idle"], [], ["drop_idle"], []]
    assert sandbox.state.tokens.issued == 4
    sandbox.state.faults.add("down", "oauth")
    with pytest.raises(TokenFailure, match="cannot be reached"):
        await ask()


@pytest.mark.parametrize("login", [False, True])
async def test_renewals_over_dead_idle_connections(
    start_sandbox: SandboxStarter, start_gateway: GatewayStarter, events: Events, login: bool
) -> None:
    """Whatever died meanwhile, also where logins and chats go to one server: a renewal is one request, and works."""
    sandbox = await start_sandbox(token_ttl=2, oauth_per_second=0)
    sandbox.state.faults.add("drop_idle", times=None)
    changes = {"GIGACHAT_CREDENTIALS": "", "GIGACHAT_USER": "sandbox", "GIGACHAT_PASSWORD": "sandbox"}
    gateway = await start_gateway(sandbox, **(changes if login else {}))
    await eventually(lambda: sandbox.state.tokens.issued >= 3)
    assert gateway.gateway.keeper.status().failures == 0
    assert len(sandbox.state.requests.of("oauth")) == sandbox.state.tokens.issued
    assert not events("no token from OAuth")


@pytest.mark.parametrize("unit", ["seconds_unit", ""])
@pytest.mark.parametrize("offset", [-600.0, 0.0, 600.0])
async def test_clocks(
    start_sandbox: SandboxStarter, start_gateway: GatewayStarter, see: See, offset: float, unit: str
) -> None:
    """Ten minutes between the two clocks change nothing: the life is right, and OAuth is asked once."""
    sandbox = await start_sandbox(clock_offset=offset)
    if unit:
        sandbox.state.faults.add(unit, "oauth")
    gateway = await start_gateway(sandbox)
    _, body = await see(gateway.url)
    assert 1790 < body["token"]["remaining_seconds"] <= 1800
    assert len(sandbox.state.requests.of("oauth")) == 1


@pytest.mark.parametrize("spare", [False, True])
@pytest.mark.parametrize(
    ("changes", "fault", "reason", "remedy"),
    [
        ({"GIGACHAT_CREDENTIALS": "d3Jvbmc6a2V5"}, {}, "does not accept the key (401)", "GIGACHAT_CREDENTIALS"),
        ({"GIGACHAT_SCOPE": "GIGACHAT_API_B2B"}, {}, "belongs to another scope", "GIGACHAT_SCOPE"),
        ({"GIGACHAT_SCOPE": "GIGACHAT_API"}, {}, "does not know the scope", "GIGACHAT_SCOPE"),
        ({"GIGACHAT_AUTH_URL": "http://127.0.0.1:1/oauth"}, {}, "cannot be reached", "GIGACHAT_AUTH_URL"),
        ({}, {"kind": "status", "status": 404}, "failed (status 404)", "GIGACHAT_AUTH_URL"),
        ({}, {"kind": "html_200"}, "holds no token", "GIGACHAT_AUTH_URL"),
        ({}, {"kind": "status", "status": 403}, "denies access (403)", "account"),
        ({}, {"kind": "status", "status": 429}, "no more requests at the moment (429)", "goes on trying"),
        ({}, {"kind": "status", "status": 502, "html": True}, "failed (status 502)", "goes on trying"),
        ({}, {"kind": "down"}, "cannot be reached", "goes on trying"),
        ({}, {"kind": "slow", "seconds": 9}, "did not answer in time", "goes on trying"),
    ],
)
async def test_no_token_at_the_start(
    sandbox: Sandbox,
    start_gateway: GatewayStarter,
    chat: Chat,
    see: See,
    events: Events,
    changes: dict[str, str],
    fault: dict[str, Any],
    reason: str,
    remedy: str,
    spare: bool,
) -> None:
    """Known within a second, with reason and remedy, to log, health, readiness and clients; a ready token serves."""
    times = UpstreamTimes(oauth=0.3 if fault.get("kind") == "slow" else 10.0)
    if fault:
        sandbox.state.faults.add(**{"where": "oauth", "times": None, **fault})
    if spare:
        changes = {**changes, "GIGACHAT_ACCESS_TOKEN": sandbox.state.tokens.issue(60)}
    begun = time.monotonic()
    gateway = await start_gateway(ready=spare, times=times, **changes)
    await eventually(lambda: bool(events("no token from OAuth")), 1.0)
    reply = await chat(gateway.url)
    (readiness, _), (status, health) = await see(gateway.url, "/readyz"), await see(gateway.url)
    assert time.monotonic() - begun < 2.0
    line = events("no token from OAuth")[0]
    assert (line["level"], line["reason"]) == ("ERROR", "startup")
    assert reason in line["why"]
    assert reason in health["token"]["reason"]
    assert remedy in health["token"]["remedy"]
    if spare:
        assert (reply.status, readiness, status, health["status"]) == (200, 200, 200, "degraded")
        assert (health["token"]["source"], health["fallback_usable"]) == ("ready", True)
        return
    assert (reply.status, reply.code, readiness, status) == (503, "upstream_credentials_exhausted", 503, 503)
    assert (health["status"], health["gigachat_available"]) == ("unhealthy", False)
    assert 1 <= int(reply.headers["Retry-After"]) <= 30
    assert reason in reply.body["error"]["message"]
    assert reason in health["reason"]
    assert "127.0.0.1" not in reply.body["error"]["message"]


@pytest.mark.long
async def test_renewals_go_unnoticed(start_sandbox: SandboxStarter, start_gateway: GatewayStarter, chat: Chat) -> None:
    """500 requests and more over 15 tokens: none fails, none comes with an ended token, none waits for OAuth.

    `Date` has whole seconds, so of a life up to one is lost: 2 s are 1 to 2, renewed after a half.
    """
    sandbox = await start_sandbox(token_ttl=2, oauth_per_second=0)
    gateway = await start_gateway(sandbox)
    sandbox.state.faults.add("slow", "oauth", times=None, seconds=0.1)
    replies: list[Reply] = []

    async def ask() -> None:
        while len(replies) < 500 or sandbox.state.tokens.issued <= 15:
            replies.append(await chat(gateway.url))
            await asyncio.sleep(0.025)

    async with asyncio.timeout(30):
        await asyncio.gather(ask(), ask())
    assert {reply.status for reply in replies} == {200}
    assert {record.status for record in sandbox.state.requests.of("chat")} == {200}
    # OAuth has a call under way a sixth of the time: whoever had to wait for it would be seen here.
    assert sum(reply.seconds > 0.05 for reply in replies) < len(replies) / 20


async def test_one_call_at_the_start(sandbox: Sandbox, start_gateway: GatewayStarter, chat: Chat) -> None:
    """100 requests at once, before there is any token: one OAuth call, and every one is answered."""
    sandbox.state.faults.add("slow", "oauth", seconds=0.3)
    gateway = await start_gateway(ready=False)
    replies = await asyncio.gather(*(chat(gateway.url) for _ in range(100)))
    assert {reply.status for reply in replies} == {200}
    assert sandbox.state.tokens.issued == 1


@pytest.mark.parametrize("life", [1800.0, 2_400_000_000.0])
async def test_login(start_sandbox: SandboxStarter, start_gateway: GatewayStarter, see: See, life: float) -> None:
    """User and password in place of a key: `POST /token`, whose end in seconds may be as far away as the year 2100."""
    sandbox = await start_sandbox(token_ttl=life)
    pair = {"GIGACHAT_USER": "sandbox", "GIGACHAT_PASSWORD": "sandbox"}
    gateway = await start_gateway(sandbox, GIGACHAT_CREDENTIALS="", **pair)
    status, body = await see(gateway.url)
    assert (status, body["token"]["source"]) == (200, "password")
    assert body["token"]["remaining_seconds"] == pytest.approx(life, abs=3)
    assert [record.path for record in sandbox.state.requests.of("oauth")] == ["/v1/token"]


async def test_wrong_password(start_gateway: GatewayStarter, chat: Chat, events: Events) -> None:
    """A password that is not accepted is told as such, and the remedy names the settings of this mode."""
    pair = {"GIGACHAT_USER": "sandbox", "GIGACHAT_PASSWORD": "wrong-password"}
    gateway = await start_gateway(ready=False, GIGACHAT_CREDENTIALS="", **pair)
    reply = await chat(gateway.url)
    assert (reply.status, reply.code) == (503, "upstream_credentials_exhausted")
    assert "GIGACHAT_USER" in events("no token from OAuth")[0]["why"]
    assert "wrong-password" not in str(events("no token from OAuth"))


async def test_nothing_secret_is_told(
    sandbox: Sandbox,
    start_gateway: GatewayStarter,
    chat: Chat,
    http: aiohttp.ClientSession,
    caplog: Any,
    events: Events,
) -> None:
    """Neither key nor token stands in the log, on the operators' pages or in an error, whatever goes wrong."""
    ready = sandbox.state.tokens.issue(60)
    sandbox.state.faults.add("status", "oauth", times=None, status=401, message="the key")
    gateway = await start_gateway(GIGACHAT_ACCESS_TOKEN=ready)
    sandbox.state.tokens.revoke()
    told = [str((await chat(gateway.url)).body), str((await chat(gateway.url, stream=True)).body)]
    for path in ("/health", "/readyz", "/metrics", "/"):
        async with http.get(gateway.url + path) as page:
            told.append(await page.text())
    told += [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    assert events("GigaChat does not accept the ready token: there is no second level. Give a new one")
    for secret in (sandbox.state.settings.key, ready, ready[:40]):
        assert not any(secret in text for text in told)


async def test_reprs(session: aiohttp.ClientSession) -> None:
    """No repr holds what it is asked with, or the token that came."""
    shown = repr(
        [
            OAuth(session, "http://h", Credential("a", "s3cret", None), "SCOPE", "http://u:s3cret@proxy"),
            Login(session, "http://h", "s3cret", "s3cret", "http://u:s3cret@proxy"),
            Grant("s3cret", 1.0),
            Token("oauth", "s3cret"),
            ReadyToken("s3cret", None, lambda usable: None),
        ]
    )
    assert "s3cret" not in shown
