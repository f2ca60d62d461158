"""Browsers of other origins, over the wire: pre-flights, answers, streams and errors."""

from __future__ import annotations

import aiohttp
import pytest
from multidict import CIMultiDictProxy

from tests.running import GatewayStarter, Running
from tests.watching import CHAT, Reply, ask, counted, saying

HOME = "https://app.example.org"
FOREIGN = "https://evil.example.org"
KEY = {"GPT2GIGA_API_KEY": "k"}
AUTH = {"Authorization": "Bearer k"}
EXPOSED = {
    "x-request-id",
    "x-gateway-upstream-ms",
    "x-gateway-overhead-ms",
    "x-gateway-adapted",
    "x-gateway-dropped",
    "x-should-retry",
    "retry-after",
}


async def preflight(
    http: aiohttp.ClientSession, gateway: Running, origin: str, path: str = CHAT, method: str = "POST"
) -> Reply:
    """What a browser sends before a request with JSON and a key."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type,x-stainless-lang",
    }
    return await ask(http, gateway, method="OPTIONS", path=path, headers=asked)


def allowed(headers: CIMultiDictProxy[str]) -> list[str]:
    """The headers of CORS in an answer."""
    return [name for name in headers if name.lower().startswith("access-control-")]


def vary(headers: CIMultiDictProxy[str]) -> list[str]:
    """What an answer varies with."""
    return [word.strip().lower() for value in headers.getall("Vary", []) for word in value.split(",")]


@pytest.mark.parametrize("path", [CHAT, "/chat/completions", "/v1/embeddings", "/v1/models", "/v1/models/gpt-4o"])
async def test_a_preflight(path: str, start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """It bears no key and passes all the same, for every route of the API, whatever headers are asked for."""
    gateway = await start_gateway(ready=False, GPT2GIGA_CORS_ORIGINS=f"{HOME},http://localhost:3000", **KEY)
    method = "GET" if "models" in path else "POST"
    for origin in (HOME, "http://localhost:3000"):
        reply = await preflight(http, gateway, origin, path, method)
        assert reply.status == 200
        assert reply.headers["Access-Control-Allow-Origin"] == origin
        assert reply.headers["Access-Control-Allow-Methods"] == method
        named = reply.headers["Access-Control-Allow-Headers"].lower().split(",")
        assert {"authorization", "content-type", "x-stainless-lang"} <= {name.strip() for name in named}
        assert reply.headers["Access-Control-Allow-Credentials"] == "true"
        assert "origin" in vary(reply.headers)


async def test_a_preflight_is_no_request_to_a_model(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """It is counted nowhere: it asks nothing, and would make answers look faster than they are."""
    gateway = await start_gateway(ready=False, GPT2GIGA_CORS_ORIGINS=HOME)
    before = await counted(http, gateway, "gpt2giga_proxy_requests_total", "endpoint")
    await preflight(http, gateway, HOME)
    after = await counted(http, gateway, "gpt2giga_proxy_requests_total", "endpoint")
    assert not after - before


async def test_a_foreign_origin(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """Its pre-flight fails, in the envelope; without a key its requests do too; no answer bears permission."""
    cases: tuple[tuple[dict[str, str], int], ...] = (({}, 403), (KEY, 200))
    for settings, status in cases:
        gateway = await start_gateway(ready=False, GPT2GIGA_CORS_ORIGINS=HOME, **settings)
        reply = await preflight(http, gateway, FOREIGN)
        assert (reply.status, reply.error["code"]) == (403, "origin_not_allowed")
        assert "GPT2GIGA_CORS_ORIGINS" in reply.error["message"]
        answer = await ask(http, gateway, saying("hi"), headers={"Origin": FOREIGN, **AUTH})
        assert answer.status == status
        for one in (reply, answer):
            assert not allowed(one.headers)
            assert "origin" in vary(one.headers)


async def test_answers_streams_and_errors(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """A browser may read each of them: the answer, the stream, each kind of error; caches keep origins apart."""
    gateway = await start_gateway(GPT2GIGA_CORS_ORIGINS=HOME, **KEY)
    origin = {"Origin": HOME}
    replies = {
        "whole": await ask(http, gateway, saying("hi"), headers=origin | AUTH),
        "stream": await ask(http, gateway, saying("hi", stream=True), headers=origin | AUTH),
        "models": await ask(http, gateway, method="GET", path="/v1/models", headers=origin | AUTH),
        "400": await ask(http, gateway, data=b"{", headers=origin | AUTH),
        "401": await ask(http, gateway, saying("hi"), headers=origin),
        "404": await ask(http, gateway, method="GET", path="/v1/models/nope", headers=origin | AUTH),
        "no path": await ask(http, gateway, path="/v1/nowhere", headers=origin | AUTH),
        "no method": await ask(http, gateway, method="PUT", headers=origin | AUTH),
    }
    assert [reply.status for reply in replies.values()] == [200, 200, 200, 400, 401, 404, 404, 405]
    for name, reply in replies.items():
        assert reply.headers.get("Access-Control-Allow-Origin") == HOME, name
        assert reply.headers["Access-Control-Allow-Credentials"] == "true"
        exposed = reply.headers["Access-Control-Expose-Headers"].lower().split(",")
        assert {word.strip() for word in exposed} >= EXPOSED
        assert vary(reply.headers).count("origin") == 1
    assert replies["stream"].events[-1] == "[DONE]"


async def test_any_origin(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """`*` allows every origin, and no credentials: a browser refuses both together."""
    gateway = await start_gateway(ready=False, GPT2GIGA_CORS_ORIGINS="*")
    for reply in (
        await preflight(http, gateway, FOREIGN),
        await ask(http, gateway, saying("hi"), headers={"Origin": FOREIGN}),
    ):
        assert reply.status == 200
        assert reply.headers["Access-Control-Allow-Origin"] in {"*", FOREIGN}
        assert "Access-Control-Allow-Credentials" not in reply.headers


async def test_no_cors_unless_asked_for(gateway: Running, http: aiohttp.ClientSession) -> None:
    """Without the setting nothing speaks of origins, and a pre-flight is a method that is not served."""
    local = "http://localhost:3000"
    assert (await preflight(http, gateway, local)).status == 405
    for reply in (
        await preflight(http, gateway, HOME),
        await ask(http, gateway, saying("hi"), headers={"Origin": local}),
        await ask(http, gateway, method="GET", path="/v1/nowhere", headers={"Origin": local}),
        await ask(http, gateway, method="GET", path="/health", headers={"Origin": HOME}),
    ):
        assert not allowed(reply.headers)
        assert "Vary" not in reply.headers


async def test_every_answer_varies(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """A request without an origin is answered with `Vary: Origin` too, or a cache would give it to a browser."""
    gateway = await start_gateway(ready=False, GPT2GIGA_CORS_ORIGINS=HOME)
    for reply in (
        await ask(http, gateway, saying("hi")),
        await ask(http, gateway, saying("hi", stream=True)),
        await ask(http, gateway, method="GET", path="/v1/unknown"),
    ):
        assert vary(reply.headers) == ["origin"]


@pytest.mark.parametrize("origin", ["chrome-extension://abcdef", "vscode-webview://0a1b", "app://obsidian.md"])
async def test_a_program_with_pages_of_its_own(
    origin: str, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Its scheme is taken as an origin: its pre-flight passes and its pages read answers."""
    gateway = await start_gateway(ready=False, GPT2GIGA_CORS_ORIGINS=f"{HOME},{origin}")
    for reply in (
        await preflight(http, gateway, origin),
        await ask(http, gateway, saying("hi"), headers={"Origin": origin}),
    ):
        assert reply.status == 200
        assert reply.headers["Access-Control-Allow-Origin"] == origin
