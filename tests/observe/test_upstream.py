"""What operators are told of tokens and of GigaChat's coming and going, over real sockets."""

from __future__ import annotations

import math
import time
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY

from app.observe import labels, metrics
from app.observe.credentials import CredentialObserver
from app.observe.streak import Streak
from app.observe.upstream import UpstreamObserver
from app.sandbox import server
from tests.running import GatewayStarter, Running, eventually


def value(name: str, **labels: str) -> float | None:
    """A sample of this process's metrics."""
    return REGISTRY.get_sample_value(f"gpt2giga_proxy_{name}", labels)


def told(caplog: pytest.LogCaptureFixture, event: str) -> list[tuple[str, dict[str, Any]]]:
    """Level and fields of the lines of an event."""
    return [
        (record.levelname, record.__dict__.get("gateway_fields", {}))
        for record in caplog.records
        if record.getMessage() == event
    ]


async def test_a_token_and_where_it_came_from(
    start_gateway: GatewayStarter, sandbox: server.Running, caplog: pytest.LogCaptureFixture
) -> None:
    """The start's renewal is counted, the end of the token's life is Unix time, the source in use is 1 and alone."""
    caplog.set_level("INFO", "gpt2giga")
    before = value("token_refresh_total", credential="bot", result="success", reason="startup") or 0.0
    await start_gateway(GIGACHAT_CREDENTIALS=f"bot={sandbox.state.settings.key}")
    assert value("token_refresh_total", credential="bot", result="success", reason="startup") == before + 1
    assert 1700 < (value("token_expiry_timestamp_seconds", credential="bot", source="oauth") or 0) - time.time() <= 1800
    assert abs((value("token_last_success_timestamp_seconds", credential="bot") or 0) - time.time()) < 10
    sources = {name: value("token_source", credential="bot", source=name) for name in labels.TOKEN_SOURCES}
    assert sources == {"oauth": 1.0, "password": 0.0, "mtls": 0.0, "ready": 0.0, "none": 0.0}
    assert value("upstream_up", component="oauth") == value("upstream_up", component="api") == 1
    [(level, line)] = told(caplog, "token renewed")
    assert (level, line["credential"], line["source"], line["reason"]) == ("INFO", "bot", "oauth", "startup")


async def test_oauth_that_fails_is_an_error_and_the_second_level_a_warning(
    start_gateway: GatewayStarter, sandbox: server.Running, caplog: pytest.LogCaptureFixture
) -> None:
    """The failure names its cause, the failures in a row are counted, the ready token in use is told."""
    caplog.set_level("INFO", "gpt2giga")
    sandbox.state.faults.add("status", where="oauth", times=None, status=500)
    gateway = await start_gateway(GIGACHAT_ACCESS_TOKEN=sandbox.state.tokens.issue(1800))
    await eventually(lambda: gateway.gateway.keeper.status().fallback is True)
    level, line = told(caplog, "no token from OAuth")[0]
    assert level == "ERROR"
    assert "500" in line["why"]
    assert (value("token_consecutive_failures", credential="default") or 0) >= 1
    assert value("upstream_up", component="oauth") == 0
    assert value("token_source", credential="default", source="ready") == 1
    assert value("token_source", credential="default", source="oauth") == 0
    assert value("fallback_usable") == 1
    [(level, line)] = told(caplog, "serving with the ready token, which cannot be renewed")
    assert (level, line["source"], line["before"]) == ("WARNING", "ready", "none")
    assert [level for level, _ in told(caplog, "the ready token works")] == ["INFO"]


async def test_a_ready_token_that_gigachat_refuses_is_told_once(
    start_gateway: GatewayStarter, caplog: pytest.LogCaptureFixture
) -> None:
    """The second level is gone before it is needed: a warning and a 0, not a surprise at night."""
    caplog.set_level("INFO", "gpt2giga")
    await start_gateway(GIGACHAT_ACCESS_TOKEN="long-expired")
    event = "GigaChat does not accept the ready token: there is no second level. Give a new one"
    await eventually(lambda: len(told(caplog, event)) == 1)
    assert told(caplog, event)[0][0] == "WARNING"
    assert value("fallback_usable") == 0


async def test_without_a_ready_token_its_gauge_says_neither(start_gateway: GatewayStarter) -> None:
    """A 0 would say that GigaChat has refused one: an alert on it would go on after the token left the settings."""
    await start_gateway(GIGACHAT_ACCESS_TOKEN="long-expired")
    await eventually(lambda: value("fallback_usable") == 0)
    await start_gateway()
    assert math.isnan(value("fallback_usable") or 0)


async def test_gigachat_gone_and_back_are_one_line_each(
    gateway: Running, sandbox: server.Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """However many requests fail meanwhile; the return tells how long it took."""
    caplog.set_level("INFO", "gpt2giga")
    sandbox.state.faults.add("down", where="any", times=None)
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]}
    for _ in range(5):
        async with http.post(f"{gateway.url}/v1/chat/completions", json=body) as response:
            assert response.status == 502
    assert value("upstream_up", component="api") == 0
    sandbox.state.faults.clear()
    await eventually(lambda: gateway.gateway.gigachat.monitor.available is True)
    assert value("upstream_up", component="api") == 1
    assert [level for level, _ in told(caplog, "GigaChat is gone")] == ["ERROR"]
    [(level, line)] = told(caplog, "GigaChat is back")
    assert level == "INFO"
    assert 0 < line["gone_seconds"] < 10


def test_no_source_at_all_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    """From the moment that requests are answered 503 the log says so, and which source was lost."""
    families = metrics.shared()
    streak = Streak(families.consecutive_failures)
    observer = UpstreamObserver(families, CredentialObserver(families, "lost"), streak)
    observer.source_changed("oauth")
    observer.source_changed("none")
    [(level, line)] = told(caplog, "no usable token: requests are answered 503")
    assert (level, line["before"]) == ("ERROR", "oauth")
    assert value("token_source", credential="lost", source="oauth") == 0
    assert value("token_source", credential="lost", source="none") == 1
