"""How the tokens of answers are known: whole, cut at a stop sequence, broken off; which request an exemplar names."""

from __future__ import annotations

import gc
from time import monotonic
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY, CollectorRegistry

from app.observe import metrics
from app.observe.metrics import Metrics
from app.observe.requests import RequestObserver
from app.sandbox import server
from tests.observe.test_requests import samples
from tests.records import make_record
from tests.running import Running, eventually
from tests.watching import CHAT, asking, saying


async def ask(http: aiohttp.ClientSession, gateway: Running, body: dict[str, Any]) -> str:
    """One request, read to its end or its break; its id."""
    async with http.post(gateway.url + CHAT, json=body) as response:
        await response.read()
        return response.headers["x-request-id"]


async def added(before: Any, *names: str, count: int = 1) -> Any:
    """What was counted since, once the requests have ended."""
    await eventually(lambda: sum((samples("requests_total") - before).values()) >= count)
    return samples(*names) - before


@pytest.mark.parametrize(
    ("body", "fault", "method"),
    [
        pytest.param(saying("x", stream=True), None, None, id="whole"),
        pytest.param(asking("sandbox:long 500", stop=["phrase 3"], stream=True), None, "counted", id="cut, a stream"),
        pytest.param(asking("sandbox:long 500", stop=["phrase 3"]), None, "counted", id="cut, whole"),
        pytest.param(asking("sandbox:long 5", stream=True), {"kind": "cut", "after": 2}, "counted", id="broken off"),
        pytest.param(saying("x"), {"kind": "status", "status": 500}, None, id="refused: nothing was spent"),
    ],
)
async def test_an_answer_that_was_cut_off(
    gateway: Running,
    sandbox: server.Running,
    http: aiohttp.ClientSession,
    body: dict[str, Any],
    fault: dict[str, Any] | None,
    method: str | None,
) -> None:
    """GigaChat counts what a stop sequence cut, and what broke off; whole answers do not count here."""
    if fault is not None:
        sandbox.state.faults.add(where="chat", **fault)
    before = samples("requests_total", "abort_usage_total")
    await ask(http, gateway, body)
    found = await added(before, "abort_usage_total")
    if fault is not None and method is not None:  # behind the answer
        await eventually(lambda: bool(samples("abort_usage_total") - before))
        found = samples("abort_usage_total") - before
    assert found == ({} if method is None else {("abort_usage_total", method): 1})


async def test_the_share_of_exact_usage(gateway: Running, http: aiohttp.ClientSession, sandbox: server.Running) -> None:
    """Answers with GigaChat's own usage to all answers; a refusal is no answer."""
    before = samples("requests_total")
    await ask(http, gateway, saying("x"))
    sandbox.state.faults.add("no_usage", where="chat")
    await ask(http, gateway, saying("x"))
    await ask(http, gateway, {"model": "x"})
    await ask(http, gateway, saying("x", stream=True))
    await ask(http, gateway, saying("x", stream=True))
    await added(before, count=5)
    assert REGISTRY.get_sample_value("gpt2giga_proxy_usage_capture_ratio") == 0.75


async def test_tokens_of_one_request(gateway: Running, http: aiohttp.ClientSession) -> None:
    """A histogram by type; one whose prompt was not cached tells no cached tokens."""
    before = samples("requests_total", "request_tokens_count", "request_tokens_sum", "tokens_total")
    await ask(http, gateway, saying("слово " * 50))
    await ask(http, gateway, saying("слово " * 50))
    found = await added(before, "request_tokens_count", "request_tokens_sum", "tokens_total", count=2)
    assert found["request_tokens_count", "prompt"] == found["request_tokens_count", "completion"] == 2
    assert found["request_tokens_count", "cached"] == 1
    for kind in ("prompt", "completion", "cached"):
        assert found["request_tokens_sum", kind] == found["tokens_total", "GigaChat", "default", kind] > 0


async def test_an_exemplar_names_a_failed_request(
    gateway: Running, sandbox: server.Running, http: aiohttp.ClientSession
) -> None:
    """From a spike in a graph to the line in the log: for whoever asks for OpenMetrics, and of failures alone."""
    good = await ask(http, gateway, saying("x"))
    sandbox.state.faults.add("status", where="chat", status=500)
    bad = await ask(http, gateway, saying("x"))
    async with http.get(f"{gateway.url}/metrics", headers={"Accept": "application/openmetrics-text"}) as response:
        text = await response.text()
    assert good not in text
    lines = [line for line in text.splitlines() if bad in line]
    assert {line.partition("{")[0] for line in lines} == {
        "gpt2giga_proxy_errors_total",
        "gpt2giga_proxy_request_duration_seconds_bucket",
    }
    async with http.get(f"{gateway.url}/metrics") as response:
        assert bad not in await response.text()


def test_names_of_fields_are_bounded() -> None:
    """However many rules there were, their series stay few."""
    observer, before = RequestObserver(metrics.shared()), samples("dropped_params_total")
    observer.report(make_record(endpoint="files", status=200, dropped_params={"seed": 2}), "/v1/files", "POST")
    assert samples("dropped_params_total") - before == {("dropped_params_total", "files", "seed"): 2}


def test_what_has_no_label_is_kept_nowhere() -> None:
    """Each request with a status or a model of its own counts as an overflow, and leaves nothing in the caches."""
    registry = CollectorRegistry()
    observer = RequestObserver(Metrics(registry))
    gc.collect()
    before = len(gc.get_objects())
    observer.metrics.allow_models(["GigaChat"])
    for number in range(500):
        for status, model in ((600 + number, "GigaChat"), (200, f"model-{number}"), (200, "GigaChat")):
            record = make_record(endpoint="chat", status=status, model=model, upstream_started=monotonic())
            observer.report(record, CHAT, "POST", quiet=True)
    name = "gpt2giga_proxy_label_overflow_total"
    assert [registry.get_sample_value(name, {"label": label}) for label in ("code", "model")] == [500, 500]
    gc.collect()
    assert len(gc.get_objects()) - before < 250
