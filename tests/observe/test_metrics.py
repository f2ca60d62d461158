"""The metric families over real sockets: names, types, labels and buckets are contracts; series stay few."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import REGISTRY
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from app import errors
from app.observe import labels, metrics
from app.observe.balances import BalanceObserver
from app.sandbox import server
from tests.dropped import DROPPED
from tests.running import Running

PREFIX = "gpt2giga_proxy_"
LATENCY = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 45, 60, 90, 120, 180, 300, 600)
FIRST_TOKEN = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 13, 20, 30, 60)
OVERHEAD = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
REFRESH = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30)
BODY = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
GAPS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 10)
QUEUE = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60)
LAG = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1)
TOKENS = (16, 64, 128, 256, 512, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 65_000, 131_000)

# name without the prefix and `_total` -> type, labels, buckets
FAMILIES: dict[str, tuple[str, set[str], tuple[float, ...]]] = {
    "requests": ("counter", {"endpoint", "stream", "code"}, ()),
    "request_duration_seconds": ("histogram", {"endpoint", "stream"}, LATENCY),
    "overhead_seconds": ("histogram", {"endpoint", "stream"}, OVERHEAD),
    "request_body_bytes": ("histogram", {"endpoint"}, BODY),
    "errors": ("counter", {"endpoint", "error_type"}, ()),
    "in_flight_requests": ("gauge", {"endpoint"}, ()),
    "upstream_requests": ("counter", {"operation", "code", "credential"}, ()),
    "upstream_duration_seconds": ("histogram", {"operation", "model"}, LATENCY),
    "time_to_first_token_seconds": ("histogram", {"model"}, FIRST_TOKEN),
    "upstream_time_to_first_token_seconds": ("histogram", {"model"}, FIRST_TOKEN),
    "inter_chunk_seconds": ("histogram", {"model"}, GAPS),
    "stream_aborts": ("counter", {"endpoint", "side"}, ()),
    "stream_chunks": ("counter", {"endpoint"}, ()),
    "stream_keepalives": ("counter", {"endpoint"}, ()),
    "tokens": ("counter", {"type", "model", "tenant"}, ()),
    "request_tokens": ("histogram", {"type"}, TOKENS),
    "abort_usage": ("counter", {"method"}, ()),
    "usage_capture_ratio": ("gauge", set(), ()),
    "balance_tokens": ("gauge", {"model", "credential"}, ()),
    "balance_exhaustion_seconds": ("gauge", {"model"}, ()),
    "token_refresh": ("counter", {"credential", "result", "reason"}, ()),
    "token_refresh_duration_seconds": ("histogram", {"credential"}, REFRESH),
    "token_expiry_timestamp_seconds": ("gauge", {"credential", "source"}, ()),
    "token_last_success_timestamp_seconds": ("gauge", {"credential"}, ()),
    "token_source": ("gauge", {"credential", "source"}, ()),
    "token_consecutive_failures": ("gauge", {"credential"}, ()),
    "credential_up": ("gauge", {"credential"}, ()),
    "credential_state": ("gauge", {"credential", "state"}, ()),
    "bodies_bytes": ("gauge", set(), ()),
    "event_loop_lag_seconds": ("histogram", set(), LAG),
    "gc_pause_seconds": ("histogram", {"generation"}, LAG),
    "connections": ("gauge", {"port"}, ()),
    "connections_limit": ("gauge", {"port"}, ()),
    "connections_closed": ("counter", {"port", "cause"}, ()),
    "consecutive_failures": ("gauge", set(), ()),
    "upstream_up": ("gauge", {"component"}, ()),
    "retries": ("counter", {"reason", "outcome"}, ()),
    "queue_depth": ("gauge", {"tenant"}, ()),
    "queue_wait_seconds": ("histogram", {"outcome"}, QUEUE),
    "queue_oldest_wait_seconds": ("gauge", set(), ()),
    "limit_rejections": ("counter", {"tenant", "kind"}, ()),
    "credential_in_flight": ("gauge", {"credential"}, ()),
    "credential_stream_limit": ("gauge", {"credential"}, ()),
    "circuit_state": ("gauge", {"component", "model"}, ()),
    "idempotent_replays": ("counter", {"result"}, ()),
    "idempotency_bytes": ("gauge", set(), ()),
    "leaked_calls": ("counter", {"model"}, ()),
    "dropped_params": ("counter", {"endpoint", "param"}, ()),
    "slo_events": ("counter", {"slo", "result"}, ()),
    "certificate_expiry_timestamp_seconds": ("gauge", {"name"}, ()),
    "fallback_usable": ("gauge", set(), ()),
    "build_info": ("gauge", {"version"}, ()),
    "config_info": ("gauge", {"hash"}, ()),
    "log_lines_dropped": ("counter", set(), ()),
    "label_overflow": ("counter", {"label"}, ()),
}

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CALLING = {"messages": [{"role": "user", "content": "sandbox:call look {}"}], "tools": [TOOL]}


async def scraped(http: aiohttp.ClientSession, gateway: Running) -> dict[str, Metric]:
    """The gateway's own families, as Prometheus reads them."""
    async with http.get(f"{gateway.url}/metrics") as response:
        assert response.status == 200
        text = await response.text()
    found = {family.name: family for family in text_string_to_metric_families(text)}
    return {name.removeprefix(PREFIX): family for name, family in found.items() if name.startswith(PREFIX)}


async def chat(http: aiohttp.ClientSession, gateway: Running, **more: object) -> int:
    """One chat request, read to its end; the status."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "sandbox:say да"}], **more}
    async with http.post(f"{gateway.url}/v1/chat/completions", json=body) as response:
        await response.read()
        return response.status


async def test_every_family_has_its_name_type_labels_and_buckets(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """What the table of the contract says of a family is what a scrape shows, and no family is beside the table."""
    assert await chat(http, gateway) == await chat(http, gateway, stream=True) == 200
    assert await chat(http, gateway, **DROPPED) == 200
    sandbox.state.faults.add("call_leaked", "chat")
    assert await chat(http, gateway, **CALLING) == 200
    shared = metrics.shared()
    BalanceObserver(shared, "default").record_packages([("GigaChat", 1.0)])
    shared.queue_depth.labels("default")
    shared.circuits.labels("api", "other")
    for slots in (shared.slots_in_use, shared.slots_limit):
        slots.labels("default")
    found = await scraped(http, gateway)
    assert set(found) == set(FAMILIES)
    for name, (kind, names, buckets) in FAMILIES.items():
        family = found[name]
        assert family.type == kind, name
        assert {label for one in family.samples for label in one.labels} - {"le"} == names, name
        bounds = {float(one.labels["le"]) for one in family.samples if "le" in one.labels} - {float("inf")}
        assert sorted(bounds) == list(buckets), name
        assert not any(one.name.endswith("_created") for one in family.samples), name


def test_the_page_for_operators_has_every_family() -> None:
    """docs/metrics.md names each with its type and labels, and no other: dashboards are built from it."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z_]+)` \| (counter|gauge|histogram) \| ([a-z_, ]*)\|", text, re.MULTILINE)
    documented = {
        name.removesuffix("_total"): (kind, {label.strip() for label in names.split(",")} - {""})
        for name, kind, names in rows
    }
    assert documented == {name: (kind, names) for name, (kind, names, _) in FAMILIES.items()}
    assert {name for name, kind, _ in rows if kind == "counter"} == {
        f"{name}_total" for name, (kind, _, _) in FAMILIES.items() if kind == "counter"
    }


def test_the_page_for_operators_has_every_value() -> None:
    """The fixed domains of labels stand there too."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text("utf-8")
    table = text.partition("## Labels")[2].partition("## Objectives")[0]
    rows = dict(re.findall(r"^\| (\w+) \| (.*) \|$", table, re.MULTILINE))
    for name, domain in {
        "endpoint": labels.ENDPOINTS,
        "operation": labels.OPERATIONS,
        "source": labels.TOKEN_SOURCES,
        "side": labels.ABORT_SIDES,
        "type": labels.TOKEN_TYPES,
        "method": labels.USAGE_METHODS,
        "state": labels.CREDENTIAL_STATES,
        "slo": labels.OBJECTIVES,
        "generation": labels.GENERATIONS,
        "reason": labels.RETRY_REASONS,
        "outcome": (*labels.RETRY_OUTCOMES, *labels.QUEUE_OUTCOMES),
        "kind": labels.LIMIT_KINDS,
        "tenant": labels.TENANTS,
    }.items():
        assert tuple(re.findall(r"`(\w+)`", rows[name]))[: len(domain)] == domain, name


async def test_what_is_known_beforehand_starts_at_zero(gateway: Running, http: aiohttp.ClientSession) -> None:
    """An alert on an increase needs the 0 before the first event: each series of fixed labels is there at once."""
    found = await scraped(http, gateway)

    def values(name: str, label: str, **fixed: str) -> set[str]:
        return {
            one.labels[label]
            for one in found[name].samples
            if not one.name.endswith(("_bucket", "_sum")) and fixed.items() <= one.labels.items()
        }

    endpoints = {"chat", "embeddings", "models", "other"}
    assert values("errors", "error_type", endpoint="chat") == set(errors.ERROR_TYPES)
    assert values("errors", "endpoint") == values("in_flight_requests", "endpoint") == endpoints
    assert {"200", "499", "500", "502", "503", "504", "429", "other"} <= values("requests", "code", endpoint="chat")
    assert values("requests", "endpoint", stream="false") == values("overhead_seconds", "endpoint") == endpoints
    assert values("requests", "stream", endpoint="chat") == {"true", "false"}
    assert values("stream_aborts", "side") == {"client", "upstream", "idle_timeout", "shutdown"}
    assert values("slo_events", "slo") == {"availability", "ttft", "token"}
    assert values("slo_events", "result", slo="token") == {"good", "bad", "excluded"}
    assert values("request_tokens", "type") == {"prompt", "completion", "cached"}
    assert values("abort_usage", "method") == {"upstream", "counted", "estimated", "none"}
    assert values("credential_state", "state") == {"active", "dead"}
    assert "balance" in values("upstream_requests", "operation")
    assert values("token_source", "source") == {"oauth", "password", "mtls", "ready", "none"}
    assert values("token_refresh", "result") == {"success", "failure"}
    assert values("token_refresh", "reason") == {"startup", "scheduled", "unauthorized"}
    assert values("gc_pause_seconds", "generation") == {"0", "1", "2"}
    reasons = {"stale", "unauthorized", "forbidden", "rate_limit", "server_error", "connect", "timeout", "cut"}
    assert values("retries", "reason") == reasons
    assert values("retries", "outcome") == {"success", "failure"}
    assert values("queue_wait_seconds", "outcome") == {"admitted", "timeout", "abandoned", "rejected"}
    assert values("limit_rejections", "tenant") == {"default", "other"}
    assert values("limit_rejections", "kind") == {"queue_full"}
    assert values("label_overflow", "label") == {"model", "code", "credential", "param"}
    assert values("stream_chunks", "endpoint") == values("stream_keepalives", "endpoint") == {"chat"}


async def test_models_of_the_catalog_are_labels_and_strangers_are_counted(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A model that GigaChat lists is named; one that it refuses is `other`, and the overflow counter moves."""

    def overflow() -> float:
        return REGISTRY.get_sample_value(f"{PREFIX}label_overflow_total", {"label": "model"}) or 0.0

    before = overflow()
    assert await chat(http, gateway, model="GigaChat-2-Max") == 200
    assert await chat(http, gateway, model="nobody-knows-this") == 404
    assert overflow() == before + 1
    found = {one.labels["model"] for one in (await scraped(http, gateway))["upstream_duration_seconds"].samples}
    assert {"GigaChat-2-Max", "other"} <= found
    assert "nobody-knows-this" not in found


@pytest.mark.parametrize("status", [402, 403, 422, 423, 429, 500, 503])
def test_statuses_of_gigachat_that_operators_watch_are_named(status: int) -> None:
    """Those that dashboards and alerts ask for keep their number."""
    assert metrics.shared().code(status) == str(status)


def test_a_strange_status_is_other_and_counted() -> None:
    """A number outside the domain does not become a series."""
    before = REGISTRY.get_sample_value(f"{PREFIX}label_overflow_total", {"label": "code"}) or 0.0
    assert metrics.shared().code(799) == "other"
    assert REGISTRY.get_sample_value(f"{PREFIX}label_overflow_total", {"label": "code"}) == before + 1


@pytest.mark.parametrize(
    ("accept", "content_type", "end"),
    [
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text", "# EOF\n"),
        ("text/plain", "text/plain", ""),
        ("*/*", "text/plain", ""),
    ],
)
async def test_the_format_is_negotiated(
    gateway: Running, http: aiohttp.ClientSession, accept: str, content_type: str, end: str
) -> None:
    """OpenMetrics for those who ask for it, Prometheus's text for all others."""
    async with http.get(f"{gateway.url}/metrics", headers={"Accept": accept}) as response:
        text = await response.text()
    assert response.content_type == content_type
    assert text.endswith(end)
    assert text.endswith("# EOF\n") is bool(end)
    assert f"# TYPE {PREFIX}requests" in text
