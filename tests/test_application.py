"""The wiring: several gateways in one process, background tasks that end with their gateway, faults of the start."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from app import application
from app.application import build, first_level
from app.config import Config
from app.errors import ConfigError
from app.sandbox import server
from app.server.keys import REQUESTS
from tests.running import GatewayStarter, Running, environment, eventually

TASKS = {"token-renewal", "gigachat-pulse", "ready-token"}


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


async def test_a_background_task_that_dies_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A bug there must not be silent: a critical line with the task's name and the traceback."""

    async def buggy() -> None:
        raise RuntimeError("a bug")

    async with application._running(buggy(), "token-renewal"):
        await eventually(lambda: bool(caplog.records))
    [record] = caplog.records
    assert (record.levelname, record.getMessage()) == ("CRITICAL", "a background task died")
    assert record.__dict__["gateway_fields"] == {"task": "token-renewal"}
    assert record.exc_info


@pytest.mark.parametrize(
    ("given", "source"),
    [
        pytest.param({"GIGACHAT_CREDENTIALS": "YTpi"}, "oauth", id="key"),
        pytest.param({"GIGACHAT_USER": "u", "GIGACHAT_PASSWORD": "p"}, "password", id="login"),
        pytest.param(
            {"GIGACHAT_CREDENTIALS": "YTpi", "GIGACHAT_USER": "u", "GIGACHAT_PASSWORD": "p"}, "oauth", id="key first"
        ),
        pytest.param({"GIGACHAT_CERT_FILE": __file__}, "mtls", id="certificate alone"),
        pytest.param({"GIGACHAT_CERT_FILE": __file__, "GIGACHAT_ACCESS_TOKEN": "t"}, "none", id="certificate, token"),
        pytest.param({"GIGACHAT_ACCESS_TOKEN": "t"}, "none", id="ready token alone"),
        pytest.param({}, "none", id="nothing"),
    ],
)
async def test_where_tokens_of_the_first_level_come_from(given: dict[str, str], source: str) -> None:
    """The key, else the login, else the certificate itself; a ready token is the second level only."""
    async with aiohttp.ClientSession() as session:
        fetch, found = first_level(Config.load(given, dotenv=None), session)
    assert found == source
    assert (fetch is not None) is (source in {"oauth", "password"})


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


@pytest.mark.parametrize("name", ["GIGACHAT_CA_BUNDLE_FILE", "GIGACHAT_CERT_FILE"])
def test_a_file_that_tls_cannot_use_is_a_fault_of_the_settings(tmp_path: Path, name: str) -> None:
    """The sentence names the setting and the file, whatever OpenSSL calls it."""
    path = tmp_path / "file.pem"
    path.write_text("not a certificate")
    with pytest.raises(ConfigError) as raised:
        application.context(Config.load({name: str(path)}, dotenv=None), [])
    assert raised.value.faults[0].startswith(f"{name} ({path}): ")
