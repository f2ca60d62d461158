"""Tries: which failures are tried again and how often, and what clients, logs and metrics see of it."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any, NamedTuple

import aiohttp
import pytest
from prometheus_client import REGISTRY

from app.exchange import tries
from app.exchange.failures import NO_CALL, BrokenAnswer, Failure, FileFailure, NoFirstEvent, NoJson, NoStream, Page
from app.exchange.tries import RETRY_PAUSES, Row, find_row
from app.sandbox import server
from app.translate.dialogue import Failed
from app.translate.gigachat.contract import UnreadableError
from app.upstream.failures import Cause, Refused, Unreachable
from app.upstream.tokens import NoToken
from tests.attaching import document, showing
from tests.running import GatewayStarter, Running
from tests.watching import CHAT, Reply, ask, asking, counted, saying, told

EMBEDDINGS = "/v1/embeddings"
FAMILY = "gpt2giga_proxy_retries_total"
REASONS = ("stale", "unauthorized", "forbidden", "rate_limit", "server_error", "connect", "timeout", "cut")


@pytest.fixture
def start_gateway(start_gateway: GatewayStarter) -> GatewayStarter:
    """Gateways that try again, in the times of every gateway's."""

    async def start(*upstream: server.Running, **changes: Any) -> Running:
        return await start_gateway(*upstream, **{"pauses": RETRY_PAUSES, "GPT2GIGA_QUEUE_SECONDS": "120", **changes})

    return start


def refused(status: int, body: bytes = b"{}") -> Refused:
    """GigaChat answered with this status."""
    return Refused(status, body, None)


def unreachable(cause: Cause) -> Unreachable:
    """There was no answer."""
    return Unreachable(cause, "why")


def broken(reason: Any, *, begun: bool = False) -> BrokenAnswer:
    """An answer that did not come to its end."""
    return BrokenAnswer(Failed(reason, ""), begun=begun)


NO_TOKEN = NoToken("no key", "set one", 1.0)
# A failure -> its row where the client gets a whole answer, and where it gets a stream if that is another.
ROWS: dict[str, tuple[Failure, Row | None] | tuple[Failure, Row | None, Row | None]] = {
    "429": (refused(429), tries.RATE_LIMITED),
    "500": (refused(500), tries.SERVER_ERROR_ONCE),
    **{str(status): (refused(status), tries.SERVER_ERROR) for status in (501, 502, 503, 504, 507, 520, 599)},
    "502, a page": (refused(502, b"<html>"), tries.SERVER_ERROR),
    **{str(status): (refused(status), None) for status in (301, 400, 401, 402, 403, 404, 413, 422, 423)},
    "404, a page": (refused(404, b"<html>"), None),
    "403, a stop": (refused(403, b'{"message":"temporarily unavailable due to technical reasons"}'), None),
    "connect": (unreachable("connect"), tries.CONNECT),
    "TLS": (unreachable("tls"), tries.CONNECT),
    "handshake": (unreachable("handshake"), tries.CONNECT),
    "DNS": (unreachable("dns"), tries.CONNECT),
    "a second dead connection": (unreachable("stale"), tries.CONNECT),
    "protocol": (unreachable("protocol"), tries.SERVER_ERROR),
    "cut": (unreachable("cut"), tries.CUT_ONCE),
    "time-out": (unreachable("timeout"), None, tries.SILENT),
    "no first event": (NoFirstEvent(1.0), tries.SILENT),
    "a page": (Page(), tries.SERVER_ERROR),
    "a stream that is cut before its first event": (broken("truncated"), tries.CUT),
    "an error in a stream before its first event": (broken("upstream"), tries.SERVER_ERROR_ONCE),
    "a stream that is cut later": (broken("truncated", begun=True), None),
    "an error later": (broken("upstream", begun=True), None),
    "the model failed": (broken("generation"), None),
    "no call": (BrokenAnswer(NO_CALL, begun=False), None),
    "no JSON": (NoJson(), None),
    "no stream": (NoStream(), None),
    "no answer": (UnreadableError("what"), None),
    "no token": (NO_TOKEN, None),
    "a file: 503": (FileFailure("p", refused(503)), tries.SERVER_ERROR),
    "a file: 429": (FileFailure("p", refused(429)), tries.RATE_LIMITED),
    "a file: 400": (FileFailure("p", refused(400)), None),
    "a file: connect": (FileFailure("p", unreachable("connect")), tries.CONNECT),
    "a file: no token": (FileFailure("p", NO_TOKEN), None),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_table(name: str) -> None:
    """What is tried again, and how often."""
    failure, whole, *streamed = ROWS[name]
    assert find_row(failure, reads_along=False) == whole
    assert find_row(failure, reads_along=True) == (streamed[0] if streamed else whole)


def retried() -> Counter[tuple[str, str]]:
    """The process's retries so far, by reason and outcome."""
    found: Counter[tuple[str, str]] = Counter()
    for reason, outcome in product(REASONS, ("success", "failure")):
        found[reason, outcome] = int(REGISTRY.get_sample_value(FAMILY, {"reason": reason, "outcome": outcome}) or 0)
    return found


class Case(NamedTuple):
    """What happens at GigaChat, and what comes of it: of one fault that is gone then, and of one that stays."""

    fault: dict[str, Any]
    calls: int  # upstream, while the fault stays
    status: int  # what the client gets then
    reason: str | None  # of each retry
    where: str = "whole stream embeddings"
    settings: dict[str, str] = {}  # noqa: RUF012 - nobody changes it


HTML = {"kind": "status", "status": 502, "html": True}
QUICK = {"GIGACHAT_TIMEOUT": "0.3"}
FIRST = {"GPT2GIGA_FIRST_BYTE_SECONDS": "0.3"}
CASES: dict[str, Case] = {
    "500": Case({"kind": "status", "status": 500}, 2, 502, "server_error"),
    "502": Case({"kind": "status", "status": 502}, 3, 502, "server_error"),
    "503": Case({"kind": "status", "status": 503}, 3, 502, "server_error"),
    "504": Case({"kind": "status", "status": 504}, 3, 502, "server_error"),
    "a page": Case(HTML, 3, 502, "server_error"),
    "a page with 200": Case({"kind": "html_200"}, 3, 502, "server_error"),
    "an error event": Case({"kind": "event_error", "after": 0}, 2, 502, "server_error", "stream"),
    "cut": Case({"kind": "cut"}, 2, 502, "cut", "whole embeddings"),
    "cut at once": Case({"kind": "cut", "after": 0}, 3, 502, "cut", "stream"),
    "reset at once": Case({"kind": "cut", "after": 0, "rst": True}, 3, 502, "cut", "stream"),
    "ends at once": Case({"kind": "end", "after": 0}, 3, 502, "cut", "stream"),
    "silence": Case({"kind": "slow", "seconds": 0.9}, 2, 504, "timeout", "stream", FIRST),
    "a read that takes too long": Case({"kind": "slow", "seconds": 0.9}, 2, 504, "timeout", "stream", QUICK),
    "a whole answer that takes too long": Case({"kind": "slow", "seconds": 0.9}, 1, 504, None, "whole", QUICK),
    "400": Case({"kind": "status", "status": 400}, 1, 400, None),
    "402": Case({"kind": "status", "status": 402}, 1, 429, None),
    "403": Case({"kind": "status", "status": 403}, 1, 502, None),
    "404": Case({"kind": "status", "status": 404}, 1, 404, None),
    "413": Case({"kind": "status", "status": 413}, 1, 400, None),
    "422": Case({"kind": "status", "status": 422}, 1, 400, None),
    "423": Case({"kind": "status", "status": 423}, 1, 503, None),
    "the model fails": Case({"kind": "call_missing"}, 1, 502, None, "whole stream"),
}
EACH = [f"{name}: {form}" for name, case in CASES.items() for form in case.where.split()]
SOON = [f"{name}: {form}" for name, form in product(("500", "503", "404"), ("whole", "stream", "embeddings"))]
SOON += ["an error event: stream", "cut: whole", "cut at once: stream", "silence: stream"]
SOON += ["a read that takes too long: stream", "a whole answer that takes too long: whole"]


async def send(http: aiohttp.ClientSession, gateway: Running, form: str) -> Reply:
    """One request of this form."""
    if form == "embeddings":
        return await ask(http, gateway, {"model": "Embeddings", "input": "x"}, path=EMBEDDINGS)
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    return await ask(http, gateway, asking("f", stream=form == "stream", tools=[tool]))


@pytest.mark.samples(*SOON)
@pytest.mark.parametrize("each", EACH)
async def test_a_fault_that_stays(
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    each: str,
) -> None:
    """The client gets the error of the last try; calls, log and metric tell the same number of tries."""
    caplog.set_level("INFO", "gpt2giga")
    name, _, form = each.rpartition(": ")
    case, place = CASES[name], "embeddings" if form == "embeddings" else "chat"
    gateway = await start_gateway(**case.settings)
    sandbox.state.faults.add(where=place, times=None, **case.fault)
    before = retried()
    reply = await send(http, gateway, form)
    assert reply.status == case.status, reply.text
    assert len(sandbox.state.requests.of(place)) == case.calls
    line = await told(caplog)
    retries = case.calls - 1
    assert (line["tries"], line.get("retries", 0)) == (case.calls, retries)
    assert dict(retried() - before) == ({(case.reason, "failure"): retries} if retries else {})
    assert (float(reply.headers["x-gateway-queue-ms"]) > 50) == (bool(retries) and case.reason != "timeout")
    assert gateway.gateway.credential.slots.in_use == 0


@pytest.mark.samples(*(name for name in SOON if name in EACH and CASES[name.rpartition(": ")[0]].reason))
@pytest.mark.parametrize("each", [name for name in EACH if CASES[name.rpartition(": ")[0]].reason])
async def test_a_fault_that_passes(
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    each: str,
) -> None:
    """The client gets its answer, once, and learns of nothing but the time."""
    caplog.set_level("INFO", "gpt2giga")
    name, _, form = each.rpartition(": ")
    case, place = CASES[name], "embeddings" if form == "embeddings" else "chat"
    gateway = await start_gateway(**case.settings)
    sandbox.state.faults.add(where=place, times=case.calls - 1, **case.fault)
    before = retried()
    reply = await send(http, gateway, form)
    assert (reply.status, "error" in reply.text) == (200, False), reply.text
    assert len(sandbox.state.requests.of(place)) == case.calls
    line = await told(caplog)
    assert (line["tries"], line["retries"]) == (case.calls, case.calls - 1)
    expected = Counter({(case.reason, "failure"): case.calls - 2, (case.reason, "success"): 1})
    assert retried() - before == +expected
    assert gateway.gateway.credential.slots.in_use == 0


@pytest.mark.parametrize("fault", [{"kind": "cut"}, {"kind": "end"}, {"kind": "event_error"}, {"kind": "stall"}])
async def test_never_after_the_first_event(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, fault: dict[str, Any]
) -> None:
    """Once a word has gone out, nothing is asked again: the stream ends with an error."""
    gateway = await start_gateway(**QUICK)
    sandbox.state.faults.add(where="chat", times=None, after=1, **fault)
    before = retried()
    reply = await ask(http, gateway, asking("sandbox:long 5", stream=True))
    assert reply.status == 200
    assert "error" in reply.events[-1] or "error" in reply.events[-2]
    assert len(sandbox.state.requests.of("chat")) == 1
    assert retried() == before


async def test_a_metric_as_a_scrape_sees_it(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """The family has reason and outcome."""
    before = await counted(http, gateway, FAMILY, "reason", outcome="success")
    sandbox.state.faults.add("status", where="chat", status=503)
    assert (await ask(http, gateway, saying("x"))).status == 200
    assert await counted(http, gateway, FAMILY, "reason", outcome="success") - before == {"server_error": 1}


async def test_nobody_listens(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, unused_port: int
) -> None:
    """A connection that can't be made is tried twice more, and costs nothing upstream."""
    caplog.set_level("INFO", "gpt2giga")
    gateway = await start_gateway(ready=False, GIGACHAT_BASE_URL=f"http://127.0.0.1:{unused_port}/v1")
    before = retried()
    reply = await ask(http, gateway, saying("x"))
    assert (reply.status, reply.error["code"]) == (502, "upstream_error")
    line = await told(caplog)
    assert (line["tries"], line["retries"]) == (3, 2)
    assert retried() - before == {("connect", "failure"): 2}


async def test_strict_mode_tries_again_too(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """It alters no request, and a try does not either."""
    sandbox.state.faults.add("status", where="chat", status=503)
    reply = await ask(http, gateway, saying("x"), path=CHAT, headers={"X-Gateway-Strict": "true"})
    assert reply.status == 200


async def test_connections_that_die(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """The idle connection's death costs nothing and is sent again at once; of new ones two more are tried."""
    caplog.set_level("INFO", "gpt2giga")
    sandbox.state.faults.add("down", where="chat", times=None)
    before = retried()
    reply = await ask(http, gateway, saying("x"))
    assert (reply.status, reply.error["code"]) == (502, "upstream_error")
    assert len(sandbox.state.requests.of("chat")) == (await told(caplog))["tries"] == 4
    assert retried() - before == {("stale", "failure"): 1, ("connect", "failure"): 2}


@pytest.mark.parametrize(("status", "limit", "reason"), [(429, 4, "rate_limit"), (503, 8, "server_error")])
async def test_an_upload_is_tried_again(
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    status: int,
    limit: int,
    reason: str,
) -> None:
    """A file's failure is its request's: the same table, and GigaChat's 429 says that there were too many."""
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY="8")
    sandbox.state.faults.add("status", where="files", status=status)
    before = retried()
    reply = await ask(http, gateway, showing(document(b"words", "a.txt")))
    assert reply.status == 200, reply.text
    assert [one.status for one in sandbox.state.requests.of("files")] == [status, 200]
    assert retried() - before == {(reason, "success"): 1}
    slots = gateway.gateway.credential.slots
    assert (slots.limit, slots.in_use) == (limit, 0)
