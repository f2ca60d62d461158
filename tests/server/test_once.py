"""Idempotency keys over the wire: one request at GigaChat, whoever asks how often, and the same bytes for all."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from app import errors
from app.admission.idempotency import Recording
from app.errors import GatewayError
from app.observe.request_record import RequestRecord
from app.sandbox import server
from app.server import once
from app.server.app_keys import BODIES
from tests.dropped import DROPPED
from tests.running import GatewayStarter, Running, eventually
from tests.watching import CHAT, asking, counted, saying
from tests.watching import lines as written

both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
FAMILY = "gpt2giga_proxy_idempotent_replays_total"


class Got:
    """What one caller got."""

    def __init__(self, response: aiohttp.ClientResponse, data: bytes) -> None:
        self.status, self.headers, self.data = response.status, response.headers, data


async def ask(
    http: aiohttp.ClientSession, gateway: Running, body: dict[str, Any], key: str = "tg:1:2:3", **headers: str
) -> Got:
    """One caller, who reads to the end."""
    path = "/v1/embeddings" if "input" in body else CHAT
    given = {"Idempotency-Key": key, **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with http.post(gateway.url + path, json=body, headers=given) as response:
        return Got(response, b"".join([piece async for piece in response.content]))


@both
async def test_fifty_callers(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Half of them leave; the others get one answer, from its beginning, and GigaChat hears of one request."""
    before = await counted(http, gateway, FAMILY, "result")
    sandbox.state.faults.add("stall" if stream else "slow", "chat", seconds=0.5, **({"after": 4} if stream else {}))
    body = asking("sandbox:long 60", stream=stream)
    callers = [asyncio.create_task(ask(http, gateway, body)) for _ in range(50)]
    await eventually(lambda: sandbox.state.chatting == 1)
    await asyncio.sleep(0.15)
    for caller in callers[::2]:
        caller.cancel()
    got = [one for one in await asyncio.gather(*callers, return_exceptions=True) if isinstance(one, Got)]
    assert (len(got), {one.status for one in got}, len({one.data for one in got})) == (25, {200}, 1)
    assert {one.headers.get("x-gateway-idempotent") for one in got} == {"joined"}  # the first has left
    late = await ask(http, gateway, body)
    assert (late.data, late.headers["x-gateway-idempotent"]) == (got[0].data, "replayed")
    assert late.data.count(b"data: [DONE]") == stream
    assert len(sandbox.state.requests.of("chat")) == 1
    since = await counted(http, gateway, FAMILY, "result") - before
    assert (since["joined"], since["hit"]) == (49, 1)
    assert gateway.gateway.credential.slots.in_use == 0
    assert gateway.app[BODIES].memory.left == gateway.app[BODIES].memory.limit


async def test_embeddings(sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession) -> None:
    """They are paid for as well."""
    body = {"model": "Embeddings", "input": ["a", "b"]}
    first, second = await ask(http, gateway, body), await ask(http, gateway, body)
    assert (first.status, first.data) == (200, second.data)
    assert second.headers["x-gateway-idempotent"] == "replayed"
    assert len(sandbox.state.requests.of("embeddings")) == 1


@both
async def test_an_answer_is_as_without_a_key(stream: bool, gateway: Running, http: aiohttp.ClientSession) -> None:
    """Nothing tells the first caller that it was recorded."""
    got = await ask(http, gateway, saying("hello", stream=stream))
    assert (got.status, b"hello" in got.data, "x-gateway-idempotent" in got.headers) == (200, True, False)
    kind = "text/event-stream" if stream else "application/json"
    assert got.headers["Content-Type"].startswith(kind)


async def test_another_body_is_a_conflict(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A key stands for one request: what is paid twice or answered wrongly would go unseen."""
    await ask(http, gateway, saying("one"))
    other = await ask(http, gateway, saying("two"))
    assert (other.status, b"idempotency_conflict" in other.data, b"idempotency_error" in other.data) == (
        409,
        True,
        True,
    )
    assert other.headers["x-should-retry"] == "false"
    assert len(sandbox.state.requests.of("chat")) == 1


async def test_keys_belong_to_a_tenant(sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession) -> None:
    """Nobody gets another tenant's answer by its key."""
    for tenant in ("a", "b"):
        got = await ask(http, gateway, saying("x"), X_Tenant_ID=tenant)
        assert "x-gateway-idempotent" not in got.headers
    assert len(sandbox.state.requests.of("chat")) == 2


@both
async def test_a_failure_frees_the_key(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """All who wait for it get it; who comes later is served."""
    sandbox.state.faults.add("slow", "chat", seconds=0.3)
    sandbox.state.faults.add("status", "chat", status=500)
    body = saying("x", stream=stream)
    got = await asyncio.gather(*(ask(http, gateway, body) for _ in range(3)))
    assert [one.status for one in got] == [502] * 3
    assert (await ask(http, gateway, body)).status == 200


async def test_a_stream_that_breaks_off_frees_the_key(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """It ends with an error and no [DONE], and is not kept."""
    sandbox.state.faults.add("cut", "chat", after=3)
    body = asking("sandbox:long 60", stream=True)
    broken = await ask(http, gateway, body)
    assert (b"stream_truncated" in broken.data, b"[DONE]" in broken.data) == (True, False)
    assert b"[DONE]" in (await ask(http, gateway, body)).data


@both
async def test_a_deadline_ends_the_wait_and_not_the_answer(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """The worker that gave up comes back for it."""
    sandbox.state.faults.add("slow", "chat", seconds=0.5)
    body = saying("x", stream=stream)
    assert (await ask(http, gateway, body, X_Request_Deadline_Ms="200")).status == 504
    got = await ask(http, gateway, body)
    assert (got.status, got.headers["x-gateway-idempotent"]) == (200, "joined")
    assert len(sandbox.state.requests.of("chat")) == 1


async def test_whoever_joins_is_told_what_was_dropped(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """By the headers of a stream, too, which go out before its end."""
    for stream in (False, True):
        sandbox.state.faults.add("slow", "chat", seconds=0.3)
        body = saying("x", stream=stream, **DROPPED)
        got = await asyncio.gather(*(ask(http, gateway, body, key=f"{stream}") for _ in range(2)))
        assert [one.headers.get("x-gateway-idempotent") for one in got] == [None, "joined"]
        got.append(await ask(http, gateway, body, key=f"{stream}"))
        assert len({one.headers["x-gateway-dropped"] for one in got}) == 1


async def test_an_empty_key_is_none(sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession) -> None:
    """Of a worker whose template had no value: two of its requests have nothing to do with each other."""
    for text in ("one", "two"):
        assert (await ask(http, gateway, saying(text), key="")).status == 200
    assert len(sandbox.state.requests.of("chat")) == 2


async def test_the_wait_for_another_is_not_the_gateways(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """The times of who joined: it waited in the queue, so to speak, and the gateway's own share is small."""
    sandbox.state.faults.add("slow", "chat", seconds=0.5)
    got = await asyncio.gather(*(ask(http, gateway, saying("x")) for _ in range(2)))
    (joined,) = [one for one in got if "x-gateway-idempotent" in one.headers]
    assert float(joined.headers["x-gateway-queue-ms"]) > 400
    assert float(joined.headers["x-gateway-overhead-ms"]) < 200


async def test_the_first_word_of_a_joined_stream(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """It is judged by when it came, not by when the stream ended."""
    caplog.set_level("INFO", "gpt2giga")
    sandbox.state.faults.add("stall", "chat", seconds=0.6, after=4)
    body = asking("sandbox:long 60", stream=True)
    await asyncio.gather(*(ask(http, gateway, body) for _ in range(2)))
    await eventually(lambda: len(written(caplog)) == 2)
    (joined,) = [line for line in written(caplog) if line.get("idempotent") == "joined"]
    assert joined["first_token_seconds"] < 0.3 < 0.5 < joined["queue_seconds"] <= joined["seconds"]


async def test_a_bug_is_told(gateway: Running, caplog: pytest.LogCaptureFixture) -> None:
    """Those who wait get a failure and the key is free; operators see what it was by."""

    async def divide(_recording: Recording) -> None:
        raise ZeroDivisionError

    keys, got = gateway.gateway.keys, list[bytes]()
    with gateway.app[BODIES].hold("t") as held:
        asked = once.Asked("t", "k", b"digest")
        recording = once.begin(gateway.gateway.runs, keys, asked, divide, RequestRecord(), held)
        with pytest.raises(GatewayError) as told:
            got.extend([piece async for piece in recording.follow()])
    assert told.value.kind is errors.INTERNAL_ERROR
    assert keys.find("t", "k", b"digest") is None
    assert "ZeroDivisionError" in caplog.text


async def test_a_long_key_is_refused(sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession) -> None:
    """255 characters are enough for any name."""
    assert (await ask(http, gateway, saying("x"), key="k" * 255)).status == 200
    got = await ask(http, gateway, saying("x"), key="k" * 256)
    assert (got.status, b"Idempotency-Key" in got.data) == (400, True)


async def test_answers_are_bounded(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """The oldest is kept no longer; whoever sends its key then is served anew, and operators see it."""
    gateway = await start_gateway(GPT2GIGA_IDEMPOTENCY_BYTES="4000")
    before = await counted(http, gateway, FAMILY, "result")
    for number in range(4):
        await ask(http, gateway, saying("x"), key=f"{number}")
    assert gateway.gateway.keys.size <= 4000
    assert "x-gateway-idempotent" not in (await ask(http, gateway, saying("x"), key="0")).headers
    since = await counted(http, gateway, FAMILY, "result") - before
    assert since["evicted"] >= 2


async def test_a_day_later_it_is_forgotten(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """After its time a key is as new."""
    gateway = await start_gateway(GPT2GIGA_IDEMPOTENCY_SECONDS="0.1")
    await ask(http, gateway, saying("x"))
    await asyncio.sleep(0.15)
    assert "x-gateway-idempotent" not in (await ask(http, gateway, saying("x"))).headers
    assert len(sandbox.state.requests.of("chat")) == 2
