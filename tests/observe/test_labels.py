"""Series stay few: domains are bounded in code, whatever a scanner sends, and all of them full are under the cap."""

from __future__ import annotations

import asyncio
import random
import re
import string
from collections.abc import Iterator
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from app.errors import ERROR_TYPES, STATUSES
from app.observe import labels
from app.observe.balances import BalanceObserver
from app.observe.credentials import CredentialObserver
from app.observe.gaps import Gaps
from app.observe.metrics import Metrics
from app.observe.request_record import Tokens
from app.observe.requests import RequestObserver
from app.observe.upstream import UpstreamObserver
from tests.observe.test_metrics import scraped
from tests.records import make_record
from tests.running import GatewayStarter, Running

CAP = 10_000
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")


def _filled(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every domain full and overflowing: more models, credentials, packages, params and statuses than there is room."""
    monkeypatch.setattr("app.observe.access_log.log_request", lambda *_: None)
    families = Metrics(registry)
    observer = RequestObserver(families)
    families.allow_models(f"model-{number}" for number in range(100))
    for number in range(40):
        upstream = UpstreamObserver(families, CredentialObserver(families, f"credential-{number}"), observer.streak)
        for source in labels.TOKEN_SOURCES:
            upstream.renewed(source, "startup", 1800, 0.1)
        BalanceObserver(families, f"credential-{number}").record_packages((f"package-{one}", 1.0) for one in range(100))
        for operation in labels.OPERATIONS:
            for code in (*STATUSES, *range(400, 600)):
                families.upstream_requests.labels(operation, families.code(code), upstream.credential)
    now = monotonic()
    shape: dict[str, Any] = {
        "body_bytes": 1,
        "upstream_started": now,
        "tokens": Tokens(1, 1, 1),
        "first_token": now,
        "gaps": Gaps(),
    }
    for endpoint in labels.ENDPOINTS:
        for number in range(100):
            for tenant in ("default", f"tenant-{number}"):
                record = make_record(
                    endpoint=endpoint, model=f"model-{number}", tenant=tenant, stream=number % 2 == 0, **shape
                )
                record.status, record.dropped_params = 400 + number, {f"param-{number}": 1}
                record.error_type = ERROR_TYPES[number % len(ERROR_TYPES)]
                record.aborted_by = labels.ABORT_SIDES[number % len(labels.ABORT_SIDES)]
                observer.report(record, "route", "POST")


def test_all_domains_full_are_under_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worst that settings, GigaChat and clients can do together."""
    registry = CollectorRegistry()
    _filled(registry, monkeypatch)
    series = sum(len(family.samples) for family in registry.collect())
    assert series < CAP * 0.95


def _words(seed: int) -> Iterator[str]:
    chance = random.Random(seed)
    while True:
        yield "".join(chance.choices(string.ascii_letters + string.digits, k=12))


async def _sent(gateway: Running, requests: list[bytes]) -> set[bytes]:
    """The statuses of requests that are sent over one connection, a hundred at a time without waiting."""
    parts = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    found: set[bytes] = set()
    for start in range(0, len(requests), 100):
        some, got = requests[start : start + 100], b""
        writer.write(b"".join(some))
        while len(statuses := _STATUS.findall(got)) < len(some):
            got += await reader.read(65536)
        found |= set(statuses)
    writer.close()
    return found


@pytest.mark.long
async def test_a_scanner_adds_next_to_no_series(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """10,000 paths and 10,000 keys that nobody knows, some with models, tenants and fields of their own invention."""
    caplog.set_level("WARNING", "gpt2giga")
    gateway, words = await start_gateway(), _words(1)
    async with http.post(f"{gateway.url}/v1/embeddings", json={"model": "Embeddings", "input": "x"}) as response:
        assert response.status == 200
    before = sum(len(family.samples) for family in (await scraped(http, gateway)).values())
    caplog.clear()
    paths = [
        f"GET /{next(words)}/{next(words)}.php?key={next(words)} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for _ in range(10_000)
    ]
    keys = [
        f"GET /v1/models/{next(words)} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {next(words)}\r\n"
        f"X-Request-ID: {next(words)}\r\nX-Tenant-ID: {next(words).lower()}\r\nUser-Agent: {next(words)}\r\n\r\n"
        for _ in range(10_000)
    ]
    for requests in (paths, keys):
        assert await _sent(gateway, [one.encode() for one in requests]) <= {b"200", b"404"}
    for _ in range(50):
        body = {"model": next(words), "messages": [{"role": "user", "content": "x"}], next(words): 1}
        headers = {"Authorization": f"Bearer {next(words)}", "X-Tenant-ID": next(words).lower()}
        async with http.post(f"{gateway.url}/v1/chat/completions", json=body, headers=headers) as response:
            assert response.status == 404
    after = sum(len(family.samples) for family in (await scraped(http, gateway)).values())
    assert after - before < 120
    assert after < CAP / 4
    assert not caplog.records
