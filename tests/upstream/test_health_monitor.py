"""Is GigaChat there? Heard from requests, and asked for when they are silent."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest

from app.sandbox.server import Running as Sandbox
from app.upstream.health_monitor import HealthMonitor
from app.upstream.times import UpstreamTimes
from tests.running import GatewayStarter, Running, eventually
from tests.upstream.conftest import Chat, Events, Metric, See, timeless
from tests.upstream.keeping import now


@pytest.mark.parametrize("how", ["stopped", "down", "status", "silent"])
async def test_gone_and_back(
    sandbox: Sandbox,
    start_gateway: GatewayStarter,
    chat: Chat,
    see: See,
    events: Events,
    metric: Metric,
    how: str,
) -> None:
    """GigaChat gone: health, readiness, metric and one log line tell at once; back, it is noticed without a request."""
    times = UpstreamTimes(gone_pauses=(0.1,), monitor_tick=0.02)
    gateway = await start_gateway(times=times, GIGACHAT_TIMEOUT="0.3")
    assert metric("upstream_up", component="api") == 1
    if how == "stopped":
        await sandbox.stop()
    elif how == "silent":
        sandbox.state.faults.add("slow", times=None, seconds=5)
    else:
        sandbox.state.faults.add(how, times=None)
    begun = time.monotonic()
    assert (await chat(gateway.url)).status in {502, 504}
    await eventually(lambda: gateway.gateway.gigachat.monitor.available is False, 2)
    status, body = await see(gateway.url)
    assert time.monotonic() - begun < 2
    assert (status, body["gigachat_available"], body["status"]) == (503, False, "unhealthy")
    assert body["reason"].startswith("GigaChat is gone")
    assert (await see(gateway.url, "/readyz"))[0] == 503
    assert (await see(gateway.url, "/livez"))[0] == 200
    assert metric("upstream_up", component="api") == 0
    await asyncio.sleep(0.3)
    assert [event["level"] for event in events("GigaChat is gone")] == ["ERROR"]
    if how == "stopped":
        return
    sandbox.state.faults.clear()
    await eventually(lambda: bool(events("GigaChat is back")), 2)
    assert events("GigaChat is back")[0]["gone_seconds"] > 0.3
    status, body = await see(gateway.url)
    assert (status, body["gigachat_available"], body["status"]) == (200, True, "healthy")
    assert metric("upstream_up", component="api") == 1


async def test_one_bad_request_is_no_outage(
    sandbox: Sandbox, start_gateway: GatewayStarter, chat: Chat, see: See, events: Events
) -> None:
    """A failure that only one kind of request meets turns nobody away: GigaChat is asked, and answers."""
    gateway = await start_gateway()
    for _ in range(6):
        sandbox.state.faults.add("status", where="chat", status=500)
        assert (await chat(gateway.url)).status == 502
        assert (await see(gateway.url, "/readyz"))[0] == 200
        assert (await chat(gateway.url)).status == 200
    assert not events("GigaChat is gone")


@pytest.mark.parametrize("kind", ["html_200", "status"])
async def test_something_else_in_gigachats_place(
    sandbox: Sandbox, start_gateway: GatewayStarter, see: See, events: Events, kind: str
) -> None:
    """A page, or a refusal of the list of models, is no GigaChat: health says so, whatever its status."""
    sandbox.state.faults.add(kind, where="models", times=None, **({"status": 403} if kind == "status" else {}))
    gateway = await start_gateway(ready=False)
    await eventually(lambda: bool(events("GigaChat is gone")), 2)
    status, body = await see(gateway.url)
    assert (status, body["gigachat_available"], body["last_upstream_success"]) == (503, False, None)
    assert "GIGACHAT_BASE_URL" in body["reason"]


async def test_refusals_are_life(sandbox: Sandbox, gateway: Running, chat: Chat, see: See) -> None:
    """A GigaChat that refuses is there: no status below 500 makes the gateway unready."""
    for status in (400, 402, 403, 404, 413, 422, 429):
        sandbox.state.faults.add("status", "chat", status=status)
        assert (await chat(gateway.url)).status >= 400
        assert (await see(gateway.url, "/readyz"))[0] == 200


async def test_asked_when_idle_only(sandbox: Sandbox, start_gateway: GatewayStarter, chat: Chat) -> None:
    """While requests come GigaChat is not asked; when none has come for a while it is, about once in that time."""
    gateway = await start_gateway(times=UpstreamTimes(idle=0.4, monitor_tick=0.02))
    sandbox.state.requests.clear()
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        assert (await chat(gateway.url)).status == 200
        await asyncio.sleep(0.02)
    assert sandbox.state.requests.of("models") == []
    await asyncio.sleep(1.0)
    assert len(sandbox.state.requests.of("models")) in {1, 2}


async def test_a_silent_gigachat_is_asked_for_a_short_time(
    sandbox: Sandbox, start_gateway: GatewayStarter, events: Events
) -> None:
    """The gateway's own question has a short end, however long an answer may take: silence is noticed."""
    sandbox.state.faults.add("slow", "models", times=None, seconds=5)
    await start_gateway(ready=False, times=UpstreamTimes(small_request=0.2))
    await eventually(lambda: bool(events("GigaChat is gone")), 2)


class Heard:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def became_unavailable(self, detail: str) -> None:
        """GigaChat went."""
        self.words.append(f"gone: {detail}")

    def became_available(self, seconds: float | None) -> None:
        """GigaChat came."""
        self.words.append("here" if seconds is None else "back")


def test_told_once() -> None:
    """Each change is told once; the last cause is kept for health."""
    heard = Heard()
    beat = HealthMonitor(heard)
    beat.mark_available()
    beat.mark_available()
    beat.mark_unavailable("first")
    beat.mark_unavailable("second")
    assert (beat.available, beat.detail) == (False, "second")
    beat.mark_available()
    assert (beat.available, beat.detail) == (True, None)
    assert heard.words == ["here", "gone: first", "back"]


@timeless
async def test_an_hour_of_absence() -> None:
    """Asked at once, each second at first, later each 10 seconds; a bug in asking ends no task."""
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    asked: list[float] = []
    beat = HealthMonitor(Heard(), clock=now)

    async def ask() -> None:
        asked.append(now())
        if len(asked) == 3:
            raise RuntimeError("a bug")
        beat.mark_unavailable("no answer")

    task = asyncio.create_task(beat.run(ask))
    await asyncio.sleep(3600)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    gaps = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert asked[0] == 0
    assert gaps[:9] == [pytest.approx(1, abs=0.51)] * 9
    assert all(9.9 <= gap <= 10.6 for gap in gaps[14:])
    assert 330 < len(asked) < 385
