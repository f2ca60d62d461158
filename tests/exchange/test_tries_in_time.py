"""Tries and the queue: back-off without a slot, GigaChat's 429, deadlines, the budget, circuits."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import aiohttp
import pytest

from app.admission.circuits import CircuitTimes
from app.admission.retry_budget import FLOOR
from app.exchange.tries import RETRY_PAUSES
from app.sandbox import server
from tests.exchange.test_tries import EMBEDDINGS, retried
from tests.running import GatewayStarter, Running, SandboxStarter, eventually
from tests.watching import Reply, ask, asking, saying, told

NEVER = CircuitTimes(attempts=1_000_000)
BUSY = {"kind": "status", "status": 429}


@pytest.fixture
def start_gateway(start_gateway: GatewayStarter) -> GatewayStarter:
    """Gateways that try again, in the times of every gateway's."""

    async def start(*upstream: server.Running, **changes: Any) -> Running:
        return await start_gateway(*upstream, **{"pauses": RETRY_PAUSES, "GPT2GIGA_QUEUE_SECONDS": "120", **changes})

    return start


def chats(sandbox: server.Running) -> list[tuple[str, int]]:
    """What chats GigaChat was sent, and with which status each was answered, in the order in which they ended."""
    done = sorted((one for one in sandbox.state.requests.of("chat") if one.ended), key=lambda one: one.ended or 0)
    return [(one.body["messages"][-1]["content"].removeprefix("sandbox:say "), one.status) for one in done]


async def ask_all(http: aiohttp.ClientSession, gateway: Running, *bodies: dict[str, Any], **more: Any) -> list[Reply]:
    """Requests of one moment."""
    return await asyncio.gather(*(ask(http, gateway, body, **more) for body in bodies))


def queue_ms(reply: Reply) -> float:
    """How long it waited for its turn, and between tries."""
    return float(reply.headers["x-gateway-queue-ms"])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [429, 503])
async def test_the_slot_is_free_during_the_back_off(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, status: int, stream: bool
) -> None:
    """On one slot another request gets through while the first one pauses, and the pause is GigaChat's."""
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY="1")
    sandbox.state.faults.add("status", where="chat", status=status, headers={"Retry-After": "1"})
    first = asyncio.create_task(ask(http, gateway, saying("first", stream=stream)))
    await eventually(lambda: len(chats(sandbox)) == 1)
    second = await ask(http, gateway, saying("second", stream=stream))
    assert not first.done()
    assert (await first).status == second.status == 200
    assert chats(sandbox) == [("first", status), ("second", 200), ("first", 200)]
    assert 1000 <= queue_ms(await first) < 2000
    assert queue_ms(second) < 500
    assert gateway.gateway.credential.slots.in_use == 0


async def test_a_request_that_waited_says_so(
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The wait is in the answer's header and in the log, and is neither GigaChat's time nor the gateway's."""
    caplog.set_level("INFO", "gpt2giga")
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY="1")
    first, second = await ask_all(http, gateway, *[asking("sandbox:wait 0.4")] * 2)
    quick, slow = sorted((first, second), key=queue_ms)
    assert quick.headers["x-gateway-queue-ms"] == "0.0"
    assert 300 < queue_ms(slow) < 1000
    assert 390 < float(slow.headers["x-gateway-upstream-ms"]) < 1000
    assert float(slow.headers["x-gateway-overhead-ms"]) < 100
    line = await told(caplog, 2)
    assert line["queue_seconds"] == pytest.approx(queue_ms(slow) / 1000, abs=0.01)
    assert "retries" not in line
    assert [one.status for one in sandbox.state.requests.of("chat")] == [200, 200]


@pytest.mark.parametrize("form", ["whole", "stream", "embeddings"])
async def test_429_goes_back_through_the_queue(
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    form: str,
) -> None:
    """However often GigaChat refuses, as long as there is time; the limit is lowered, and the client sees an answer."""
    caplog.set_level("INFO", "gpt2giga")
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY="8")
    before = retried()
    if form == "embeddings":
        sandbox.state.faults.add(where="embeddings", times=3, **BUSY)
        reply = await ask(http, gateway, {"model": "Embeddings", "input": "x"}, path=EMBEDDINGS)
    else:
        sandbox.state.faults.add(where="chat", times=3, **BUSY)
        reply = await ask(http, gateway, saying("x", stream=form == "stream"))
    assert (reply.status, "error" in reply.text) == (200, False)
    line = await told(caplog)
    assert (line["tries"], line["retries"]) == (4, 3)
    assert retried() - before == {("rate_limit", "failure"): 2, ("rate_limit", "success"): 1}
    assert (gateway.gateway.credential.slots.limit, gateway.gateway.credential.slots.in_use) == (1, 0)


@pytest.mark.parametrize("settings", [{"GPT2GIGA_QUEUE_SECONDS": "1"}, {}], ids=["the queue's", "the client's"])
async def test_429_until_the_time_is_up(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, settings: dict[str, str]
) -> None:
    """A request that GigaChat refuses all the time ends with that refusal, at its deadline or at the queue's."""
    gateway = await start_gateway(**settings)
    sandbox.state.faults.add(where="chat", times=None, **BUSY)
    begun = monotonic()
    headers = {} if settings else {"X-Request-Deadline-Ms": "1000"}
    reply = await ask(http, gateway, saying("x"), headers=headers)
    assert (reply.status, reply.error["code"]) == (429, "rate_limit_exceeded")
    assert 0.3 <= monotonic() - begun < 1.5  # the shortest two pauses, and a third that would outlast the time
    assert 2 <= len(sandbox.state.requests.of("chat")) <= 6


async def test_a_pause_that_outlasts_the_deadline_is_not_begun(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """The client hears at once what it would hear later."""
    gateway = await start_gateway()
    sandbox.state.faults.add(where="chat", headers={"Retry-After": "60"}, **BUSY)
    begun = monotonic()
    reply = await ask(http, gateway, saying("x"), headers={"X-Request-Deadline-Ms": "4000"})
    assert (reply.status, reply.headers["Retry-After"]) == (429, "60")
    assert monotonic() - begun < 1
    assert len(sandbox.state.requests.of("chat")) == 1


@pytest.mark.long
async def test_a_long_retry_after_is_shortened(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """A client that has time waits for five seconds at most, and asks again."""
    gateway = await start_gateway()
    sandbox.state.faults.add(where="chat", headers={"Retry-After": "60"}, **BUSY)
    reply = await ask(http, gateway, saying("x"))
    assert reply.status == 200
    assert 5000 <= queue_ms(reply) < 6000


async def test_429s_cost_no_retry_of_the_budget(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """They are not paid: more of them than the budget has, and nobody sees one."""
    gateway = await start_gateway(circuit_times=NEVER)
    sandbox.state.faults.add(where="chat", times=2 * FLOOR, **BUSY)
    replies = await ask_all(http, gateway, *[saying("x")] * (2 * FLOOR))
    assert {reply.status for reply in replies} == {200}
    sandbox.state.faults.add("status", where="chat", status=503)
    assert (await ask(http, gateway, saying("x"))).status == 200


async def test_the_budget_of_retries(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """However many requests fail, so few are sent again; the others get GigaChat's failure at once."""
    gateway = await start_gateway(circuit_times=NEVER)
    sandbox.state.faults.add("status", where="chat", times=None, status=503)
    before = retried()
    replies = await ask_all(http, gateway, *[saying("x")] * 30)
    assert {reply.status for reply in replies} == {502}
    assert len(sandbox.state.requests.of("chat")) == 30 + FLOOR
    assert retried() - before == {("server_error", "failure"): FLOOR}


async def test_five_clients_on_a_persons_account(
    start_sandbox: SandboxStarter, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Five answers, one after another, and not one 429: the limit of a person's scope needs no setting."""
    sandbox = await start_sandbox(oauth_per_second=0, max_concurrency=1)
    gateway = await start_gateway(sandbox, GIGACHAT_MAX_CONCURRENCY="")
    assert gateway.gateway.credential.slots.limit == 1
    replies = await ask_all(http, gateway, *[saying("x", stream=True), asking("sandbox:wait 0.05")] * 2, saying("x"))
    assert [reply.status for reply in replies] == [200] * 5
    assert [one.status for one in sandbox.state.requests.of("chat")] == [200] * 5


@pytest.mark.parametrize("stream", [False, True])
async def test_the_limit_is_found(
    start_sandbox: SandboxStarter, start_gateway: GatewayStarter, http: aiohttp.ClientSession, stream: bool
) -> None:
    """Ten slots are set, GigaChat takes three: after a wave or two nothing is refused any more, and nobody sees it."""
    sandbox = await start_sandbox(oauth_per_second=0, max_concurrency=3)
    gateway = await start_gateway(sandbox, GIGACHAT_MAX_CONCURRENCY="10")
    replies = await ask_all(http, gateway, *[asking("sandbox:wait 0.05", stream=stream)] * 40)
    assert {reply.status for reply in replies} == {200}
    assert 1 <= gateway.gateway.credential.slots.limit <= 3
    statuses = [one.status for one in sandbox.state.requests.of("chat")]
    assert 429 not in statuses[20:]
    assert gateway.gateway.credential.slots.in_use == 0


async def test_a_circuit(sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """A model that fails is not asked for a while; others are; then one request probes, and all go again."""
    gateway = await start_gateway(circuit_times=CircuitTimes(attempts=6, pause=0.6))
    sandbox.state.faults.add("status", where="chat", times=None, status=503)
    replies = await ask_all(http, gateway, *[saying("x")] * 6)
    assert {reply.status for reply in replies} <= {502, 503}
    calls = len(sandbox.state.requests.of("chat"))
    assert gateway.gateway.circuits.open_models() == ["GigaChat"]
    for stream in (False, True):
        reply = await ask(http, gateway, saying("x", stream=stream))
        assert (reply.status, reply.error["code"], reply.headers["Retry-After"]) == (503, "upstream_unavailable", "1")
        assert reply.headers["x-should-retry"] == "true"
    assert len(sandbox.state.requests.of("chat")) == calls
    assert (await ask(http, gateway, {"model": "Embeddings", "input": "x"}, path=EMBEDDINGS)).status == 200
    sandbox.state.faults.clear()
    await asyncio.sleep(0.65)
    probe = asyncio.create_task(ask(http, gateway, asking("sandbox:wait 0.3")))
    await eventually(lambda: len(sandbox.state.requests.of("chat")) == calls + 1)
    assert (await ask(http, gateway, saying("x"))).status == 503
    assert (await probe).status == 200
    assert (await ask(http, gateway, saying("x"))).status == 200
    assert gateway.gateway.circuits.open_models() == []


@pytest.mark.parametrize("way", ["leaves", "succeeds"])
async def test_the_probe(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, way: str
) -> None:
    """A stop event stops its model for a while; a probe whose client leaves leaves the place to the next one."""
    gateway = await start_gateway(circuit_times=CircuitTimes(stop_pause=0.4))
    sandbox.state.faults.add("status", where="chat", status=423)
    for _ in range(2):
        reply = await ask(http, gateway, saying("x"))
        assert (reply.status, reply.error["code"]) == (503, "upstream_stopped")
        assert reply.headers["x-should-retry"] == "false"
    assert len(sandbox.state.requests.of("chat")) == 1
    assert (await ask(http, gateway, saying("x", model="GigaChat-Max"))).status == 200
    await asyncio.sleep(0.45)
    if way == "leaves":
        probe = asyncio.create_task(ask(http, gateway, asking("sandbox:wait 5")))
        await eventually(lambda: len(sandbox.state.requests.of("chat")) == 3)
        probe.cancel()
        await eventually(lambda: gateway.gateway.credential.slots.in_use == 0)
    assert (await ask(http, gateway, saying("x"))).status == 200
    assert gateway.gateway.circuits.open_models() == []


@pytest.mark.parametrize("stream", [False, True])
async def test_who_leaves_gives_its_slot_back(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, stream: bool
) -> None:
    """In the queue, at GigaChat, and in a pause: the slot is free at once, and GigaChat stops."""
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY="1")
    slots, gate = gateway.gateway.credential.slots, gateway.gateway.gate
    at_gigachat = asyncio.create_task(ask(http, gateway, asking("sandbox:wait 5", stream=stream)))
    await eventually(lambda: len(sandbox.state.requests.of("chat")) == 1)
    waiting = asyncio.create_task(ask(http, gateway, saying("waiting", stream=stream)))
    await eventually(lambda: gate.waiting == 1)
    waiting.cancel()
    await eventually(lambda: gate.waiting == 0, 0.5)
    at_gigachat.cancel()
    await eventually(lambda: slots.in_use == 0, 0.5)
    sandbox.state.faults.add(where="chat", headers={"Retry-After": "5"}, **BUSY)
    pausing = asyncio.create_task(ask(http, gateway, saying("pausing", stream=stream)))
    await eventually(lambda: len(sandbox.state.requests.of("chat")) == 2)
    pausing.cancel()
    assert (await ask(http, gateway, saying("next", stream=stream))).status == 200
    assert slots.in_use == gate.waiting == 0
    assert "waiting" not in [text for text, _ in chats(sandbox)]


async def test_after_a_time_out_nobody_is_refused_for_it(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """GigaChat answers at once again: how long it was silent says nothing about the next answers."""
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY="1", GIGACHAT_TIMEOUT="1", GPT2GIGA_QUEUE_SECONDS="0.9")
    sandbox.state.faults.add("slow", "chat", seconds=5.0)
    assert (await ask(http, gateway, saying("x"))).status == 504
    assert {reply.status for reply in await ask_all(http, gateway, *[saying("x")] * 10)} == {200}
