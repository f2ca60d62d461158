"""A GigaChat whose HTTP attacks: interim answers without end, endless heads, answers that nobody asked for."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest

from tests.hostile.conftest import CHAT, Attacked, chat
from tests.hostile.gigachat import CHUNKED, OK, Attack, Hostile, answer, sends, whole
from tests.hostile.measuring import BLOCK, MEGABYTE, costs
from tests.running import eventually

HINTS = b"HTTP/1.1 103\r\n\r\n" * 16_384
# What is said before the answer, without end.
HEADS: dict[str, Attack] = {
    "103": sends(b"", HINTS, times=None),
    "100": sends(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, times=None),
    "102": sends(b"", b"HTTP/1.1 102 Processing\r\nA: b\r\n\r\n" * 8_000, times=None),
    "199": sends(b"", b"HTTP/1.0 199\n\n" * 16_384, times=None),
    "headers": sends(OK, b"A: b\r\n" * 20_000, times=None),
    "one header": sends(OK + b"A: ", b"b" * 65_536, times=None),
    "large hints": sends(b"", b"HTTP/1.1 103 Early Hints\r\n" + b"Link: " + b"a" * 8000 + b"\r\n\r\n", times=None),
    "a reason": sends(b"HTTP/1.1 200 ", b"O" * 65_536, times=None),
}


@pytest.mark.samples("103-stream", "headers-whole")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", HEADS)
async def test_an_answer_that_never_begins(
    hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession, name: str, stream: bool
) -> None:
    """It is refused at once, in little memory, and others are served meanwhile."""
    process = await attacked()
    hostile.answers[CHAT] = HEADS[name]
    with costs(process) as found:
        status, text = await chat(http, process, stream=stream)
    assert status == 502, text
    assert "upstream_error" in text
    assert found.grown < 20 * MEGABYTE, found
    assert found.longest < BLOCK, found
    assert found.seconds < 5, found


@pytest.mark.long
@pytest.mark.parametrize("path", ["/oauth", "/v1/models"])
async def test_the_gateways_own_questions(
    hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession, path: str
) -> None:
    """A token and the list of models are asked for in the same way: what never comes keeps nobody waiting."""
    hostile.answers[path] = HEADS["103"]
    process = await attacked(ready=False)
    with costs(process) as found:
        await eventually(lambda: hostile.asked[path] >= 2, 20)
    assert found.grown < 30 * MEGABYTE, found
    assert found.longest < BLOCK, found


async def test_a_few_hints_are_no_attack(hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession) -> None:
    """Interim answers as servers send them pass, and the answer is read as ever."""
    process = await attacked()
    hints = b"HTTP/1.1 100 Continue\r\n\r\n" + b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 8
    hostile.answers[CHAT] = hints + whole(answer("сойдёт"))
    status, text = await chat(http, process)
    assert (status, "сойдёт" in text) == (200, True)


@pytest.mark.long
async def test_answers_that_nobody_asked_for(hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession) -> None:
    """After an answer, on a connection that waits: they are not kept, and the next request has an answer of its own."""
    process = await attacked()
    flood = b"HTTP/1.1 204\r\n\r\n" * 16_384
    hostile.answers[CHAT] = sends(whole(answer()), flood, times=None)
    with costs(process) as found:
        status, text = await chat(http, process)
        assert status == 200, text
        await asyncio.sleep(1)
    assert found.grown < 30 * MEGABYTE, found
    assert found.longest < BLOCK, found
    hostile.answers[CHAT] = whole(answer("мой"))
    status, text = await chat(http, process)
    assert (status, "мой" in text) == (200, True)


@pytest.mark.samples("stream-nothing")
@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"HTTP/1.1 103\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX",
        b"HTTP/1.1 429 Slow\r\nContent-Length: 9000\r\n\r\n",
        CHUNKED + b"1;",
        CHUNKED + b"0\r\nTrailer: ",
    ],
    ids=["nothing", "after a hint", "in a header", "in a refusal", "in a chunk's name", "in a trailer"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_drip(
    hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession, begin: bytes, stream: bool
) -> None:
    """A byte now and then keeps no attempt alive: the same times count as in silence."""
    process = await attacked(GIGACHAT_TIMEOUT="2", GPT2GIGA_FIRST_BYTE_SECONDS="2", GPT2GIGA_QUEUE_SECONDS="1")
    hostile.answers[CHAT] = sends(begin, b"a", times=None, pause=0.1)
    began = time.monotonic()
    async with asyncio.timeout(30):
        status, text = await chat(http, process, stream=stream)
    assert time.monotonic() - began < 15
    assert status in {429, 502, 504}, text


@pytest.mark.long
async def test_a_stream_of_nothing(hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession) -> None:
    """After its first word a stream that brings bytes but no event ends in the time-out of one that brings no bytes."""
    process = await attacked(GIGACHAT_TIMEOUT="2")
    word = b'data: {"choices":[{"delta":{"content":"one"}}]}\n\n'
    for drip in (b": still here\n\n", b"event: x\n\n", b"\n"):
        hostile.answers[CHAT] = sends(
            OK + b"Content-Type: text/event-stream\r\n\r\n" + word, drip, times=None, pause=0.1
        )
        async with asyncio.timeout(15):
            status, text = await chat(http, process, stream=True)
        assert status == 200
        assert "upstream_timeout" in text
    hostile.answers[CHAT] = sends(CHUNKED + b"%x\r\n%b\r\n1;" % (len(word), word), b"a", times=None, pause=0.1)
    async with asyncio.timeout(15):
        status, text = await chat(http, process, stream=True)
    assert "upstream_timeout" in text
