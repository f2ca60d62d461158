"""Answers that broke off: their words are counted on an idle slot, or estimated, and told after the request's end."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from app import sse
from app.exchange.sender import Sender
from app.exchange.unfinished import MOST_WAITING, TokenRatios, UnfinishedAnswer, UnfinishedAnswers
from app.observe import metrics
from app.observe.request_record import RequestRecord
from app.sandbox import server
from app.sandbox.catalog import MODELS
from app.sandbox.usage import count_prompt
from app.translate.gigachat import contracts
from tests.observe.test_requests import samples
from tests.records import make_record
from tests.running import GatewayStarter, Running, SandboxStarter, eventually
from tests.watching import CHAT, Reply, ask, asking, lines

EVENT = "usage of an abandoned answer"
LONG = asking("sandbox:long 400", stream=True)
WORDS = 20  # events that a client reads before it leaves


@pytest.fixture
async def slow(start_sandbox: SandboxStarter) -> server.Running:
    """A GigaChat that takes its time over each word."""
    return await start_sandbox(oauth_per_second=0, chunk_seconds=0.005)


async def leave_early(http: aiohttp.ClientSession, gateway: Running, body: dict[str, Any], events: int = WORDS) -> str:
    """Ask for a stream, and leave after some events. What the client has read of it."""
    decoder, data = sse.Decoder(), list[bytes]()
    async with http.post(gateway.url + CHAT, json=body) as response:
        while len(data) < events:
            data += decoder.feed(await response.content.readany())
        response.close()
    read = b"".join(sse.encode(one) for one in data).decode()
    return Reply(200, response.headers, read).content


async def abandoned(caplog: pytest.LogCaptureFixture, count: int = 1) -> dict[str, Any]:
    """The fields of the last log line about an answer that broke off, once there are so many."""

    def found() -> list[dict[str, Any]]:
        return [one.__dict__["gateway_fields"] for one in caplog.records if one.getMessage() == EVENT]

    await eventually(lambda: len(found()) >= count)
    assert len(found()) == count
    return found()[-1]


def counts(sandbox: server.Running) -> list[Any]:
    """What GigaChat was asked to count."""
    return [one.body["input"] for one in sandbox.state.requests.of("tokens") if one.ended is not None]


async def test_the_words_of_a_client_that_left(
    slow: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """GigaChat counts what it had said; the line, the tokens and the metric come behind the request's own."""
    caplog.set_level("INFO", "gpt2giga")
    gateway = await start_gateway(slow)
    before = samples("abort_usage_total", "tokens_total")
    read = await leave_early(http, gateway, LONG)
    line = await abandoned(caplog)
    (texts,) = counts(slow)
    said = texts[-1]
    assert said.startswith(read)
    (request,) = lines(caplog)
    assert (request["status"], request["aborted_by"], "completion_tokens" in request) == (499, "client", False)
    assert {name: line[name] for name in ("request_id", "tenant", "model", "method")} == {
        "request_id": request["request_id"],
        "tenant": "default",
        "model": "GigaChat",
        "method": "counted",
    }
    assert line["completion_tokens"] == MODELS["GigaChat"].count(said)
    sent = slow.state.requests.of("chat")[0]
    # GigaChat stopped at once: it has not said much that the client did not read
    assert WORDS - 2 <= sent.chunks < 3 * WORDS
    found = samples("abort_usage_total", "tokens_total") - before
    assert found == {
        ("abort_usage_total", "counted"): 1,
        ("tokens_total", "GigaChat", "default", "completion"): line["completion_tokens"],
        ("tokens_total", "GigaChat", "default", "prompt"): line["prompt_tokens"],
    }
    assert gateway.gateway.credential.slots.in_use == 0


QUESTION = "Расскажи подробно, чем отличается дизельный двигатель от бензинового, и что из них выбрать. "


async def test_the_prompt_is_estimated_by_what_others_have_cost(
    slow: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream does not hold its question: by the answers before it the prompt's tokens are known well enough."""
    caplog.set_level("INFO", "gpt2giga")
    gateway = await start_gateway(slow)
    for number in range(3):
        body = asking(f"{QUESTION * (number + 3)}\nsandbox:long 1", stream=number == 1)
        assert (await ask(http, gateway, body)).status == 200
    await leave_early(http, gateway, asking(f"{QUESTION * 10}\nsandbox:long 400", stream=True))
    line = await abandoned(caplog)
    assert len(counts(slow)[0]) == 1
    truth = count_prompt(MODELS["GigaChat"], slow.state.requests.of("chat")[-1].body).tokens
    assert 0.9 < line["prompt_tokens"] / truth < 1.1
    assert line["method"] == "counted"


@pytest.mark.parametrize("more", [{"n": 2}, {"stop": ["never said"]}], ids=str)
async def test_the_prompt_is_counted_where_it_is_at_hand(
    slow: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    more: dict[str, Any],
) -> None:
    """A request that may ask again holds its question: its prompt is counted too, but for GigaChat's template."""
    caplog.set_level("INFO", "gpt2giga")
    gateway = await start_gateway(slow)
    await leave_early(http, gateway, {**LONG, **more})
    line = await abandoned(caplog)
    truth = count_prompt(MODELS["GigaChat"], slow.state.requests.of("chat")[-1].body).tokens
    assert (line["prompt_tokens"], line["method"]) == (truth - 4, "counted")


async def test_only_an_idle_slot_counts(
    slow: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """While requests wait for the slot, nothing is counted; then it is."""
    caplog.set_level("INFO", "gpt2giga")
    gateway = await start_gateway(slow, GIGACHAT_MAX_CONCURRENCY="1")
    leaving = asyncio.create_task(leave_early(http, gateway, LONG, 60))
    await eventually(lambda: len(slow.state.requests.of("chat")) == 1)
    others = [asyncio.create_task(ask(http, gateway, asking("sandbox:wait 0.2"))) for _ in range(3)]
    await eventually(lambda: gateway.gateway.gate.waiting == 3)
    await leaving
    replies = await asyncio.gather(*others)
    line = await abandoned(caplog)
    assert ([reply.status for reply in replies], line["method"]) == ([200] * 3, "counted")
    (count,) = slow.state.requests.of("tokens")
    assert all(one.ended is not None and one.ended <= count.started for one in slow.state.requests.of("chat"))
    await eventually(lambda: gateway.gateway.credential.slots.in_use == 0)


@pytest.mark.parametrize(
    "fault", [{"kind": "cut", "after": 5}, {"kind": "end", "after": 5}, {"kind": "event_error", "after": 5}], ids=str
)
async def test_what_gigachat_broke_off(
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any],
) -> None:
    """It was paid as well, whoever ended it."""
    caplog.set_level("INFO", "gpt2giga")
    sandbox.state.faults.add(where="chat", **fault)
    reply = await ask(http, gateway, LONG)
    assert "error" in reply.text
    line = await abandoned(caplog)
    assert line["completion_tokens"] == MODELS["GigaChat"].count(counts(sandbox)[0][-1]) > 5


async def test_what_passed_its_deadline(
    slow: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """The client's time was up in the middle of a stream."""
    caplog.set_level("INFO", "gpt2giga")
    gateway = await start_gateway(slow)
    reply = await ask(http, gateway, LONG, headers={"X-Request-Deadline-Ms": "300"})
    assert "deadline_exceeded" in reply.text
    line = await abandoned(caplog)
    assert counts(slow)[0][-1].startswith(reply.content)
    assert line["completion_tokens"] == MODELS["GigaChat"].count(counts(slow)[0][-1])


async def test_gigachat_does_not_count(
    slow: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Then all of it is an estimate, which says so and is near the truth."""
    caplog.set_level("INFO", "gpt2giga")
    gateway = await start_gateway(slow)
    for _ in range(2):
        await ask(http, gateway, asking(f"{QUESTION * 4}\nsandbox:long 1"))
    slow.state.faults.add("status", where="tokens", times=None, status=500)
    before = samples("abort_usage_total")
    await leave_early(http, gateway, asking(f"{QUESTION * 4}\nsandbox:long 400", stream=True), 40)
    line = await abandoned(caplog)
    assert line["method"] == "estimated"
    assert samples("abort_usage_total") - before == {("abort_usage_total", "estimated"): 1}
    truth = MODELS["GigaChat"].count(counts(slow)[0][-1])
    assert 0.5 < line["completion_tokens"] / truth < 2
    assert gateway.gateway.credential.slots.in_use == 0


async def test_nothing_was_said(
    gateway: Running,
    sandbox: server.Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A client that leaves before the first word leaves nothing to count."""
    caplog.set_level("INFO", "gpt2giga")
    before = samples("abort_usage_total")
    asked = asyncio.create_task(ask(http, gateway, asking("sandbox:wait 5", stream=True)))
    await eventually(lambda: len(sandbox.state.requests.of("chat")) == 1)
    asked.cancel()
    await eventually(lambda: len(lines(caplog)) == 1)
    await asyncio.sleep(0.1)
    assert EVENT not in [one.getMessage() for one in caplog.records]
    assert samples("abort_usage_total") - before == {("abort_usage_total", "none"): 1}


Told = list[tuple[str, int, int, str]]


def counting(gateway: Running, told: Told) -> UnfinishedAnswers:
    """A counter of its own for which no slot is ever idle, and what it tells."""

    def tell(record: RequestRecord, prompt: int, completion: int, method: str) -> None:
        told.append((record.request_id, prompt, completion, method))

    contract = contracts.make_chat(cached_contained=False)
    return UnfinishedAnswers(contract, Sender(gateway.gateway.gigachat, metrics.shared()), lambda: None, tell)


def answer(number: int, said: str = "слово", asked_bytes: int = 1000) -> UnfinishedAnswer:
    """An answer that broke off."""
    return UnfinishedAnswer(make_record(request_id=str(number)), "GigaChat", said, asked_bytes)


async def test_what_is_left_at_the_end_is_estimated(gateway: Running) -> None:
    """The process ends, and none is forgotten."""
    told: Told = []
    answers = counting(gateway, told)
    task = asyncio.create_task(answers.run())
    for number in range(3):
        answers.add(answer(number))
    await asyncio.sleep(0.15)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert told == [(str(number), 140, 1, "estimated") for number in range(3)]


async def test_no_more_wait_than_may(gateway: Running) -> None:
    """Nobody is forgotten where very many leave: the last ones are estimated at once, and so are very long ones."""
    told: Told = []
    answers = counting(gateway, told)
    for number in range(MOST_WAITING):
        answers.add(answer(number))
    assert told == []
    answers.add(answer(-1))
    assert [one[0] for one in told] == ["-1"]
    told.clear()
    others = counting(gateway, told)
    for number in range(17):
        others.add(answer(number, "x" * 2**16))
    assert [one[0] for one in told] == ["16"]


async def test_a_record_hears_that_its_usage_comes_later(gateway: Running) -> None:
    """Its own report does not say that nobody knows it; an answer without words changes nothing."""
    answers = counting(gateway, [])
    silent, speaking = answer(1, ""), answer(2)
    for one in (silent, speaking):
        answers.add(one)
    assert (silent.record.awaits_usage, speaking.record.awaits_usage) == (False, True)


def test_ratios() -> None:
    """Each model's own, of the last answers; the usual one before the first."""
    ratios = TokenRatios()
    assert ratios.estimate("a", 1000) == 140
    ratios.learn("a", 1000, 300)
    assert (ratios.estimate("a", 100), ratios.estimate("b", 100)) == (30, 14)
    ratios.learn("a", 1000, 200)
    assert ratios.estimate("a", 1000) == 290
    ratios.learn("a", 0, 100)
    ratios.learn("a", 100, 0)
    assert ratios.estimate("a", 1000) == 290


def test_ratios_are_kept_of_so_many_models() -> None:
    """Names of models come from clients."""
    ratios = TokenRatios()
    for number in range(MOST_WAITING + 5):
        ratios.learn(f"model-{number}", 100, 50)
    assert ratios.estimate(f"model-{MOST_WAITING - 1}", 100) == 50
    assert ratios.estimate(f"model-{MOST_WAITING}", 100) == 14
