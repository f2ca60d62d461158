"""What never crosses from one side to the other: headers, cookies, unknown fields, sessions of other tenants."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from app.sandbox import server
from tests.running import GatewayStarter, ProcessStarter, Running
from tests.watching import CHAT, ask, asking, saying

pytestmark = pytest.mark.long

HI = saying("hi")
# What a browser, an SDK or a proxy sends along.
CLIENTS_OWN = {
    "Referer": "https://intranet.example/secret",
    "Origin": "https://intranet.localhost",
    "Cookie": "session=client-secret",
    "User-Agent": "client-agent/1.0",
    "x-custom": "client-secret",
    "X-Forwarded-For": "10.9.8.7",
    "x-stainless-lang": "python",
    "X-Client-ID": "client-secret",
    "X-Session-ID": "client-session",
    "X-Request-ID": "client-request",
    "X-Tenant-ID": "alice",
    "Accept-Language": "ru",
    "Authorization": "Bearer client-secret",
    "OpenAI-Organization": "client-secret",
}
SENT = {"Host", "User-Agent", "Accept-Encoding", "Authorization", "Content-Type", "X-Request-ID", "X-Session-ID"}
SENT |= {"Accept", "Content-Length"}
Asked = list[tuple[str, dict[str, Any]]]
PATHS: Asked = [("chat", HI), ("chat", {**HI, "stream": True}), ("embeddings", {"input": "hi"})]


@pytest.mark.parametrize(("place", "body"), PATHS, ids=["whole", "stream", "embeddings"])
async def test_a_clients_headers_stay_here(
    place: str, body: dict[str, Any], sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """GigaChat sees our own headers and no other: nothing of the client's, by name or by value."""
    path = "/v1/embeddings" if place == "embeddings" else "/v1/chat/completions"
    assert (await ask(http, gateway, body, path=path, headers=CLIENTS_OWN)).status == 200
    headers = sandbox.state.requests.of(place)[-1].headers
    assert set(headers) <= SENT
    text = str(headers)
    assert [value for value in CLIENTS_OWN.values() if value in text] == []
    assert headers["User-Agent"].startswith("gpt2giga-proxy/")
    assert headers["Accept"] == ("text/event-stream" if body.get("stream") else "application/json")


async def test_no_cookie_jar_is_shared(sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession) -> None:
    """A cookie that GigaChat sets comes back in no request, and reaches no client."""
    cookie = {"headers": {"Set-Cookie": "sid=upstream-secret; Path=/", "X-Trace": "upstream-secret"}}
    sandbox.state.faults.add("status", where="chat", status=400, times=2, **cookie)
    for _ in range(3):
        reply = await ask(http, gateway, HI)
        assert "upstream-secret" not in str(reply.headers) + reply.text
    assert reply.status == 200
    assert all("Cookie" not in one.headers for one in sandbox.state.requests.of())


@pytest.mark.parametrize("body", [HI, {**HI, "stream": True}], ids=["whole", "stream"])
async def test_gigachats_headers_stay_there(
    body: dict[str, Any], gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A client sees our headers and no other: not the server's name, not GigaChat's CORS, ids or mark."""
    headers = (await ask(http, gateway, body)).headers
    ours = {"x-request-id", "x-gateway-upstream-ms", "x-gateway-overhead-ms", "content-type", "date", "server"}
    ours |= {"x-gateway-queue-ms", "content-length", "transfer-encoding", "cache-control", "x-accel-buffering"}
    assert {name.lower() for name in headers} <= ours
    assert "nginx" not in headers["Server"]


def turns(*texts: str, **more: Any) -> dict[str, Any]:
    """A conversation: user and assistant by turns, after one system message."""
    roles = ("user", "assistant")
    messages = [{"role": roles[place % 2], "content": text} for place, text in enumerate(texts)]
    return {"model": "GigaChat", "messages": [{"role": "system", "content": "S"}, *messages], **more}


ALICE, BOB = {"X-Tenant-ID": "alice"}, {"X-Tenant-ID": "bob"}
FIRST, SECOND = turns("a"), turns("a", "b", "c")
OTHER = turns("x")
NAMED, NAMED_LATER = turns("a", prompt_cache_key="k"), turns("z", prompt_cache_key="k")
# name -> one request, another, whether they belong to one conversation
Request = tuple[dict[str, Any], dict[str, str]]
SESSIONS: dict[str, tuple[Request, Request, bool]] = {
    "turns of one": ((FIRST, ALICE), (SECOND, ALICE), True),
    "streamed or not": ((FIRST, ALICE), ({**SECOND, "stream": True}, ALICE), True),
    "other sampling": ((FIRST, ALICE), ({**SECOND, "temperature": 1}, ALICE), True),
    "another conversation": ((FIRST, ALICE), (OTHER, ALICE), False),
    "another system message": ((FIRST, ALICE), ({"messages": FIRST["messages"][1:]}, ALICE), False),
    "another tenant": ((FIRST, ALICE), (FIRST, BOB), False),
    "another key": ((FIRST, {"x-api-key": "1"}), (FIRST, {"x-api-key": "2"}), False),
    "one prompt_cache_key": ((NAMED, ALICE), (NAMED_LATER, ALICE), True),
    "one prompt_cache_key, two tenants": ((NAMED, ALICE), (NAMED, BOB), False),
    "two prompt_cache_keys": ((NAMED, ALICE), (turns("a", prompt_cache_key="l"), ALICE), False),
    "a user": ((turns("a", user="u"), ALICE), (turns("z", user="u"), ALICE), True),
    "two users": ((turns("a", user="u"), ALICE), (turns("a", user="v"), ALICE), False),
    "an empty user": ((turns("a", user=""), ALICE), (FIRST, ALICE), True),
    "a client's header": ((FIRST, ALICE), (FIRST, ALICE | {"X-Session-ID": "mine"}), True),
}


@pytest.mark.parametrize(("one", "another", "same"), SESSIONS.values(), ids=SESSIONS)
async def test_the_session_upstream(
    one: Request,
    another: Request,
    same: bool,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
) -> None:
    """A conversation has one name at GigaChat, over all its turns; no two tenants share one, and it tells nothing."""
    gateway = await start_gateway(ready=False)
    for body, headers in (one, another):
        assert (await ask(http, gateway, body, headers=headers)).status == 200
    first, second = (record.headers["X-Session-ID"] for record in sandbox.state.requests.of("chat"))
    assert (first == second) is same
    assert len(first) == 32
    assert int(first, 16) >= 0


@pytest.mark.parametrize("stream", [False, True])
async def test_a_conversation_has_one_name_however_it_is_asked(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A try with an instruction of the gateway's, and a turn whose first image is gone, are the same conversation."""
    sandbox.state.faults.add("ignore_format", "chat", times=1)
    asked, answered = {"role": "user", "content": "Что это?"}, {"role": "assistant", "content": "Мост."}
    gone = {"type": "image_url", "image_url": {"url": "http://10.0.0.1/1.png"}}
    with_image = {"role": "user", "content": [{"type": "text", "text": "Что это?"}, gone]}
    for messages, more in (
        ([asked], {"response_format": {"type": "json_object"}}),
        ([with_image, answered, {"role": "user", "content": "А где?"}], {}),
    ):
        reply = await ask(http, gateway, {"messages": messages, "stream": stream, **more})
        assert reply.status == 200, reply.text
    sessions = [record.headers["X-Session-ID"] for record in sandbox.state.requests.of("chat")]
    assert (len(sessions), len(set(sessions))) == (3, 1)


async def test_a_conversation_keeps_the_cache_warm(gateway: Running, http: aiohttp.ClientSession) -> None:
    """The second turn finds the first one's tokens in GigaChat's cache, and the client sees it."""
    history = [{"role": "user", "content": "word " * 200}]
    await ask(http, gateway, {"messages": history})
    history += [{"role": "assistant", "content": "ok"}, {"role": "user", "content": "and now?"}]
    later = (await ask(http, gateway, {"messages": history})).json["usage"]
    foreign = (await ask(http, gateway, {"messages": history}, headers=BOB)).json["usage"]
    assert later["prompt_tokens_details"]["cached_tokens"] > 100
    assert not foreign.get("prompt_tokens_details", {}).get("cached_tokens")
    assert later["prompt_tokens"] == foreign["prompt_tokens"]


async def test_a_long_echo_is_never_logged(
    gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither what a client writes nor what it is answered stands in the log."""
    caplog.set_level("DEBUG")
    await ask(http, gateway, asking("patient Ivanov, diagnosis"), headers={"Authorization": "Bearer sk-very-secret"})
    text = "".join(f"{one.getMessage()} {one.__dict__.get('gateway_fields')}" for one in caplog.records)
    assert "request" in text
    assert "Ivanov" not in text
    assert "sk-very-secret" not in text


SECRETS = {
    "GPT2GIGA_DATABASE_URL": "postgres://gateway:start-secret@127.0.0.1:1/ledger",
    "GPT2GIGA_API_KEY": "start-secret-of-clients",
    "GPT2GIGA_ADMIN_KEY": "start-secret-of-admins",
    "GIGACHAT_CREDENTIALS": "c3RhcnQtc2VjcmV0OnN0YXJ0LXNlY3JldA==",
    "GIGACHAT_ACCESS_TOKEN": "start-secret-token",
    "GPT2GIGA_UPSTREAM_PROXY": "http://gateway:start-secret@127.0.0.1:1",
}


async def test_no_password_is_in_the_log_and_no_key_of_a_url(
    start_process: ProcessStarter, http: aiohttp.ClientSession
) -> None:
    """Neither the start with its settings nor a request's line shows a secret: not Postgres', not `?key=`."""
    process = start_process(env={**SECRETS, "GPT2GIGA_LOG_LEVEL": "debug"})
    running = process.event("listening")
    assert running["settings"]["GIGACHAT_CREDENTIALS"] == "set"
    headers = {"Authorization": f"Bearer {SECRETS['GPT2GIGA_API_KEY']}"}
    for path in (f"{CHAT}?key=start-secret", "/v1/models?key=start-secret", "/elsewhere?key=start-secret"):
        async with http.post(process.url + path, json=HI, headers=headers) as response:
            assert response.status >= 400
            assert "start-secret" not in await response.text()
    process.event("request")
    assert process.stop() == 0
    text = process.log.read_text("utf-8")
    assert text.count('"event":"request"') == 3
    assert "start-secret" not in text
    assert "c3RhcnQt" not in text
