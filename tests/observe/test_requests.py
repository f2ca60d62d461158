"""Each request is told once: one line with its fields, one count, the tokens, the times, a level by whose fault."""

from __future__ import annotations

from collections import Counter
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY

from app.sandbox import server
from tests.dropped import DROPPED, DROPPED_NAME
from tests.running import GatewayStarter, Running, eventually

CHAT = "/v1/chat/completions"
SAY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "sandbox:say Привет"}]}
STREAM = {**SAY, "stream": True}


def samples(*names: str) -> Counter[tuple[str, ...]]:
    """The values of some families of this process, by name and sorted labels."""
    found: Counter[tuple[str, ...]] = Counter()
    for family in REGISTRY.collect():
        for one in family.samples:
            name = one.name.removeprefix("gpt2giga_proxy_")
            if name in names:
                found[(name, *(value for _, value in sorted(one.labels.items())))] = one.value  # type: ignore[assignment]
    return found


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The log lines of finished requests, with their level."""
    return [
        {"level": record.levelname, **record.__dict__["gateway_fields"]}
        for record in caplog.records
        if record.getMessage() == "request"
    ]


# id, path, method, body, the fault at GigaChat -> status, wire status, stream, error_type, slo, endpoint, level
CASES: list[Any] = [
    pytest.param(CHAT, "POST", SAY, None, (200, 200, None, "good", "chat", "INFO"), id="whole"),
    pytest.param(CHAT, "POST", STREAM, None, (200, 200, None, "good", "chat", "INFO"), id="stream"),
    pytest.param("/v1/models", "GET", None, None, (200, 200, None, "good", "models", "INFO"), id="models"),
    pytest.param(
        "/v1/embeddings",
        "POST",
        {"model": "text-embedding-3-small", "input": "x"},
        None,
        (200, 200, None, "good", "embeddings", "INFO"),
        id="embeddings",
    ),
    pytest.param(
        CHAT, "POST", {"model": "x"}, None, (400, 400, "invalid_request", "excluded", "chat", "INFO"), id="a mistake"
    ),
    pytest.param("/v1/x", "GET", None, None, (404, 404, "not_found", "excluded", "other", "INFO"), id="unknown URL"),
    pytest.param(CHAT, "PUT", SAY, None, (405, 405, "not_found", "excluded", "other", "INFO"), id="method"),
    pytest.param(
        CHAT,
        "POST",
        SAY,
        {"kind": "status", "status": 500},
        (502, 502, "upstream_5xx", "bad", "chat", "ERROR"),
        id="GigaChat failed",
    ),
    pytest.param(
        CHAT,
        "POST",
        STREAM,
        {"kind": "status", "status": 429},
        (429, 429, "upstream_429", "bad", "chat", "ERROR"),
        id="GigaChat is full",
    ),
    pytest.param(
        CHAT,
        "POST",
        STREAM,
        {"kind": "cut", "after": 1},
        (502, 200, "stream_truncated", "bad", "chat", "ERROR"),
        id="cut in the middle",
    ),
]


@pytest.mark.parametrize(("path", "method", "body", "fault", "expected"), CASES)
async def test_each_request_is_told_once(
    gateway: Running,
    sandbox: server.Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    path: str,
    method: str,
    body: dict[str, Any] | None,
    fault: dict[str, Any] | None,
    expected: tuple[int, int, str | None, str, str, str],
) -> None:
    """One line, one count by what happened, be the wire's status another; a client's mistake is no error."""
    status, wire, error_type, slo, endpoint, level = expected
    caplog.set_level("INFO", "gpt2giga")
    names = ("requests_total", "errors_total", "slo_events_total", "request_duration_seconds_count")
    before = samples(*names)
    if fault is not None:
        sandbox.state.faults.add(**fault, where="chat")
    async with http.request(method, gateway.url + path, json=body) as response:
        assert response.status == wire
        await response.read()
        request_id = response.headers["x-request-id"]
    await eventually(lambda: len(lines(caplog)) == 1)
    line = lines(caplog)[0]
    assert (line["status"], line["wire_status"], line.get("error_type")) == (status, wire, error_type)
    assert (line["level"], line["request_id"], line["method"]) == (level, request_id, method)
    stream = "true" if line["stream"] else "false"
    added: dict[tuple[str, ...], int] = {
        ("requests_total", str(status), endpoint, stream): 1,
        ("request_duration_seconds_count", endpoint, stream): 1,
        ("slo_events_total", slo, "availability"): 1,
    }
    if error_type is not None:
        added["errors_total", endpoint, error_type] = 1
    if line["stream"]:  # a refusal at once had no time to be late
        added["slo_events_total", "excluded" if status == 429 else "good", "ttft"] = 1
    assert samples(*names) - before == added
    assert samples("in_flight_requests")["in_flight_requests", endpoint] == 0


async def test_the_line_of_a_stream_has_all_fields(
    gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Ids, the route's template, both names of the model, durations, tokens, the notes: what an operator asks first."""
    caplog.set_level("INFO", "gpt2giga")
    headers = {"X-Request-ID": "client-7П", "X-Tenant-ID": "bot"}
    body = {**STREAM, **DROPPED}
    async with http.post(f"{gateway.url}{CHAT}?trace=1", json=body, headers=headers) as response:
        await response.read()
    await eventually(lambda: len(lines(caplog)) == 1)
    line = lines(caplog)[0]
    exact = {
        "client_request_id": "client-7",
        "route": CHAT,
        "tenant": "bot",
        "model_asked": "gpt-4o",
        "model": "GigaChat",
        "stream": True,
        "upstream_status": 200,
        "tries": 1,
        "finish": "stop",
        "dropped": DROPPED_NAME,
    }
    assert {name: line[name] for name in exact} == exact
    assert line["prompt_tokens"] > 0
    assert line["completion_tokens"] > 0
    assert 0 < line["first_token_seconds"] <= line["seconds"]
    assert 0 < line["upstream_seconds"] <= line["seconds"]


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/models/GigaChat-2-Max?x=1", "/v1/models/{model}"),
        ("/models/any/name/with/slashes", "/models/{model}"),
        ("/wp-login.php?key=1", "other"),
    ],
)
async def test_the_route_is_a_template(
    gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, path: str, route: str
) -> None:
    """Never the raw path and never the query: a scanner's words do not reach the log."""
    caplog.set_level("INFO", "gpt2giga")
    async with http.get(gateway.url + path):
        await eventually(lambda: len(lines(caplog)) == 1)
    assert lines(caplog)[0]["route"] == route


async def test_probes_are_told_nowhere(
    gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """/metrics, /health, /livez, /readyz and / make no line and no count."""
    caplog.set_level("DEBUG", "gpt2giga")
    before = samples("requests_total", "slo_events_total")
    for path in ("/", "/health", "/livez", "/readyz", "/metrics"):
        async with http.get(gateway.url + path) as response:
            assert response.status == 200
    assert samples("requests_total", "slo_events_total") == before
    assert lines(caplog) == []


@pytest.mark.parametrize("stream", [True, False])
async def test_tokens_are_counted_by_type_model_and_tenant(
    gateway: Running, sandbox: server.Running, http: aiohttp.ClientSession, stream: bool
) -> None:
    """As GigaChat counted: the counters move by the answer's usage; a tenant that names itself is `other`."""
    before = samples("tokens_total")
    body = {**SAY, "model": "GigaChat-2-Pro", "stream": stream}
    seen = []
    for _ in range(2):  # the second one finds its prompt cached
        async with http.post(gateway.url + CHAT, json=body, headers={"X-Tenant-ID": "bot"}) as response:
            await response.read()
            seen.append(response.status)
    async with http.post(gateway.url + CHAT, json={**body, "stream": False}) as response:
        usage = (await response.json())["usage"]
    assert seen == [200, 200]
    added = samples("tokens_total") - before
    assert added["tokens_total", "GigaChat-2-Pro", "other", "prompt"] == 2 * usage["prompt_tokens"]
    assert added["tokens_total", "GigaChat-2-Pro", "other", "completion"] == 2 * usage["completion_tokens"]
    assert added["tokens_total", "GigaChat-2-Pro", "default", "prompt"] == usage["prompt_tokens"]
    assert set(added) <= {
        ("tokens_total", "GigaChat-2-Pro", tenant, kind)
        for tenant in ("other", "default")
        for kind in ("prompt", "completion", "cached")
    }


async def test_the_first_token_is_timed_in_streams_alone(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """From the arrival to the first word, GigaChat's silence in it; a whole answer has no first token."""
    gateway = await start_gateway()
    names = ("time_to_first_token_seconds_count", "time_to_first_token_seconds_sum", "stream_chunks_total")
    before = samples(*names)
    content = "sandbox:wait 0.2\nsandbox:long 3"
    for stream in (True, False):
        body = {"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": content}]}
        async with http.post(gateway.url + CHAT, json=body) as response:
            await response.read()
    added = samples(*names) - before
    assert added["time_to_first_token_seconds_count", "GigaChat"] == 1
    assert 0.2 <= added["time_to_first_token_seconds_sum", "GigaChat"] < 0.5
    assert added["stream_chunks_total", "chat"] >= 4
