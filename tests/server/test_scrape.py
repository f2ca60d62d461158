"""/metrics is written beside the event loop: a scrape, and a flood of them, holds up no stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.server import scrape
from tests.running import Running


class Slow(Collector):
    """A family that takes its time; knows how many are reading it at once, and have read it."""

    def __init__(self) -> None:
        self.reading = self.most = self.read = 0

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing beforehand."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One value, late."""
        self.reading += 1
        self.most = max(self.most, self.reading)
        time.sleep(0.2)
        self.reading -= 1
        self.read += 1
        yield GaugeMetricFamily("slow_family", "What takes long.", value=1)


@pytest.fixture
def slow() -> Iterator[Slow]:
    """Registered for the time of the test."""
    collector = Slow()
    REGISTRY.register(collector)
    yield collector
    REGISTRY.unregister(collector)


async def test_streams_go_on_meanwhile(gateway: Running, http: aiohttp.ClientSession, slow: Slow) -> None:
    """While the text is written the loop serves others."""

    async def scraped() -> str:
        async with http.get(f"{gateway.url}/metrics") as response:
            return await response.text()

    scraping = asyncio.create_task(scraped())
    served = 0
    while not scraping.done():
        async with http.get(f"{gateway.url}/livez") as response:
            assert response.status == 200
        served += not scraping.done()
    assert "slow_family 1.0" in await scraping
    assert served >= 3


async def test_a_flood_takes_one_thread(gateway: Running, http: aiohttp.ClientSession, slow: Slow) -> None:
    """However many scrape at once, they are answered one after another, all of them."""

    async def scraped() -> int:
        async with http.get(f"{gateway.url}/metrics") as response:
            await response.read()
            return response.status

    assert await asyncio.gather(*(scraped() for _ in range(4))) == [200] * 4
    assert slow.most == 1


async def test_a_flood_of_those_that_hang_up_takes_one_thread_too(
    gateway: Running, http: aiohttp.ClientSession, slow: Slow
) -> None:
    """What a scraper left behind is written to its end before the next begins; what has not begun never is."""
    for _ in range(4):
        scraper = asyncio.create_task(http.get(f"{gateway.url}/metrics"))
        await asyncio.sleep(0.05)
        scraper.cancel()
        await asyncio.gather(scraper, return_exceptions=True)
    async with http.get(f"{gateway.url}/metrics") as response:
        assert response.status == 200
    assert slow.most == 1
    assert slow.read <= 3


async def test_more_than_a_bound_do_not_wait(
    gateway: Running, http: aiohttp.ClientSession, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are told so at once; when the others have their answers, there is room again."""
    monkeypatch.setattr(scrape, "MOST_WAITING", 2)

    async def scraped() -> int:
        async with http.get(f"{gateway.url}/metrics") as response:
            await response.read()
            return response.status

    assert sorted(await asyncio.gather(*(scraped() for _ in range(4)))) == [200, 200, 503, 503]
    assert await scraped() == 200


async def test_a_handler_that_waits_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should prometheus-async's handler ever await something, that is a loud bug and no hanging scrape."""

    async def waiting(_: web.Request) -> web.Response:
        await asyncio.sleep(0)
        return web.Response()

    monkeypatch.setattr(scrape, "server_stats", waiting)
    with pytest.raises(RuntimeError, match="waits"):
        await scrape.Scrape().get(make_mocked_request("GET", "/metrics"))
