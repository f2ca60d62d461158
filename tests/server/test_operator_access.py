"""Who is shown hosts, causes and remedies, and who is not: proxies' clients, web pages, holders of wrong keys."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp.test_utils import make_mocked_request

from app.sandbox import server
from app.server.operator_access import is_operator
from tests.running import GatewayStarter, ProcessStarter, Running, environment, eventually
from tests.watching import ask

KEY = "the-gateways-key"
# The user's contract: these stay for everybody.
SHORT = {"status", "provider", "gigachat_available"}
BROKEN = {"GIGACHAT_CREDENTIALS": "d3Jvbmc6d3Jvbmc="}
FORWARDED = {"X-Forwarded-For": "203.0.113.7"}

FROM_ELSEWHERE = {
    "Forwarded": "for=203.0.113.7",
    "forwarded": "for=203.0.113.7",
    "X-Forwarded-For": "203.0.113.7",
    "X-FORWARDED-PROTO": "https",
    "X-Forwarded-Host": "localhost",
    "X-Forwarded-Anything": "",
    "X-Original-Forwarded-For": "203.0.113.7",
    "X-Real-IP": "127.0.0.1",
    "Via": "1.1 proxy",
    "CF-Connecting-IP": "203.0.113.7",
    "CF-Ray": "1",
    "CDN-Loop": "cloudflare",
    "True-Client-IP": "203.0.113.7",
    "X-Client-IP": "203.0.113.7",
    "X-Cluster-Client-IP": "203.0.113.7",
    "Fastly-Client-IP": "203.0.113.7",
    "Fly-Client-IP": "203.0.113.7",
    "X-Envoy-External-Address": "203.0.113.7",
    "X-Amzn-Trace-Id": "Root=1",
    "X-Azure-ClientIP": "203.0.113.7",
    "X-ARR-LOG-ID": "1",
    "X-Original-URL": "/health",
    "Proxy-Connection": "close",
}
PAGES = {
    "Origin": "http://localhost:3000",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "navigate",
    "sec-ch-ua": '"Chromium"',
    "Host": "evil.example:8090",
    "host": "gw.example.com",
}
PROGRAMS = {
    "User-Agent": "curl/8",
    "Accept": "*/*",
    "X-Request-ID": "1",
    "X-Tenant-ID": "alice",
    "traceparent": "00-1-1-01",
    "Authorization": "Bearer any",
    "x-api-key": "any",
    "Host": "host.docker.internal:8090",
}


async def seen(http: aiohttp.ClientSession, gateway: Running, path: str, headers: dict[str, str]) -> dict[str, Any]:
    """The body of one of the operators' pages."""
    body: dict[str, Any] = (await ask(http, gateway, method="GET", path=path, headers=headers)).json
    return body


async def details(http: aiohttp.ClientSession, gateway: Running, headers: dict[str, str]) -> bool:
    """Whether these headers get the details, which is the same answer on all three pages."""
    health = await seen(http, gateway, "/health", headers)
    ready = await seen(http, gateway, "/readyz", headers)
    root = await seen(http, gateway, "/", headers)
    assert health["provider"] == "gigachat"
    if set(health) == SHORT and set(ready) == {"ready"} and set(root) == {"name", "serves"}:
        return False
    assert {"reason", "token", "version", "requests_under_way", *SHORT} <= set(health)
    assert set(ready) == {"ready", "reason"}
    assert set(root) == {"name", "serves", "version"}
    return True


async def test_what_a_stranger_learns(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """Behind a proxy: that something is wrong, with the right status; no cause, host, remedy, version or count."""
    gateway = await start_gateway(ready=False, **BROKEN)
    await eventually(lambda: gateway.gateway.keeper.status().failures > 0)
    reply = await ask(http, gateway, method="GET", path="/health", headers=FORWARDED)
    assert reply.status == 503
    assert reply.json == {"status": "unhealthy", "provider": "gigachat", "gigachat_available": False}
    reply = await ask(http, gateway, method="GET", path="/readyz", headers=FORWARDED)
    assert (reply.status, reply.json) == (503, {"ready": False})
    assert "OAuth" in (await seen(http, gateway, "/health", {}))["reason"]


@pytest.mark.parametrize(("name", "value"), FROM_ELSEWHERE.items())
async def test_a_proxys_client(
    name: str, value: str, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """A proxy on this machine is a loopback peer: what it adds tells that the client is not here."""
    assert not await details(http, await start_gateway(ready=False), {name: value})


@pytest.mark.parametrize(("name", "value"), PAGES.items())
async def test_a_web_page(name: str, value: str, start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """A browser on this machine is a loopback peer too; with DNS rebinding a page would read the answer."""
    settings = {"GPT2GIGA_HOSTS": "gw.example.com", "GPT2GIGA_CORS_ORIGINS": "*", "GPT2GIGA_HOST": "0.0.0.0"}  # noqa: S104
    assert not await details(http, await start_gateway(ready=False, **settings), {name: value, "x-api-key": "any"})


@pytest.mark.parametrize(("name", "value"), PROGRAMS.items())
@pytest.mark.parametrize("key", ["", KEY])
async def test_a_program_on_this_machine(
    key: str, name: str, value: str, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """curl and monitoring beside the gateway see all, with a key that is not the gateway's as well."""
    assert await details(http, await start_gateway(ready=False, GPT2GIGA_API_KEY=key), {name: value})


@pytest.mark.parametrize("name", ["Authorization", "x-api-key"])
async def test_the_holder_of_the_key(name: str, start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """The configured key opens from anywhere; a wrong one is the short form, no 401: a health check must not fail."""
    gateway = await start_gateway(GPT2GIGA_API_KEY=KEY)
    bearer = "Bearer " if name == "Authorization" else ""
    assert await details(http, gateway, {name: bearer + KEY, **FORWARDED, "Host": "gw.example.com"})
    for wrong in ("wrong", "", KEY[:-1], f"{KEY}x", KEY.upper()):
        assert not await details(http, gateway, {name: bearer + wrong, **FORWARDED})
    keyless = await start_gateway()
    for anything in ("any", ""):
        assert not await details(http, keyless, {name: bearer + anything, **FORWARDED})


@pytest.mark.parametrize(
    ("peer", "operator"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("172.17.0.1", False),
        ("192.168.1.5", False),
        ("203.0.113.7", False),
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.1", False),
        ("", False),
    ],
)
async def test_where_the_peer_is(peer: str, operator: bool, start_gateway: GatewayStarter) -> None:
    """Loopback addresses alone are this machine: Docker's bridge is everybody's."""
    gateway = await start_gateway(ready=False)
    request = make_mocked_request("GET", "/health", {"Host": "localhost"}, app=gateway.app)
    assert is_operator(request.clone(remote=peer)) is operator


@pytest.mark.parametrize(("listens", "named"), [("127.0.0.1", False), ("0.0.0.0", True)])  # noqa: S104 - compose's
async def test_the_metrics_port(
    listens: str,
    named: bool,
    sandbox: server.Running,
    start_process: ProcessStarter,
    http: aiohttp.ClientSession,
) -> None:
    """It serves /health with all details, to whoever reaches it but web pages; names are judged on loopback alone."""
    process = start_process(env=environment(sandbox, GPT2GIGA_METRICS_PORT="0", GPT2GIGA_HOST=listens))
    url = process.event("listening")["metrics"].replace("/metrics", "/health").replace("0.0.0.0", "127.0.0.1")  # noqa: S104

    async def look(**headers: str) -> set[str]:
        async with http.get(url, headers=headers) as response:
            return set(orjson.loads(await response.read()))

    assert await look() > SHORT
    assert await look(**FORWARDED) > SHORT
    assert (await look(Host="gpt2giga-proxy:9090") > SHORT) is named
    assert await look(Origin="http://localhost") == SHORT
    async with http.head(url) as response:
        assert response.status in (200, 503)
