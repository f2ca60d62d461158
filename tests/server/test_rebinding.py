"""DNS rebinding: a name that a page points at this machine gets no answer of a gateway without a key."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import make_mocked_request

from app.config import Config
from app.sandbox import server
from app.server.browser_guard import BrowserGuard, read_host
from tests.pages import code, send
from tests.running import GatewayStarter, Running
from tests.watching import raw

REFUSED_HOSTS = (
    "evil.example",
    "evil.example:8090",
    "localhost.evil.example",
    "127.0.0.1.nip.io:8090",
    "evil@localhost",
    "localhost@evil.example",
    "localhost, evil.example",
    "localhost:8090:80",
    "localhost:port",
    "",
    "0.0.0.0:8090",
    "192.168.1.5",
    "[::2]:8090",
    "::1",
    "[::1",
    "[fe80::1%25lo]",
    "2130706433",
    "0x7f.0.0.1",
    "127.0.0.01",
    "my.host.docker.internal",
    "docker.internal",
    "gw.example.com.evil.example",
    "example.com",
    "named.example:8443",
)
TAKEN_HOSTS = (
    "localhost",
    "LOCALHOST:1",
    "localhost.:8090",
    "my.localhost:65535",
    "127.0.0.1",
    "127.1.2.3:9",
    "[::1]",
    "[::1]:8090",
    "host.docker.internal:8090",
    "host.containers.internal",
    "gw.internal",
    "GW.internal.:81",
    "a.example.com:4",
    "b.a.example.com",
    "named.example:8090",
)


async def test_names_that_were_pointed_here(sandbox: server.Running, start_gateway: GatewayStarter) -> None:
    """DNS rebinding: a page whose name leads to this machine reads no answer; local names and the operator's do."""
    hosts = "gw.internal,*.example.com,named.example:8090"
    gateway = await start_gateway(GPT2GIGA_HOSTS=hosts)
    for host in REFUSED_HOSTS:
        answer = await send(gateway, method="GET", path="/v1/models", host=f"Host: {host}")
        assert code(answer) == "403 host_not_allowed", host
        assert b"GPT2GIGA_HOSTS" in answer
        assert code(await send(gateway, host=f"Host: {host}")) == "403 host_not_allowed", host
    assert not sandbox.state.requests.of("chat")
    for host in TAKEN_HOSTS:
        assert code(await send(gateway, method="GET", path="/v1/models", host=f"Host: {host}")) == "200", host


async def test_other_ways_to_name_a_host(start_gateway: GatewayStarter) -> None:
    """A target that is a whole URL counts as a Host; X-Forwarded-Host does not; HTTP/1.0 may name none."""
    gateway = await start_gateway()
    local = f"Host: {urlsplit(gateway.url).netloc}"
    for target in ("http://evil.example/v1/models", "http://u:p@evil.example:80/v1/models", "http://[::2]/v1/models"):
        assert code(await send(gateway, method="GET", path=target, host=local)) == "403 host_not_allowed", target
    for target in ("http://localhost:1/v1/models", "http://[::1]/v1/models"):
        assert code(await send(gateway, method="GET", path=target, host=local)) == "200", target
        assert code(await send(gateway, method="GET", path=target, host="Host: evil.example")) == "403 host_not_allowed"
    trusted = "X-Forwarded-Host: localhost"
    answer = await send(gateway, trusted, method="GET", path="/v1/models", host="Host: evil.example")
    assert code(answer) == "403 host_not_allowed"
    answer = await send(gateway, "Host: evil.example", method="GET", path="/v1/models", host=local)
    assert answer.split(b" ")[1] in (b"400", b"403")
    assert code(await raw(gateway, b"GET /v1/models HTTP/1.0\r\n\r\n")) == "200"


@pytest.mark.parametrize("listens", ["127.0.0.1", "127.0.0.2", "127.1", "localhost", "::1"])
async def test_where_a_host_is_asked_for(listens: str, start_gateway: GatewayStarter) -> None:
    """On every loopback address, however it is written."""
    address = socket.getaddrinfo(listens, None)[0][4][0]
    gateway = await start_gateway(ready=False, GPT2GIGA_HOST=listens)
    netloc = f"[{address}]" if ":" in str(address) else address
    there = Running(f"http://{netloc}:{urlsplit(gateway.url).port}", gateway.app)
    assert code(await send(there, host="Host: evil.example")) == "403 host_not_allowed"
    assert code(await send(there)) == "200"


async def test_where_no_host_is_asked_for(start_gateway: GatewayStarter) -> None:
    """In compose and in pods the gateway has names that it cannot know."""
    gateway = await start_gateway(ready=False, GPT2GIGA_HOST="0.0.0.0")  # noqa: S104 - compose's
    for host in ("gpt2giga-proxy:8090", "evil.example", "10.1.2.3"):
        assert code(await send(gateway, host=f"Host: {host}")) == "200"
    request = make_mocked_request("GET", "/v1/models", headers={"Host": "evil.example"})
    for host in ("0.0.0.0", "::", "192.0.2.1"):  # noqa: S104
        BrowserGuard(Config(host=host)).check(request)


@pytest.mark.parametrize("text", ["a" * 301, "-" * 299 + "!", "a." * 149 + "!", "[" + ":" * 299, "1" * 300 + ":"])
def test_a_long_name_is_none(text: str) -> None:
    """What a stranger sends is bounded before it is read."""
    assert read_host(text) is None
