"""The script of a stream, and the faults that spoil it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import orjson
import pytest

from app import sse
from app.sandbox.answers import Answer
from app.sandbox.faults import KINDS
from app.sandbox.script import EDITS, ChatAnswer, build_events, build_object
from app.sandbox.server import Running

Ask = Callable[..., dict[str, Any]]

CHAT = "/v1/chat/completions"
TALK = ChatAnswer(Answer(("Раз, ", "два, ", "три."), "мысль"), "GigaChat:1", 7, {"total_tokens": 3})


@pytest.fixture
def read(session: aiohttp.ClientSession, ask: Ask) -> Callable[[], Awaitable[bytes]]:
    """The bytes of a stream of three phrases; where the connection breaks, what came before and the word BROKEN."""

    async def bytes_of_stream() -> bytes:
        got = b""
        async with session.post(CHAT, json=ask("sandbox:long 3", stream=True)) as response:
            try:
                async for data in response.content.iter_any():
                    got += data
            except (aiohttp.ClientPayloadError, aiohttp.ClientOSError):
                got += b"BROKEN"
        return got

    return bytes_of_stream


Read = Callable[[], Awaitable[bytes]]


def test_same_text_whole_and_streamed() -> None:
    """The deltas joined are the text of the whole answer; both end alike."""
    deltas = [orjson.loads(data) for data in sse.Decoder().feed(b"".join(_bytes(TALK))) if data != sse.DONE]
    texts = [chunk["choices"][0]["delta"].get("content", "") for chunk in deltas]
    answer = build_object(TALK)
    assert "".join(texts) == answer["choices"][0]["message"]["content"] == "Раз, два, три."
    assert deltas[-1]["choices"][0]["finish_reason"] == answer["choices"][0]["finish_reason"]
    assert deltas[-1]["usage"] == answer["usage"]


def test_role_only_with_the_first_text() -> None:
    """Neither the thoughts before it nor the texts after it bear the role."""
    assert [b'"role"' in step for step in _bytes(TALK)] == [False, True, False, False, False, False]


def _bytes(chat_answer: ChatAnswer) -> list[bytes]:
    return [step for step in build_events(chat_answer) if isinstance(step, bytes)]


async def test_end(running: Running, read: Read) -> None:
    """A clean end after some chunks: no finish_reason, no [DONE]."""
    running.state.faults.add("end", "chat", after=2)
    got = await read()
    assert got.count(b"\n\n") == 2
    assert b"finish_reason" not in got
    assert b"BROKEN" not in got
    (record,) = running.state.requests.of("chat")
    assert (record.outcome, record.chunks, record.faults) == ("fault", 2, ["end"])


async def test_no_done(running: Running, read: Read) -> None:
    """finish_reason, and then the end."""
    running.state.faults.add("no_done", "chat")
    got = await read()
    assert b'"finish_reason":"stop"' in got
    assert b"[DONE]" not in got
    assert b"BROKEN" not in got


@pytest.mark.parametrize("rst", [False, True])
async def test_cut(running: Running, read: Read, rst: bool) -> None:
    """The connection breaks after some chunks, by FIN or by reset."""
    running.state.faults.add("cut", "chat", after=2, rst=rst)
    got = await read()
    assert got.endswith(b"BROKEN")
    assert rst or got.count(b"\n\n") == 2
    (record,) = running.state.requests.of("chat")
    assert (record.status, record.outcome, record.chunks) == (200, "fault", 2)


async def test_event_error(running: Running, read: Read) -> None:
    """An event without choices, and nothing more."""
    running.state.faults.add("event_error", "chat", after=1, status=503, message="нет")
    got = await read()
    assert got.count(b"\n\n") == 2
    assert got.endswith(sse.encode('{"status_code":503,"message":"нет"}'.encode()))


async def test_stall(running: Running, read: Read) -> None:
    """A pause in the middle, then the rest."""
    running.state.faults.add("stall", "chat", after=2, seconds=0.2)
    started = time.monotonic()
    got = await read()
    assert time.monotonic() - started >= 0.2
    assert got.endswith(sse.encode(sse.DONE))
    assert running.state.requests.of("chat")[0].outcome == "done"


async def test_garbage(running: Running, read: Read) -> None:
    """An event that is no JSON, among good ones."""
    running.state.faults.add("garbage", "chat", after=1)
    events = sse.Decoder().feed(await read())
    assert len(events) == 6
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(events[1])


async def test_bom_and_crlf(running: Running, read: Read) -> None:
    """A byte order mark at the start, CR LF at the line ends; a standard reader reads the same events."""
    plain = await read()
    running.state.faults.add("bom", "chat")
    running.state.faults.add("crlf", "chat")
    odd = await read()
    assert odd.startswith(b"\xef\xbb\xbf")
    assert odd.count(b"\r\n\r\n") == plain.count(b"\n\n") == 5
    assert len(sse.Decoder().feed(odd)) == 5


async def test_surrogate(running: Running, read: Read) -> None:
    """Two deltas that are half an emoji each, as escapes."""
    running.state.faults.add("surrogate", "chat")
    events = sse.Decoder().feed(await read())
    assert b'"content":"\\ud83d"' in events[1]
    assert b'"content":"\\ude00"' in events[2]


async def test_null_content(running: Running, session: aiohttp.ClientSession, ask: Ask, read: Read) -> None:
    """Content is null, whole and streamed."""
    running.state.faults.add("null_content", "chat", times=2)
    got = await read()
    assert b'"delta":{"content":null,"role":"assistant"}' in got
    assert got.count(b'"content":null') == 2
    async with session.post(CHAT, json=ask()) as response:
        assert (await response.json())["choices"][0]["message"]["content"] is None


async def test_no_usage(running: Running, session: aiohttp.ClientSession, ask: Ask, read: Read) -> None:
    """Usage is missing, whole and streamed."""
    running.state.faults.add("no_usage", "chat", times=2)
    assert b"usage" not in await read()
    async with session.post(CHAT, json=ask()) as response:
        assert "usage" not in await response.json()


async def test_cached_exceeds_prompt(running: Running, session: aiohttp.ClientSession, ask: Ask) -> None:
    """The other reading of the usage: the prompt does not contain what was cached."""
    running.state.faults.add("cached_exceeds_prompt", "chat")
    async with session.post(CHAT, json=ask()) as response:
        usage = (await response.json())["usage"]
    assert usage["precached_prompt_tokens"] > usage["prompt_tokens"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


async def test_faults_of_streams_wait_for_a_stream(
    running: Running, session: aiohttp.ClientSession, ask: Ask, read: Read
) -> None:
    """A whole answer does not use up a fault that only a stream can show."""
    running.state.faults.add("end", "chat", after=0)
    async with session.post(CHAT, json=ask()) as response:
        assert response.status == 200
    assert await read() == b""


async def test_two_faults(running: Running, read: Read) -> None:
    """Faults combine: a stall before a cut."""
    running.state.faults.add("stall", "chat", after=1, seconds=0.1)
    running.state.faults.add("cut", "chat", after=99)
    async with asyncio.timeout(2):
        assert (await read()).endswith(b"BROKEN")
    running.state.faults.add("cut", "chat", after=1)
    running.state.faults.add("stall", "chat", after=2, seconds=60)
    async with asyncio.timeout(2):
        assert (await read()).endswith(b"BROKEN")


def test_each_edit_is_a_kind() -> None:
    """What spoils a stream stands in the table of kinds."""
    assert EDITS.keys() <= KINDS.keys()
