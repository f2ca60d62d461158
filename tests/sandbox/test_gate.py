"""The way of each request: headers, authorization, and the faults that any request can meet."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from app.sandbox.gate import build_handler
from app.sandbox.server import Running, make_app
from app.sandbox.state import STATE, SandboxSettings
from app.sandbox.wire import RequestContext

Ask = Callable[..., dict[str, Any]]

MODELS = "/v1/models"
UNAUTHORIZED = b'{"status":401,"message":"Unauthorized"}'


async def _get(session: aiohttp.ClientSession, path: str = MODELS, **headers: str) -> tuple[int, bytes]:
    async with session.get(path, headers=headers) as response:
        return response.status, await response.read()


async def test_ids_are_echoed(session: aiohttp.ClientSession) -> None:
    """The ids that were sent come back."""
    async with session.get(MODELS, headers={"X-Request-ID": "r1", "X-Session-ID": "session"}) as response:
        assert response.headers["X-Request-Id"] == "r1"
        assert response.headers["X-Session-Id"] == "session"


async def test_ids_are_made(session: aiohttp.ClientSession) -> None:
    """Without them each answer gets new ones; the other headers of the API are there too."""
    seen = set()
    for _ in range(2):
        async with session.get(MODELS) as response:
            seen |= {response.headers["X-Request-Id"], response.headers["X-Session-Id"]}
            assert response.headers["Allow"] == "GET, POST"
            assert response.headers["X-Sandbox"] == "gpt2giga-proxy"
    assert {len(one) for one in seen} == {36}
    assert len(seen) == 4


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic c2FuZGJveDpzYW5kYm94"])
async def test_unauthorized(session: aiohttp.ClientSession, authorization: str) -> None:
    """Only a token that was issued here opens the API."""
    assert await _get(session, Authorization=authorization) == (401, UNAUTHORIZED)


async def test_expired(running: Running, session: aiohttp.ClientSession) -> None:
    """A token whose time is over is told so; a revoked one is unknown."""
    old = running.state.tokens.issue(0)
    assert await _get(session, Authorization=f"Bearer {old}") == (401, b'{"status":401,"message":"Token has expired"}')
    running.state.tokens.revoke(old)
    assert await _get(session, Authorization=f"Bearer {old}") == (401, UNAUTHORIZED)


@pytest.mark.parametrize("settings", [SandboxSettings(clock_offset=86_400)])
async def test_clock_offset(running: Running, session: aiohttp.ClientSession) -> None:
    """The date shows the server's clock; the fault sets another, for as long as it stands."""
    assert await _offset(session) == pytest.approx(86_400, abs=3)
    running.state.faults.add("clock", seconds=-600)
    assert await _offset(session) == pytest.approx(-600, abs=3)
    assert await _offset(session) == pytest.approx(86_400, abs=3)


async def _offset(session: aiohttp.ClientSession) -> float:
    async with session.get(MODELS) as response:
        return parsedate_to_datetime(response.headers["Date"]).timestamp() - time.time()


@pytest.mark.parametrize(
    ("wish", "status", "body"),
    [
        ({}, 500, b'{"status":500,"message":"Internal Server Error"}'),
        ({"status": 429}, 429, b'{"status":429,"message":"Too many requests"}'),
        ({"status": 404}, 404, b'{"status":404,"message":"No such model"}\n'),
        (
            {"status": 403, "message": "temporarily unavailable"},
            403,
            b'{"status":403,"message":"temporarily unavailable"}',
        ),
        ({"status": 402, "body": ["any"]}, 402, b'["any"]'),
    ],
)
async def test_status(
    running: Running, session: aiohttp.ClientSession, wish: dict[str, Any], status: int, body: bytes
) -> None:
    """An error status in the API's shape, with the documented words, others, or any body; once, unless told."""
    running.state.faults.add("status", "models", **wish)
    assert await _get(session) == (status, body)
    assert (await _get(session))[0] == 200
    first, second = running.state.requests.of("models")
    assert (first.status, first.outcome, second.outcome) == (status, "fault", "done")


async def test_status_of_a_proxy(running: Running, session: aiohttp.ClientSession) -> None:
    """The same as nginx would answer it, with extra headers."""
    headers = {"Retry-After": "2", "Set-Cookie": "a=b"}
    running.state.faults.add("status", status=502, html=True, headers=headers)
    async with session.get(MODELS) as response:
        assert response.content_type == "text/html"
        assert "502 Bad Gateway" in await response.text()
        assert (response.headers["Retry-After"], response.headers["Set-Cookie"]) == ("2", "a=b")


async def test_status_of_oauth(running: Running, session: aiohttp.ClientSession) -> None:
    """OAuth has a shape of its own."""
    running.state.faults.add("status", "oauth", status=503, message="нет")
    async with session.post("/api/v2/oauth") as response:
        assert await response.read() == '{"code":503,"message":"нет"}'.encode()


async def test_html_200(running: Running, session: aiohttp.ClientSession) -> None:
    """A page where an answer was expected."""
    running.state.faults.add("html_200", "models")
    status, body = await _get(session)
    assert status == 200
    assert body.startswith(b"<html>")


async def test_slow(running: Running, session: aiohttp.ClientSession) -> None:
    """The first byte takes its time; the answer is good."""
    running.state.faults.add("slow", "models", seconds=0.2)
    started = time.monotonic()
    assert (await _get(session))[0] == 200
    assert time.monotonic() - started >= 0.2
    assert running.state.requests.of("models")[0].outcome == "done"


@pytest.mark.parametrize("rst", [False, True])
async def test_down(running: Running, session: aiohttp.ClientSession, ask: Ask, rst: bool) -> None:
    """The connection closes and not a byte has come."""
    running.state.faults.add("down", rst=rst)
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await session.post("/v1/chat/completions", json=ask())
    (record,) = running.state.requests.of("chat")
    assert (record.status, record.outcome) == (0, "fault")
    assert running.state.chatting == 0


async def test_cut_whole(running: Running, session: aiohttp.ClientSession) -> None:
    """Half of the body comes, the headers promise all of it."""
    running.state.faults.add("cut", "models")
    async with session.get(MODELS) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    (record,) = running.state.requests.of("models")
    assert (record.status, record.outcome) == (200, "fault")


@pytest.mark.parametrize("rst", [False, True])
async def test_drop_idle(running: Running, session: aiohttp.ClientSession, ask: Ask, rst: bool) -> None:
    """The answer is good and keeps the connection; the next request on it gets no byte; a new connection is good."""
    running.state.faults.add("drop_idle", rst=rst)
    async with session.get(MODELS) as response:
        assert response.status == 200
        assert response.headers.get("Connection") != "close"
        await response.read()
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await session.post("/v1/chat/completions", json=ask())
    async with session.post("/v1/chat/completions", json=ask()) as response:
        assert response.status == 200
    assert [(record.where, record.outcome) for record in running.state.requests.of()] == [
        ("models", "done"),
        ("chat", "fault"),
        ("chat", "done"),
    ]


async def test_dropped_connections_are_forgotten(running: Running) -> None:
    """A connection that was closed by its client meanwhile is not remembered."""
    running.state.faults.add("drop_idle", times=None)
    for _ in range(3):
        async with aiohttp.ClientSession(running.url) as client:
            await _get(client, "/nowhere")
    assert len(running.state.doomed) <= 2


async def test_client_gone_before_the_body(running: Running, session: aiohttp.ClientSession) -> None:
    """A body that never comes whole is no request that was answered."""

    async def half() -> Any:
        yield b'{"model":'
        raise ValueError

    with pytest.raises((ValueError, aiohttp.ClientError)):
        await session.post("/v1/chat/completions", data=half())
    await _get(session)
    assert [record.outcome for record in running.state.requests.of("chat")] == ["client_gone"]


async def test_client_gone_while_writing() -> None:
    """An answer that finds its connection closed is the client's leaving, not an error of the server."""

    async def write(_: RequestContext) -> web.StreamResponse:
        raise ConnectionResetError

    app = make_app()
    await build_handler("other", write, bearer=False)(make_mocked_request("GET", "/", app=app))
    assert [record.outcome for record in app[STATE].requests.of()] == ["client_gone"]


async def test_body_in_the_record(running: Running, session: aiohttp.ClientSession) -> None:
    """Forms are recorded as well as JSON; what is neither is not."""
    await session.post("/nowhere", data={"a": "б"})
    await session.post("/nowhere", data=b"\xff")
    assert [record.body for record in running.state.requests.of("other")] == [{"a": "б"}, None]
