"""Paths and methods over the wire: with and without `/v1`, what is not served, the models by every kind of name."""

from __future__ import annotations

import logging
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from app.sandbox.catalog import MODELS
from app.server.routes import API, API_FORMS, BY_TEMPLATE, DEFAULT, OPEN, ROUTE, Route, asks_key, protocol_of
from app.translate.openai.protocol import OpenAIProtocol
from tests.running import GatewayStarter, Running
from tests.watching import ask, counted, everything, saying, told

UNKNOWN = (
    "/v1/responses",
    "/v1/messages",
    "/v1/completions",
    "/responses",
    "/v1/chat",
    "/v1/v1/v1/chat/completions",
    "/api/chat/completions",
    "/api/api/v1/chat/completions",
    "/openai/v1/chat/completions",
    "/v2/chat/completions",
    "/v1chat/completions",
    "/v1/chatcompletions",
    "/v1/chat/completions/x",
    "/v1/chat/completions/%2f",
    "/V1/CHAT/COMPLETIONS",
    "/v1/model",
    "/.env",
    "/%FF%00",
    "/v1/chat/completions%2f",
    "/v1%2fchat/completions",
    "/%2f/v1/chat/completions",
    "//health",
    "/health/",
    "//metrics",
    "/metrics/",
    "/v1/metrics",
    "/v1/v1/",
    "/api/v1",
)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions"])
async def test_chat_with_and_without_the_version(path: str, gateway: Running, http: aiohttp.ClientSession) -> None:
    """A base URL with `/v1` works as well as one without."""
    assert (await ask(http, gateway, saying("hi"), path=path)).content == "hi"


async def test_the_other_paths_with_and_without_the_version(gateway: Running, http: aiohttp.ClientSession) -> None:
    """Embeddings and models as well."""
    for prefix in ("/v1", ""):
        assert (await ask(http, gateway, {"input": "hi"}, path=f"{prefix}/embeddings")).json["object"] == "list"
        assert (await ask(http, gateway, method="GET", path=f"{prefix}/models")).json["object"] == "list"
        assert (await ask(http, gateway, method="GET", path=f"{prefix}/models/gpt-4o")).json["id"] == "gpt-4o"


def test_every_row_has_its_forms() -> None:
    """The table of what is counted knows each path with the version, without it, and in all its other forms."""
    assert len(API_FORMS) == 3 * len(API)
    assert all(path in BY_TEMPLATE for path in ("/v1/chat/completions", "/chat/completions", "/v1/models/{model}"))
    assert len(BY_TEMPLATE) == 3 * len(API) + len(OPEN)


async def test_the_key_is_asked_by_the_table(gateway: Running) -> None:
    """Whatever the application serves has its row. Who forgets one asks for the key."""
    served = {resource.canonical for resource in gateway.app.router.resources()}
    assert served == set(BY_TEMPLATE)
    assert Route("GET", "/new", "new", "other").asks_key
    assert all(route.asks_key for route in API_FORMS)
    assert {route.path for route in OPEN} == {"/", "/v1", "/v1/", "/health", "/livez", "/readyz", "/metrics"}


async def test_a_path_that_the_table_does_not_know() -> None:
    """If somebody serves it all the same, it asks for the key."""

    async def handler(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/new", handler)
    for path, asks in (("/new", True), ("/other", False)):
        request = make_mocked_request("GET", path)
        request._match_info = await app.router.resolve(request)
        assert asks_key(request) is asks


def test_a_request_is_answered_in_its_routes_protocol() -> None:
    """Handlers, errors and streams ask here; without a route it is the default one."""
    request, other = make_mocked_request("POST", "/"), OpenAIProtocol()
    assert protocol_of(request) is DEFAULT
    request[ROUTE] = API[0]._replace(protocol=other)
    assert protocol_of(request) is other


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", UNKNOWN)
async def test_an_unknown_path(
    path: str, method: str, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """It is a 404 that lists what is served; never a redirect, which would lose a POST's body."""
    gateway = await start_gateway(ready=False)
    reply = await ask(http, gateway, path=path, method=method, data=b"{}" if method == "POST" else None)
    assert (reply.status, reply.error["code"]) == (404, "unknown_url")
    for row in API:
        assert row.path in reply.error["message"]


async def test_a_scanner_makes_no_labels(
    gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """The raw path is neither a label nor in the log: a scanner cannot make memory grow, `?key=` is never kept."""
    caplog.set_level(logging.DEBUG)
    before = await counted(http, gateway, "gpt2giga_proxy_requests_total", "endpoint")
    for number in range(5):
        await ask(http, gateway, path=f"/wp-admin/{number}?key=a-secret", method="GET")
    await ask(http, gateway, saying("hi"), path="/v1/chat/completions?key=a-secret&api-version=2024")
    assert (await told(caplog, 6))["route"] == "/v1/chat/completions"
    after = await counted(http, gateway, "gpt2giga_proxy_requests_total", "endpoint")
    assert dict(after - before) == {"other": 5, "chat": 1}
    async with http.get(f"{gateway.url}/metrics") as response:
        exposed = await response.text()
    for text in (exposed, everything(caplog)):
        assert "wp-admin" not in text
        assert "a-secret" not in text


METHODS = {
    ("GET", "/v1/chat/completions"): "POST",
    ("PUT", "/chat/completions"): "POST",
    ("DELETE", "/v1/embeddings"): "POST",
    ("OPTIONS", "/v1/chat/completions"): "POST",
    ("POST", "/v1/models"): "GET",
    ("DELETE", "/v1/models/GigaChat"): "GET",
    ("POST", "/v1/models/%ED%A0%80"): "GET",
}


@pytest.mark.parametrize(("asked", "allowed"), METHODS.items(), ids=[" ".join(asked) for asked in METHODS])
async def test_a_wrong_method(
    asked: tuple[str, str], allowed: str, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """It is a 405 that names the methods which are served, as the header for it does."""
    gateway = await start_gateway(ready=False)
    reply = await ask(http, gateway, method=asked[0], path=asked[1])
    assert (reply.status, reply.error["code"]) == (405, "method_not_allowed")
    assert reply.error["message"].endswith(f"takes {allowed}.")
    assert reply.headers["Allow"] == allowed


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/health", "/livez", "/readyz", "/metrics"])
async def test_the_open_paths(method: str, path: str, gateway: Running, http: aiohttp.ClientSession) -> None:
    """Clients ask the base path with HEAD whether anybody is there; probes use either method."""
    assert (await ask(http, gateway, method=method, path=path)).status == 200


async def test_the_list_of_models(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """GigaChat's own models and the aliases, each once, with all that typed clients need."""
    gateway = await start_gateway(GPT2GIGA_MODEL_ALIASES="fast=GigaChat-2,claude-*=GigaChat-2-Max,gpt-4o=GigaChat-Pro")
    body = (await ask(http, gateway, method="GET", path="/v1/models")).json
    names = [item["id"] for item in body["data"]]
    assert sorted(names) == sorted([*MODELS, "gpt-3.5-turbo", "gpt-4", "gpt-4o", "fast"])
    for item in body["data"]:
        assert item["object"] == "model"
        assert isinstance(item["created"], int)
        assert isinstance(item["owned_by"], str)


KNOWN = {
    "GigaChat": "GigaChat",
    "GigaChat-2-Max": "GigaChat-2-Max",
    "Embeddings": "Embeddings",
    "gpt-4o": "gpt-4o",
    "gpt-4.1-nano": "gpt-4.1-nano",
    "claude-opus-9": "claude-opus-9",
    "o3": "o3",
    "text-embedding-3-small": "text-embedding-3-small",
    "openai/gpt-4o": "openai/gpt-4o",
    "openai%2Fgpt-4o": "openai/gpt-4o",
    "gigachat/GigaChat-2": "gigachat/GigaChat-2",
    "GigaChat:2.0.28.2": "GigaChat:2.0.28.2",
    "GigaChat%3A2.0.28.2": "GigaChat:2.0.28.2",
    "gpt-%D0%BC%D0%B8%D1%80": "gpt-мир",
    "gpt-4o?x=1": "gpt-4o",
}


@pytest.mark.parametrize(("path", "name"), KNOWN.items())
async def test_a_model_that_a_request_could_use(
    path: str, name: str, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """It is answered for under the name by which it was asked, and a chat under that name is no 404."""
    reply = await ask(http, gateway, method="GET", path=f"/v1/models/{path}")
    assert (reply.status, reply.json["id"], reply.json["object"]) == (200, name, "model")
    if "mbedding" not in name:
        assert (await ask(http, gateway, saying("hi", model=name))).status == 200


@pytest.mark.parametrize(
    "path", ["nope", "openai/nope", "nope:1.2.3", "GigaChat%2F", "gigachat", "%20", "a/b/c", "%FF"]
)
async def test_a_model_that_nobody_has(path: str, gateway: Running, http: aiohttp.ClientSession) -> None:
    """It is a 404 that says where the list is, as a chat with it would be."""
    reply = await ask(http, gateway, method="GET", path=f"/v1/models/{path}")
    assert (reply.status, reply.error["code"], reply.error["param"]) == (404, "model_not_found", "model")
    assert "/v1/models" in reply.error["message"]


@pytest.mark.parametrize(("asked", "sent"), [(None, "GigaChat-2"), ("gpt-4o", "GigaChat-2"), ("Nope", "Nope")])
async def test_the_name_that_goes_upstream(
    asked: Any, sent: str, sandbox: Any, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """OpenAI's names mean the configured model, every other goes as it is."""
    gateway = await start_gateway(ready=False, GIGACHAT_MODEL="GigaChat-2")
    await ask(http, gateway, {**saying("hi"), "model": asked})
    assert [one.body["model"] for one in sandbox.state.requests.of("chat")] == [sent]
