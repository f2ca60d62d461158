"""One HTTP attempt: what is sent, what comes back, and what is never followed or kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.sandbox.server import Running as Sandbox
from app.upstream import client
from app.upstream.client import GigaChat, open_session, read_body
from app.upstream.failures import Refused, Unreachable
from app.upstream.health_monitor import HealthMonitor
from app.upstream.tokens import Token
from app.upstream.trust import make_context
from tests.running import SandboxStarter
from tests.upstream.conftest import Bare
from tests.upstream.test_health_monitor import Heard

BODY = b'{"model":"GigaChat","messages":[{"role":"user","content":"sandbox:long 3"}]}'
STREAM = BODY[:-1] + b',"stream":true}'


@asynccontextmanager
async def asking(url: str, seconds: float = 5.0, proxy: str = "") -> AsyncIterator[GigaChat]:
    """GigaChat's client for a base URL."""
    async with open_session(make_context([]), 2.0) as session:
        yield GigaChat(session, url, HealthMonitor(Heard()), timeout=seconds, proxy=proxy)


def issued(sandbox: Sandbox) -> Token:
    """A token that works."""
    return Token("oauth", sandbox.state.tokens.issue(60))


async def test_what_is_sent(sandbox: Sandbox) -> None:
    """The token, our name, no compression, no cookies; the caller's headers besides."""
    async with asking(sandbox.url) as gigachat:
        response = await gigachat.ask("v1/chat/completions", BODY, issued(sandbox), {"X-Session-ID": "s"})
        assert b'"content":"' in await read_body(response)
    record = sandbox.state.requests.of("chat")[0]
    headers = {name.lower(): value for name, value in record.headers.items()}
    assert headers["authorization"].startswith("Bearer ")
    assert headers["user-agent"].startswith("gpt2giga-proxy/")
    assert headers["accept-encoding"] == "identity"
    assert headers["content-type"] == "application/json"
    assert headers["x-session-id"] == "s"
    assert "cookie" not in headers


async def test_cookies_are_not_kept(bare: Bare) -> None:
    """What one answer sets is sent with no other request: clients share this session."""
    bare.answers = [[b"HTTP/1.1 200 OK\r\nSet-Cookie: who=first\r\nContent-Length: 2\r\n\r\n{}"]]
    async with asking(bare.url) as gigachat:
        for _ in range(2):
            await gigachat.get("v1/models", Token("ready", "t"), {})
    assert b"who=first" not in bare.asked[1]


@pytest.mark.parametrize(
    ("head", "status", "wait"),
    [
        (b"500 Oops", 500, None),
        (b"302 Found\r\nLocation: http://127.0.0.1:1/", 302, None),
        (b"204 No Content", 204, None),
        (b"429 Slow\r\nRetry-After: 7", 429, 7.0),
        (b"429 Slow\r\nRetry-After: Mon, 01 Jan 2024 12:00:09 -0000\r\nDate: Mon, 01 Jan 2024 12:00:00 GMT", 429, 9.0),
        (b"429 Slow\r\nRetry-After: " + b"9" * 400, 429, 86400.0),
    ],
)
async def test_refusals(bare: Bare, head: bytes, status: int, wait: float | None) -> None:
    """Everything but a 200 is a refusal with its wait; a redirect is not followed: it could take the token along."""
    bare.answers = [[b"HTTP/1.1 " + head + b"\r\nContent-Length: 0\r\n\r\n"]]
    async with asking(bare.url) as gigachat:
        with pytest.raises(Refused) as refused:
            await gigachat.ask("v1/chat/completions", BODY, Token("ready", "t"), {})
        assert gigachat.monitor.available is (status < 500)
    assert (refused.value.status, refused.value.retry_after) == (status, wait)


async def test_a_long_refusal(bare: Bare) -> None:
    """Of a refusal no more is read than a sentence needs; one that is cut off is still a refusal."""
    bare.answers = [
        [b"HTTP/1.1 403 No\r\nContent-Length: 9000000\r\n\r\n", b"x" * 100_000, b"x" * 100_000],
        [b"HTTP/1.1 403 No\r\nContent-Length: 90\r\n\r\n", b"x"],
    ]
    async with asking(bare.url) as gigachat:
        for most in (client.MAX_REFUSAL_BYTES, 1):
            with pytest.raises(Refused) as refused:
                await gigachat.ask("v1/chat/completions", BODY, Token("ready", "t"), {})
            assert refused.value.status == 403
            assert len(refused.value.body) <= most


@pytest.mark.parametrize(
    ("kind", "cause"),
    [("down", "connect"), ("cut", "cut"), ("slow", "timeout")],
)
async def test_no_answer(sandbox: Sandbox, kind: str, cause: str) -> None:
    """No answer, half an answer, and one that does not come in time are told apart."""
    seconds = {"seconds": 5.0} if kind == "slow" else {}
    sandbox.state.faults.add(kind, "chat", 1, **seconds)
    async with asking(sandbox.url, 0.3) as gigachat:
        with pytest.raises(Unreachable) as failure:
            await read_body(await gigachat.ask("v1/chat/completions", BODY, issued(sandbox), {}))
        assert gigachat.monitor.available is (cause == "cut")
    assert failure.value.cause == cause


async def test_time_of_a_stream(start_sandbox: SandboxStarter) -> None:
    """A stream may last longer than the time-out; only its silence may not."""
    sandbox = await start_sandbox(chunk_seconds=0.4)
    async with asking(sandbox.url, 1.2) as gigachat:
        response = await gigachat.ask("v1/chat/completions", STREAM, issued(sandbox), {}, stream=True)
        assert (await read_body(response)).rstrip().endswith(b"[DONE]")
        sandbox.state.faults.add("stall", "chat", seconds=5.0)
        response = await gigachat.ask("v1/chat/completions", STREAM, issued(sandbox), {}, stream=True)
        with pytest.raises(Unreachable) as failure:
            await read_body(response)
    assert failure.value.cause == "timeout"


async def test_nobody_there(unused_port: int) -> None:
    """A closed port and a name that does not resolve are connection failures, and GigaChat is gone."""
    for url, causes in ((f"http://127.0.0.1:{unused_port}", {"connect"}), ("http://giga.invalid", {"dns", "connect"})):
        async with asking(url) as gigachat:
            with pytest.raises(Unreachable) as failure:
                await gigachat.get("v1/models", Token("ready", "t"), {})
            assert failure.value.cause in causes
            assert gigachat.monitor.available is False


async def test_proxy(sandbox: Sandbox, bare: Bare) -> None:
    """With a proxy set, it is asked for the whole URL, and its own failures are no answer of GigaChat's."""
    bare.answers = [[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"]]
    async with asking("http://giga.invalid", proxy=bare.url) as gigachat:
        assert await gigachat.get("v1/models", Token("ready", "t"), {}) == b"{}"
    assert bare.asked[0].startswith(b"GET http://giga.invalid/v1/models ")


async def test_many_at_once(sandbox: Sandbox) -> None:
    """There is no limit of the connector's own: 120 requests are under way together."""
    async with asking(sandbox.url) as gigachat:
        token = issued(sandbox)
        body = BODY.replace(b"long 3", b"wait 0.7")
        answers = [asyncio.create_task(gigachat.ask("v1/chat/completions", body, token, {})) for _ in range(120)]
        for response in await asyncio.gather(*answers):
            response.close()
    assert sandbox.state.most_chatting == 120


async def test_the_sandbox_is_known(sandbox: Sandbox, bare: Bare) -> None:
    """The local GigaChat's mark is seen, and its lack."""
    bare.answers = [[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"]]
    for url, local in ((sandbox.url, True), (bare.url, False)):
        async with asking(url) as gigachat:
            await gigachat.get("v1/models", issued(sandbox), {})
            assert gigachat.sandbox is local
