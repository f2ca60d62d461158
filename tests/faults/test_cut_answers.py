"""The fault table, rows of answers that break off: before their first event, after a third, after two thirds."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import orjson
import pytest

from app.sandbox import server
from tests.faults.conftest import WorldMaker
from tests.faults.crowd import Question, outcomes, served
from tests.faults.oracle import attempts_at_most, retries_at_most
from tests.faults.proxy import CLEAR, Fault
from tests.faults.test_outages import FAILED, OPEN, check_refusals, given, slots

TRUNCATED = (200, "stream_truncated")
WORDS = 60


async def answer_bytes(sandbox: server.Running, *, stream: bool) -> int:
    """How long GigaChat's answer is, its head included."""
    body = orjson.dumps(Question("m000000", stream, words=WORDS).body())
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(sandbox.url).port)
    token = sandbox.state.tokens.issue(60)
    writer.write(f"{head}Content-Type: application/json\r\nAuthorization: Bearer {token}\r\n\r\n".encode() + body)
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200")
    return len(answer)


@pytest.mark.parametrize("rst", [False, pytest.param(True, marks=pytest.mark.long)], ids=["end", "reset"])
@pytest.mark.parametrize("third", [1, 2])
async def test_all_streams_are_cut(make_world: WorldMaker, count: int, third: int, rst: bool) -> None:
    """What came is with the client, so nothing is asked twice: its words, then an error, and no `[DONE]`."""
    world = await make_world(**given(count))
    await world.warm_up()
    size = await answer_bytes(world.sandbox, stream=True)
    world.sandbox.state.requests.clear()
    world.api.fault = Fault(cut_after=size * third // 3, rst=rst)
    seen = await world.ask(count, stream=True, words=WORDS)
    assert set(outcomes(seen)) <= {TRUNCATED, OPEN}, outcomes(seen)
    cut = [one for one in seen if one.what == TRUNCATED]
    assert len(cut) >= min(count, 20)
    assert all(one.question.answer.startswith(one.text) and one.text and not one.ended for one in cut)
    assert set(world.ledger.attempts.values()) == {1}
    world.api.fault = CLEAR
    await world.is_back()
    await world.holds_nothing()
    world.paid_once(0)


@pytest.mark.parametrize("third", [0, 1, pytest.param(2, marks=pytest.mark.long)])
async def test_all_whole_answers_are_cut(make_world: WorldMaker, count: int, third: int) -> None:
    """Each is told so, within the tries and their budget, and the circuit ends it."""
    world = await make_world(**given(count))
    await world.warm_up()
    size = await answer_bytes(world.sandbox, stream=False)
    before = await world.attempts()
    world.api.fault = Fault(cut_after=size * third // 3 or 20)
    seen = await world.ask(count, stream=False, words=WORDS)
    assert set(outcomes(seen)) <= {FAILED, OPEN}, outcomes(seen)
    check_refusals(seen)
    assert await world.attempts() - before <= attempts_at_most(count, slots(count), tries=2) + world.probes(seen)
    world.api.fault = CLEAR
    await world.is_back()
    await world.holds_nothing()
    world.within_budget()


async def test_a_few_streams_are_cut_before_their_first_event(make_world: WorldMaker, count: int) -> None:
    """Nothing of them is with a client: they are asked again, and all are served, each once."""
    world = await make_world(**given(count))
    await world.warm_up(count)  # so that no circuit opens: fewer than half of all attempts fail
    few = retries_at_most(count) // 2
    world.sandbox.state.faults.add("cut", where="chat", times=few, after=0)
    seen = await world.ask(count, stream=True)
    assert served(seen) == count, outcomes(seen)
    ledger = world.ledger
    assert sum(ledger.attempts.values()) == 2 * count + few
    await world.is_back()
    await world.holds_nothing()
    world.within_budget()


@pytest.mark.parametrize("after", [1, 4, 7])
async def test_a_few_streams_are_cut_later(make_world: WorldMaker, count: int, after: int) -> None:
    """Their clients get what came and an error; all others are served."""
    world = await make_world(**given(count))
    await world.warm_up(count)
    world.sandbox.state.faults.add("cut", where="chat", times=5, after=after, rst=after == 4)
    seen = await world.ask(count, stream=True, words=WORDS)
    assert outcomes(seen) == {TRUNCATED: 5, (200, ""): count - 5}
    assert served(seen) == count - 5
    assert set(world.ledger.attempts.values()) == {1}
    await world.is_back()
    await world.holds_nothing()
    world.paid_once(0)
