"""The wiring: several gateways in one process, background tasks that end with their gateway."""

from __future__ import annotations

import asyncio

import aiohttp
from aiohttp import web

from app.application import build
from app.config import Config
from app.sandbox import server
from app.server.app_keys import REQUESTS
from tests.running import GatewayStarter, Running, environment

TASKS = {"token-renewal", "gigachat-monitor", "ready-token"}


async def say(http: aiohttp.ClientSession, url: str, text: str) -> str:
    """One chat request's answer."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"sandbox:say {text}"}]}
    async with http.post(f"{url}/v1/chat/completions", json=body) as response:
        answer: str = (await response.json())["choices"][0]["message"]["content"]
        return answer


async def count(http: aiohttp.ClientSession, url: str) -> float:
    """How many whole chat requests this process has answered, as a scrape of that gateway shows."""
    async with http.get(f"{url}/metrics") as response:
        lines = (await response.text()).splitlines()
    [line] = [one for one in lines if one.startswith("gpt2giga_proxy_requests_total{") and _WHOLE in one]
    return float(line.split()[-1])


_WHOLE = '{code="200",endpoint="chat",stream="false"}'


def background() -> set[str]:
    """The names of the gateways' tasks that run now."""
    return {task.get_name() for task in asyncio.all_tasks()} & TASKS


async def test_gateways_at_the_same_time_share_the_families(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """A second gateway registers nothing twice; both serve, and each scrape shows the process's counts."""
    one, two = await start_gateway(), await start_gateway(GPT2GIGA_API_KEY="")
    assert one.app[REQUESTS].metrics is two.app[REQUESTS].metrics
    before = await count(http, one.url)
    assert await say(http, one.url, "раз") == "раз"
    assert await say(http, two.url, "два") == "два"
    assert await count(http, one.url) == await count(http, two.url) == before + 2


async def test_gateways_one_after_the_other(sandbox: server.Running, http: aiohttp.ClientSession) -> None:
    """A restart inside the process: the second serves as the first did, the tasks of the first are gone."""
    counted = []
    for _ in range(2):
        config = Config.load(environment(sandbox, GIGACHAT_ACCESS_TOKEN=sandbox.state.tokens.issue(60)), dotenv=None)
        runner = web.AppRunner(build(config), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        assert await say(http, url, "да") == "да"
        assert background() == TASKS
        counted.append(await count(http, url))
        await runner.cleanup()
        assert background() == set()
    assert counted[1] == counted[0] + 1


async def test_the_metrics_can_move_away(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """With a port of their own they are no URL of the main port."""
    gateway = await start_gateway(GPT2GIGA_METRICS_PORT="0")
    async with http.get(f"{gateway.url}/metrics") as response:
        assert response.status == 404


async def test_a_login_brings_tokens(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """User and password instead of a key: the gateway logs in and serves."""
    settings = sandbox.state.settings
    gateway: Running = await start_gateway(
        GIGACHAT_CREDENTIALS="", GIGACHAT_USER=settings.user, GIGACHAT_PASSWORD=settings.password
    )
    assert gateway.gateway.keeper.status().source == "password"
    assert await say(http, gateway.url, "да") == "да"
