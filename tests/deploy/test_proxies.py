"""The examples of proxies in front, nginx and Caddy themselves: streams are neither held back nor cut, bodies pass."""

from __future__ import annotations

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

pytestmark = pytest.mark.usefixtures("few_roots")

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
    """A whole answer is silent until it comes."""
    seconds = [float(number) for number in re.findall(r"\b(\d+)s\b", EXAMPLES[name].read_text("utf-8"))]
    assert max(seconds) >= Config().timeout * 1.2


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
