"""Answers that come compressed though no request takes that: refused everywhere, never decoded, and told of."""

from __future__ import annotations

import asyncio
import base64
import gzip
import time
import zlib
from functools import cache
from typing import Any

import aiohttp
import pytest

from tests.hostile.conftest import CHAT, Attacked, chat
from tests.hostile.gigachat import DONE, Hostile, answer, event, whole
from tests.hostile.measuring import BLOCK, MEGABYTE, costs
from tests.media import files
from tests.running import Process, eventually

PICTURE = "data:image/png;base64," + base64.b64encode(files.photo("PNG")).decode()
IMAGE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PICTURE}}]}]


@cache
def bomb() -> bytes:
    """300 KB that are 300 MB."""
    head, tail = b'{"choices":[{"message":{"content":"', b'"}}]}'
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(head)
    for _ in range(300):
        packed += packer.compress(b"a" * MEGABYTE)
    return packed + packer.compress(tail) + packer.flush()


def operators_line(process: Process) -> str:
    """The log line of the last request, as its operator reads it. Lines are written by a thread, a moment later."""
    end = time.monotonic() + 5
    while not (found := [line for line in process.lines() if line["event"] == "request"]) and time.monotonic() < end:
        time.sleep(0.01)
    return str(found[-1])


PLACES: dict[str, tuple[str, dict[str, Any], bytes, int]] = {
    "a whole answer": (CHAT, {}, whole(bomb(), "Content-Encoding: gzip"), 502),
    "a stream": (CHAT, {"stream": True}, whole(bomb(), "Content-Encoding: gzip", kind="text/event-stream"), 502),
    "a refusal": (CHAT, {}, whole(bomb(), "Content-Encoding: gzip", status="429 Slow down"), 429),
    "a failure": (CHAT, {"stream": True}, whole(bomb(), "Content-Encoding: gzip", status="500 Oops"), 502),
    "an upload": ("/v1/files", {"messages": IMAGE}, whole(bomb(), "Content-Encoding: gzip"), 502),
    "no length": (CHAT, {}, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + bomb(), 502),
}


@pytest.mark.samples("a stream")
@pytest.mark.parametrize("name", PLACES)
async def test_bombs(hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession, name: str) -> None:
    """300 MB in 300 KB take next to nothing."""
    process = await attacked(GIGACHAT_TIMEOUT="30")
    path, fields, bytes_, status = PLACES[name]
    hostile.answers[path] = bytes_
    with costs(process) as found:
        got, text = await chat(http, process, **fields)
    assert got == status, text
    assert found.grown < 20 * MEGABYTE, found
    assert found.longest < BLOCK, found
    assert "aaaa" not in text
    assert "compressed (Content-Encoding: gzip)" in operators_line(process)


@pytest.mark.long
async def test_embeddings(hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession) -> None:
    """The same for what is no chat."""
    process = await attacked()
    hostile.answers["/v1/embeddings"] = whole(bomb(), "Content-Encoding: gzip")
    with costs(process) as found:
        async with http.post(f"{process.url}/v1/embeddings", json={"model": "Embeddings", "input": "a"}) as response:
            assert response.status == 502
    assert found.grown < 20 * MEGABYTE, found


@pytest.mark.long
async def test_a_count_of_tokens(hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession) -> None:
    """The answer that was cut at a stop sequence comes without its count."""
    process = await attacked()
    hostile.answers[CHAT] = whole(event(content="one STOP two") + event("stop") + DONE, kind="text/event-stream")
    hostile.answers["/v1/tokens/count"] = whole(bomb(), "Content-Encoding: gzip")
    with costs(process) as found:
        status, text = await chat(http, process, stop="STOP")
    assert (status, '"content":"one "' in text, '"usage"' in text) == (200, True, False)
    assert found.grown < 20 * MEGABYTE, found


@pytest.mark.long
@pytest.mark.parametrize("path", ["/oauth", "/v1/models"])
async def test_the_gateways_own_questions(hostile: Hostile, attacked: Attacked, path: str) -> None:
    """The operator reads what is wrong, where the gateway can do nothing without the answer."""
    hostile.answers[path] = whole(bomb(), "Content-Encoding: gzip")
    process = await attacked(ready=False)
    with costs(process) as found:
        await eventually(lambda: hostile.asked[path] > 0, 20)
        await asyncio.sleep(1)
    assert found.grown < 30 * MEGABYTE, found
    assert "compressed (Content-Encoding: gzip)" in process.log.read_text("utf-8")


@pytest.mark.samples("Content-Encoding: gzip", "Transfer-Encoding: gzip, chunked")
@pytest.mark.parametrize(
    "header",
    [
        "Content-Encoding: gzip",
        "Content-Encoding: GZIP",
        "Content-Encoding: x-gzip",
        "Content-Encoding: deflate",
        "Content-Encoding: br",
        "Content-Encoding: zstd",
        "Content-Encoding: identity, gzip",
        "Content-Encoding: gzip, gzip",
        "Content-Encoding: identity\r\nContent-Encoding: gzip",
        "Content-Encoding: \tgzip \t",
        "Content-Encoding: \xff<script>",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: gzip, chunked",
    ],
)
async def test_codings(hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession, header: str) -> None:
    """Whatever it is called: the client reads a failure of the upstream, the operator which coding it was."""
    process = await attacked()
    packed = gzip.compress(answer())
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{header}\r\nConnection: close\r\n\r\n"
    hostile.answers[CHAT] = head.encode("latin-1") + packed
    for stream in (False, True):
        status, text = await chat(http, process, stream=stream)
        assert (status, "upstream_error" in text) == (502, True)
    line = operators_line(process)
    assert "is compressed" in line or "ClientResponseError" in line
    assert "<script>" not in text


@pytest.mark.samples("Content-Encoding: identity")
@pytest.mark.parametrize("header", ["Content-Encoding: identity", "Content-Encoding: Identity, ", "Content-Encoding: "])
async def test_what_is_not_coded_passes(
    hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession, header: str
) -> None:
    """An answer that says that it is as it is."""
    process = await attacked()
    hostile.answers[CHAT] = whole(answer("сойдёт"), header)
    status, text = await chat(http, process)
    assert (status, "сойдёт" in text) == (200, True)
    body = event(content="сойдёт") + event("stop") + DONE
    hostile.answers[CHAT] = whole(body, header, kind="text/event-stream")
    status, text = await chat(http, process, stream=True)
    assert (status, "сойдёт" in text) == (200, True)
