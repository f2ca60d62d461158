"""The waits between a stream's pieces: GigaChat's alone, one for each read, not the first and not the client's."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from prometheus_client import REGISTRY

from app.observe.gaps import Gaps
from app.sandbox import server
from tests.running import GatewayStarter, Running, SandboxStarter, eventually
from tests.watching import CHAT, asking, lines


def waits(model: str = "GigaChat") -> tuple[float, float]:
    """How many waits were counted, and their seconds."""
    found = [
        REGISTRY.get_sample_value(f"gpt2giga_proxy_inter_chunk_seconds_{part}", {"model": model})
        for part in ("count", "sum")
    ]
    return found[0] or 0.0, found[1] or 0.0


def test_the_longest_is_kept() -> None:
    """Beside the count and the sum."""
    gaps = Gaps()
    for seconds in (0.01, 0.5, 0.02):
        gaps.add(seconds)
    assert (sum(gaps.counts), gaps.longest) == (3, 0.5)
    assert gaps.total == pytest.approx(0.53)


async def test_a_stall_is_seen(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """A pause in the middle is a wait; the time to the first word is none."""
    caplog.set_level("INFO", "gpt2giga")
    before = waits()
    sandbox.state.faults.add("slow", where="chat", seconds=1.5)
    sandbox.state.faults.add("stall", where="chat", after=2, seconds=0.3)
    async with http.post(gateway.url + CHAT, json=asking("sandbox:long 6", stream=True)) as response:
        await response.read()
    await eventually(lambda: len(lines(caplog)) == 1)
    count, seconds = waits()
    assert count > before[0]
    assert 0.25 <= seconds - before[1] < 1.5
    assert 0.25 <= lines(caplog)[0]["longest_gap_seconds"] < 1.5


@pytest.mark.long
async def test_a_client_that_reads_slowly_is_not_gigachats_gap(
    start_sandbox: SandboxStarter, start_gateway: GatewayStarter, caplog: pytest.LogCaptureFixture
) -> None:
    """While the gateway waits for its client GigaChat's words pile up: that is no wait for them."""
    caplog.set_level("INFO", "gpt2giga")
    upstream = await start_sandbox(oauth_per_second=0)
    gateway = await start_gateway(upstream)
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector, read_bufsize=1024) as http:
        body = asking("sandbox:long 60000", stream=True)
        async with http.post(gateway.url + CHAT, json=body) as response:
            await response.content.readany()
            await asyncio.sleep(2)
            while await response.content.readany():
                pass
    await eventually(lambda: len(lines(caplog)) == 1)
    assert lines(caplog)[0]["longest_gap_seconds"] < 1.5
