"""Deadlines and priorities: the headers that tell them, and the answers of requests whose time is up."""

from __future__ import annotations

import asyncio
import math
from time import monotonic
from typing import Any

import aiohttp
import pytest

from app import errors, sse
from app.config import Config
from app.errors import GatewayError
from app.observe.request_record import RequestRecord
from app.sandbox import server
from app.server.deadlines import make_ticket, read_timeout, within
from tests.observe.test_requests import samples
from tests.records import make_record
from tests.running import GatewayStarter, Running, eventually
from tests.watching import ask, asking, saying, told

EMBEDDINGS = "/v1/embeddings"
CONFIG = Config.load({"GIGACHAT_CREDENTIALS": "a2V5OmtleQ==", "GPT2GIGA_QUEUE_SECONDS": "60"}, dotenv=None)

# Headers -> until when a whole answer's request may wait and its deadline, then those of a stream's; from its receipt.
TIMES: dict[str, tuple[dict[str, str], tuple[float, float | None], tuple[float, float | None]]] = {
    "nothing": ({}, (60, None), (60, None)),
    "a deadline": ({"X-Request-Deadline-Ms": "1500"}, (1.5, 1.5), (1.5, 1.5)),
    "a far one": ({"X-Request-Deadline-Ms": "86400000"}, (60, 86400), (60, 86400)),
    "with blanks": ({"X-Request-Deadline-Ms": " 20 "}, (0.02, 0.02), (0.02, 0.02)),
    "Python's": ({"x-stainless-read-timeout": "600"}, (60, 600), (60, None)),
    "Python's, short": ({"x-stainless-read-timeout": "2.5"}, (2.5, 2.5), (60, None)),
    "Python's, none": ({"x-stainless-read-timeout": "None"}, (60, None), (60, None)),
    "Node's": ({"x-stainless-timeout": "30"}, (30, 30), (60, None)),
    "both": ({"x-stainless-timeout": "30", "x-stainless-read-timeout": "20"}, (20, 20), (60, None)),
    "the sooner one": ({"X-Request-Deadline-Ms": "9000", "x-stainless-timeout": "8"}, (8, 8), (9, 9)),
    "the sooner one, ours": ({"X-Request-Deadline-Ms": "7000", "x-stainless-timeout": "8"}, (7, 7), (7, 7)),
    "no time at all": ({"x-stainless-timeout": "0"}, (60, None), (60, None)),
    "less than none": ({"x-stainless-timeout": "-1"}, (60, None), (60, None)),
    "not a number": ({"x-stainless-timeout": "nan"}, (60, None), (60, None)),
    "endless": ({"x-stainless-timeout": "inf"}, (60, None), (60, None)),
}


@pytest.mark.parametrize("name", TIMES)
def test_times(name: str) -> None:
    """The sooner of all that is told; a package's time-out bounds what has no signs of life."""
    headers, *expected = TIMES[name]
    record = make_record(tenant="t", received=1000.0)
    for stream, (waits, deadline) in zip((False, True), expected, strict=True):
        ticket = make_ticket(headers, record, CONFIG, stream=stream)
        assert ticket.received == 1000.0
        assert ticket.waits_until == pytest.approx(1000 + waits)
        assert (ticket.deadline is None) == (deadline is None)
        assert deadline is None or ticket.deadline == pytest.approx(1000 + deadline)
        assert (ticket.tenant, ticket.is_batch) == ("t", False)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, math.inf), ({"x-stainless-read-timeout": "5"}, 5.0), ({"x-stainless-timeout": "x"}, math.inf)],
)
def test_how_long_a_client_waits_for_a_byte(headers: dict[str, str], seconds: float) -> None:
    """A stream's signs of life come at least so often."""
    assert read_timeout(headers) == seconds


BAD = {
    "X-Request-Deadline-Ms": ["", "0", "-1", "1.5", "1e3", "soon", "86400001", "٣", "+5", "1_000", "9" * 5000],
    "X-Priority": ["", "high", "interactive, batch", "1"],
}


@pytest.mark.parametrize(("header", "value"), [(header, value) for header, values in BAD.items() for value in values])
def test_a_wrong_value(header: str, value: str) -> None:
    """It is the client's mistake, and names the header."""
    with pytest.raises(GatewayError) as refused:
        make_ticket({header: value}, make_record(), CONFIG, stream=True)
    assert (refused.value.kind, refused.value.param) == (errors.INVALID_VALUE, header)
    assert header in refused.value.message


@pytest.mark.parametrize(("word", "batch"), [("batch", True), (" Batch ", True), ("interactive", False)])
def test_priorities(word: str, batch: bool) -> None:
    """In any case, with or without blanks."""
    assert make_ticket({"X-Priority": word}, make_record(), CONFIG, stream=False).is_batch is batch


@pytest.mark.parametrize("form", ["whole", "stream", "embeddings"])
@pytest.mark.parametrize("header", BAD)
async def test_a_wrong_header_is_told(
    gateway: Running, http: aiohttp.ClientSession, sandbox: server.Running, form: str, header: str
) -> None:
    """400 with the header's name as the param, before anything is asked."""
    path, body = form_of(form, "x")
    reply = await ask(http, gateway, body, path=path, headers={header: "7.5"})
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "invalid_value", header)
    assert not sandbox.state.requests.of("chat") + sandbox.state.requests.of("embeddings")


def form_of(form: str, text: str) -> tuple[str, dict[str, Any]]:
    """A request of this form."""
    if form == "embeddings":
        return EMBEDDINGS, {"model": "Embeddings", "input": text}
    return "/v1/chat/completions", asking(text, stream=form == "stream")


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({"X-Request-Deadline-Ms": "300"}, "whole"),
        ({"X-Request-Deadline-Ms": "300"}, "stream"),
        ({"X-Request-Deadline-Ms": "300"}, "embeddings"),
        ({"x-stainless-read-timeout": "0.3"}, "whole"),
        ({"x-stainless-timeout": "0.3"}, "embeddings"),
    ],
    ids=str,
)
async def test_the_deadline_passes_at_gigachat(
    gateway: Running,
    sandbox: server.Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    headers: dict[str, str],
    form: str,
) -> None:
    """504 at that time, not to be tried again; GigaChat's work ends, and its slot is free."""
    caplog.set_level("INFO", "gpt2giga")
    sandbox.state.faults.add("slow", where="embeddings" if form == "embeddings" else "chat", seconds=5.0)
    path, body = form_of(form, "x")
    begun = monotonic()
    reply = await ask(http, gateway, body, path=path, headers=headers)
    assert 0.25 < monotonic() - begun < 1.5
    assert (reply.status, reply.error["code"]) == (504, "deadline_exceeded")
    assert reply.headers["x-should-retry"] == "false"
    assert "Retry-After" not in reply.headers
    (record,) = sandbox.state.requests.of("embeddings" if form == "embeddings" else "chat")
    await eventually(lambda: record.outcome == "client_gone")
    assert gateway.gateway.credential.slots.in_use == 0
    line = await told(caplog)
    assert (line["status"], line["error_type"], line["tries"]) == (504, "upstream_timeout", 1)


async def test_the_deadline_passes_inside_a_stream(
    gateway: Running, sandbox: server.Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """The words so far stay, an error event ends the stream."""
    caplog.set_level("INFO", "gpt2giga")
    sandbox.state.faults.add("stall", where="chat", after=3, seconds=5.0)
    reply = await ask(http, gateway, asking("sandbox:long 9", stream=True), headers={"X-Request-Deadline-Ms": "400"})
    assert reply.status == 200
    assert reply.content
    failed = next(event for event in reply.events if "error" in event)
    assert failed["error"]["code"] == "deadline_exceeded"
    await eventually(lambda: sandbox.state.requests.of("chat")[0].outcome == "client_gone")
    assert gateway.gateway.credential.slots.in_use == 0
    line = await told(caplog)
    assert (line["status"], line["wire_status"], line["error_type"]) == (504, 200, "upstream_timeout")


async def test_a_stream_outlives_its_packages_time_out(
    gateway: Running, sandbox: server.Running, http: aiohttp.ClientSession
) -> None:
    """That bounds the wait for a byte, and signs of life are bytes."""
    sandbox.state.faults.add("stall", where="chat", after=1, seconds=0.8)
    headers = {"x-stainless-read-timeout": "0.4"}
    reply = await ask(http, gateway, asking("sandbox:long 3", stream=True), headers=headers)
    assert (reply.status, reply.events[-1]) == (200, "[DONE]")


async def test_an_answer_in_time(gateway: Running, http: aiohttp.ClientSession) -> None:
    """A deadline that is kept changes nothing."""
    for form in ("whole", "stream", "embeddings"):
        path, body = form_of(form, "x")
        reply = await ask(http, gateway, body, path=path, headers={"X-Request-Deadline-Ms": "30000"})
        assert (reply.status, "error" in reply.text) == (200, False)


@pytest.mark.parametrize("how", ["the client's", "the queue's"])
@pytest.mark.parametrize("form", ["whole", "stream", "embeddings"])
async def test_the_time_passes_in_the_queue(
    start_gateway: GatewayStarter,
    sandbox: server.Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    form: str,
    how: str,
) -> None:
    """503 with a time to come back, at that time; GigaChat was not asked, and nobody waits any more."""
    caplog.set_level("INFO", "gpt2giga")
    settings = {} if how == "the client's" else {"GPT2GIGA_QUEUE_SECONDS": "0.4"}
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY="1", **settings)
    long = asyncio.create_task(ask(http, gateway, asking("sandbox:wait 5")))
    await eventually(lambda: len(sandbox.state.requests.of("chat")) == 1)
    before = samples("queue_wait_seconds_count")
    path, body = form_of(form, "x")
    headers = {"X-Request-Deadline-Ms": "400"} if how == "the client's" else {}
    begun = monotonic()
    reply = await ask(http, gateway, body, path=path, headers=headers)
    assert 0.35 < monotonic() - begun < 1.5
    assert (reply.status, reply.error["code"]) == (503, "queue_timeout"), reply.text
    assert reply.headers["x-should-retry"] == "true"
    assert int(reply.headers["Retry-After"]) >= 1
    assert ("GPT2GIGA_QUEUE_SECONDS" in reply.error["message"]) == (how == "the queue's")
    assert 350 < float(reply.headers["x-gateway-queue-ms"]) < 1500
    assert samples("queue_wait_seconds_count") - before == {("queue_wait_seconds_count", "timeout"): 1}
    assert gateway.gateway.gate.waiting == 0
    line = await told(caplog)
    assert (line["status"], line["error_type"], "tries" in line) == (503, "queue_timeout", False)
    assert line["queue_seconds"] > 0.35
    long.cancel()
    await asyncio.gather(long, return_exceptions=True)
    await eventually(lambda: gateway.gateway.credential.slots.in_use == 0)


async def test_what_can_not_be_met_is_refused_at_once(
    start_gateway: GatewayStarter, sandbox: server.Running, http: aiohttp.ClientSession
) -> None:
    """Once it is known how long requests take, nobody waits in vain; who has more time waits."""
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY="1")
    await ask(http, gateway, asking("sandbox:wait 1.2"))
    long = asyncio.create_task(ask(http, gateway, asking("sandbox:wait 1")))
    await eventually(lambda: len(sandbox.state.requests.of("chat")) == 2)
    begun = monotonic()
    hasty = await ask(http, gateway, saying("x"), headers={"X-Request-Deadline-Ms": "1000"})
    assert monotonic() - begun < 0.3
    assert (hasty.status, hasty.error["code"], hasty.headers["Retry-After"]) == (503, "queue_timeout", "2")
    assert "its deadline" in hasty.error["message"]
    patient = await ask(http, gateway, saying("x"), headers={"X-Request-Deadline-Ms": "9000"})
    assert patient.status == (await long).status == 200


async def test_batch_requests_give_way(
    start_gateway: GatewayStarter, sandbox: server.Running, http: aiohttp.ClientSession
) -> None:
    """What came first and may wait goes after what came later and may not."""
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY="1")
    tasks = [asyncio.create_task(ask(http, gateway, asking("sandbox:wait 0.3")))]
    await eventually(lambda: len(sandbox.state.requests.of("chat")) == 1)
    for number, word in enumerate(("batch", "interactive"), 1):
        tasks.append(asyncio.create_task(ask(http, gateway, saying(word), headers={"X-Priority": word})))
        await eventually(lambda number=number: gateway.gateway.gate.waiting == number)  # type: ignore[misc]
    assert [reply.status for reply in await asyncio.gather(*tasks)] == [200] * 3
    sent = [one.body["messages"][-1]["content"] for one in sandbox.state.requests.of("chat")]
    assert sent[1:] == ["sandbox:say interactive", "sandbox:say batch"]


async def test_a_time_out_of_the_block_itself_is_left_alone() -> None:
    """The deadline's context makes an error of its own time alone."""
    record = RequestRecord()
    ticket = make_ticket({"X-Request-Deadline-Ms": "60000"}, record, CONFIG, stream=False)
    with pytest.raises(TimeoutError):
        async with within(ticket):
            raise TimeoutError


@pytest.mark.parametrize("deadline", [400, 9000])
async def test_a_stream_that_waits_gets_signs_of_life(
    start_gateway: GatewayStarter,
    sandbox: server.Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    deadline: int,
) -> None:
    """Its status line goes out in the queue; then come its words, or an error event."""
    caplog.set_level("INFO", "gpt2giga")
    quickly = {"GPT2GIGA_COMMIT_SECONDS": "0.1", "GPT2GIGA_KEEPALIVE_SECONDS": "0.1"}
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY="1", **quickly)
    long = asyncio.create_task(ask(http, gateway, asking("sandbox:wait 0.8")))
    await eventually(lambda: len(sandbox.state.requests.of("chat")) == 1)
    reply = await ask(http, gateway, saying("да", stream=True), headers={"X-Request-Deadline-Ms": str(deadline)})
    assert (reply.status, reply.text.startswith(sse.KEEPALIVE.decode())) == (200, True)
    assert float(reply.headers["x-gateway-queue-ms"]) > 50  # so far, and none of it is the gateway's own
    assert float(reply.headers["x-gateway-overhead-ms"]) < 50
    if deadline == 400:
        assert next(event for event in reply.events if "error" in event)["error"]["code"] == "queue_timeout"
        assert (await told(caplog))["status"] == 503
    else:
        assert (reply.content, reply.events[-1]) == ("да", "[DONE]")
    assert (await long).status == 200
