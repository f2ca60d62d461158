"""The examples of proxies in front, nginx and Caddy themselves: streams are neither held back nor cut, bodies pass."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from app.config import Config
from app.sandbox import server
from tests.deploy.reading import DEPLOY
from tests.programs import needs_program
from tests.proxies import nginx, started
from tests.running import GatewayStarter, Running, SandboxStarter, eventually
from tests.watching import CHAT, ask, saying

EXAMPLES = {"nginx": DEPLOY / "nginx" / "gpt2giga-proxy.conf", "caddy": DEPLOY / "caddy" / "Caddyfile"}
MIB = 1024**2
WORDS = "Раз, два, три, четыре, пять: я иду искать. Кто не спрятался, я не виноват."
Before = Callable[..., Awaitable[Running]]


@pytest.fixture(params=EXAMPLES)
def name(request: pytest.FixtureRequest) -> str:
    """Which of them."""
    return str(request.param)


@pytest.fixture
async def proxy_before(name: str, tmp_path: Path, unused_port: int) -> AsyncIterator[Before]:
    """Put the example before a gateway: `await proxy_before(gateway)`; `seconds` takes the place of its time-outs."""
    program = needs_program(name)
    running: list[subprocess.Popen[bytes]] = []

    async def start(gateway: Running, seconds: str = "") -> Running:
        example = EXAMPLES[name].read_text("utf-8")
        assert example.count("127.0.0.1:8090") == 1
        example = example.replace("127.0.0.1:8090", gateway.url.removeprefix("http://"))
        example = example.replace("900s", seconds or "900s")
        if name == "nginx":
            example = example.replace("listen 8080", f"listen 127.0.0.1:{unused_port}")
            running.append(await nginx(program, example, tmp_path, unused_port))
        else:
            config = tmp_path / "Caddyfile"
            site = example.replace(":8080 {", f"http://127.0.0.1:{unused_port} {{")
            config.write_text(f"{{\n\tadmin off\n}}\n{site}", "utf-8")
            command = [program, "run", "--adapter", "caddyfile", "--config", str(config)]
            running.append(await started(command, tmp_path / "caddy.log", unused_port))
        return Running(f"http://127.0.0.1:{unused_port}", gateway.app)

    yield start
    for process in running:
        process.terminate()
        process.wait(10)


async def timed(http: aiohttp.ClientSession, gateway: Running) -> tuple[float, float, bytes]:
    """A stream's first piece with words and its end, in seconds since the request was sent; all of it."""
    sent = time.monotonic()
    first, data = 0.0, b""
    async with http.post(gateway.url + CHAT, json=saying(WORDS, stream=True)) as response:
        assert response.status == 200
        async for piece in response.content.iter_any():
            data += piece
            if not first and b'"content":"' in data.replace(b'"content":""', b""):
                first = time.monotonic() - sent
    return first, time.monotonic() - sent, data


@pytest.mark.long
async def test_the_first_word_is_not_held_back(
    name: str,
    start_sandbox: SandboxStarter,
    start_gateway: GatewayStarter,
    proxy_before: Before,
    http: aiohttp.ClientSession,
) -> None:
    """It comes as early as without the proxy, long before the last one."""
    gateway = await start_gateway(await start_sandbox(chunk_seconds=0.05))
    proxied = await proxy_before(gateway)
    await timed(http, gateway)
    await timed(http, proxied)
    without = [await timed(http, gateway) for _ in range(5)]
    behind = [await timed(http, proxied) for _ in range(5)]
    bare, first, last = (
        statistics.median(moments)
        for moments in zip(*[(a[0], b[0], b[1]) for a, b in zip(without, behind, strict=True)], strict=True)
    )
    print(f"first word: {bare * 1000:.1f} ms, behind {name} {first * 1000:.1f} ms; last word {last * 1000:.0f} ms")
    assert first < bare + 0.1
    assert first < last / 2
    assert behind[0][2].endswith(b"data: [DONE]\n\n")


@pytest.mark.long
async def test_a_stream_with_pauses_is_not_cut(
    start_sandbox: SandboxStarter, start_gateway: GatewayStarter, proxy_before: Before, http: aiohttp.ClientSession
) -> None:
    """GigaChat is silent for longer than the proxy waits: what the gateway says meanwhile passes, and is enough."""
    settings = {"GPT2GIGA_KEEPALIVE_SECONDS": "0.3", "GPT2GIGA_COMMIT_SECONDS": "0.5"}
    gateway = await start_gateway(await start_sandbox(chunk_seconds=1.8), **settings)
    proxied = await proxy_before(gateway, seconds="1s")
    reply = await ask(http, proxied, saying("sandbox:wait 2\n" + WORDS[:40], stream=True))
    assert reply.content.endswith(WORDS[:40])
    assert reply.events[-1] == "[DONE]"


async def test_the_time_outs_are_longer_than_the_longest_silence(name: str) -> None:
    """A whole answer is silent until it comes, and may have waited for its turn before."""
    seconds = [float(number) for number in re.findall(r"\b(\d+)s\b", EXAMPLES[name].read_text("utf-8"))]
    assert max(seconds) >= (Config().timeout + Config().queue_seconds) * 1.2


async def test_idle_connections_end_at_the_proxy_first(name: str) -> None:
    """The gateway closes none that the proxy is about to use again."""
    kept = re.findall(r"^\s*keepalive(?:_timeout)? (\d+)s", EXAMPLES[name].read_text("utf-8"), re.MULTILINE)
    assert [int(seconds) < Config().idle_seconds - 10 for seconds in kept] == [True]


@pytest.mark.long
async def test_the_gateway_may_end_idle_connections_all_the_same(
    start_gateway: GatewayStarter, proxy_before: Before, http: aiohttp.ClientSession
) -> None:
    """Where it keeps them for a moment only, no request behind the proxy fails of it, but one in that very moment."""
    proxied = await proxy_before(await start_gateway(GPT2GIGA_IDLE_SECONDS="0.3"))
    for _ in range(4):
        assert (await ask(http, proxied, saying("hi"))).content == "hi"
        await asyncio.sleep(0.6)


@pytest.mark.long
async def test_a_body_of_the_full_size_passes(
    gateway: Running, proxy_before: Before, http: aiohttp.ClientSession
) -> None:
    """What the gateway takes the proxy takes; what is larger ends at one of them with a 413."""
    proxied = await proxy_before(gateway)
    limit = Config().max_body_bytes
    reply = await ask(http, proxied, data=io.BytesIO(b" " * (limit - MIB) + b"[]"))
    assert reply.status == 400
    assert "object" in reply.error["message"]
    with contextlib.suppress(aiohttp.ClientConnectionError):
        assert (await ask(http, proxied, data=io.BytesIO(b" " * (limit + MIB)))).status == 413


@pytest.mark.samples("nginx")
async def test_a_client_that_leaves_is_gone(
    start_sandbox: SandboxStarter, start_gateway: GatewayStarter, proxy_before: Before, http: aiohttp.ClientSession
) -> None:
    """The proxy tells it on: GigaChat's stream does not run for nobody."""
    sandbox: server.Running = await start_sandbox(chunk_seconds=0.5)
    proxied = await proxy_before(await start_gateway(sandbox))
    async with http.post(proxied.url + CHAT, json=saying(WORDS * 3, stream=True)) as response:
        await response.content.readany()
        assert sandbox.state.chatting == 1
    await eventually(lambda: sandbox.state.chatting == 0, 3)


async def test_metrics_do_not_show_outside(gateway: Running, proxy_before: Before, http: aiohttp.ClientSession) -> None:
    """They need no key, so the proxy refuses them; the rest is served."""
    proxied = await proxy_before(gateway)
    for path, status in (("/metrics", 403), ("/livez", 200), ("/v1/models", 200)):
        async with http.get(proxied.url + path) as response:
            assert response.status == status, path


async def test_health_tells_no_cause_outside(
    gateway: Running, proxy_before: Before, http: aiohttp.ClientSession
) -> None:
    """The proxy is a loopback peer of the gateway, its clients are not."""
    proxied = await proxy_before(gateway)
    assert "token" in (await ask(http, gateway, method="GET", path="/health")).json
    reply = await ask(http, proxied, method="GET", path="/health")
    assert reply.json == {"status": "healthy", "provider": "gigachat", "gigachat_available": True}


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "127.0.0.1"},
        {"X-Forwarded-For": "", "X-Real-IP": ""},
        {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"},
        {"Connection": "close, X-Forwarded-For, X-Real-IP"},
        {"Authorization": "Bearer wrong"},
    ],
    ids=["a local name", "empty", "forged", "hop by hop", "a wrong key"],
)
async def test_no_caller_from_outside_passes_for_an_operator(
    start_gateway: GatewayStarter, proxy_before: Before, http: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    """Whatever a client sends, the proxy says that it came from outside, and the state is all that it is told."""
    gateway = await start_gateway(GPT2GIGA_API_KEY="k")
    proxied = await proxy_before(gateway)
    for path, told in (("/health", {"status", "provider", "gigachat_available"}), ("/readyz", {"ready"})):
        async with http.get(proxied.url + path, headers=headers) as response:
            if response.content_type == "application/json":  # the test's Caddy serves one address alone
                assert set(await response.json()) == told
            else:
                assert "token" not in await response.text()
    async with http.get(proxied.url + "/health", headers={"Authorization": "Bearer k"}) as response:
        assert "token" in await response.json()


async def test_the_name_of_a_gateway_without_a_key(
    name: str, start_gateway: GatewayStarter, proxy_before: Before, http: aiohttp.ClientSession
) -> None:
    """The proxy keeps the name that the client asked for: it has to be in GPT2GIGA_HOSTS, as the example says."""
    assert "GPT2GIGA_HOSTS" in EXAMPLES[name].read_text("utf-8")
    gateway = await start_gateway(GPT2GIGA_HOSTS="gw.example.com")
    proxied = await proxy_before(gateway)
    reply = await ask(http, proxied, method="GET", path="/v1/models", headers={"Host": "gw.example.com"})
    assert reply.status == 200
    if name == "nginx":  # the test's Caddy serves one address alone
        reply = await ask(http, proxied, method="GET", path="/v1/models", headers={"Host": "other.example.com"})
        assert (reply.status, reply.error["code"]) == (403, "host_not_allowed")


@pytest.mark.long
async def test_large_cookies_and_odd_paths(proxy_before: Before, gateway: Running, http: aiohttp.ClientSession) -> None:
    """What single sign-on adds passes, a header of nearly 64 KB and 190 KB in all; and `/metrics` has no other form."""
    proxied = await proxy_before(gateway)
    for headers in ({"Cookie": "a=" + "b" * 64_000}, {f"X-Cookie-{at}": "b" * 64_000 for at in range(3)}):
        assert (await ask(http, proxied, saying("hi"), headers=headers)).content == "hi"
    for path in ("/v1/v1/chat/completions", "/api/v1/chat/completions/", "/v1//chat/completions"):
        assert (await ask(http, proxied, saying("hi"), path=path)).content == "hi"
    for path in ("//metrics", "/metrics/", "/v1/metrics", "/api/v1/metrics", "/v1/v1/metrics", "//health"):
        reply = await ask(http, proxied, method="GET", path=path)
        assert reply.status in (403, 404), path
        assert "gpt2giga_proxy_requests_total" not in reply.text
