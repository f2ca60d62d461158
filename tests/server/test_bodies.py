"""Request bodies over the wire: broken, encoded, cut off, too large, too many; none costs anything upstream."""

from __future__ import annotations

import asyncio
import gzip
import io
import logging
import time
import zlib
from collections import Counter
from typing import Any

import aiohttp
import orjson
import pytest

from app.sandbox import server
from app.server.app_keys import BODIES
from tests.running import GatewayStarter, Running, eventually
from tests.watching import CHAT, ask, asking, everything, lines, raw, saying, told

HI = orjson.dumps(saying("hi"))
MIB = 1024 * 1024
BROKEN = {
    "empty": (b"", "the body is empty"),
    "blank": (b" \r\n\t ", "the body is empty"),
    "cut off": (b'{"model": "GigaChat",\n "messages": [', "line 2, column"),
    "single quotes": (b"{'model': 'x'}", "line 1, column 2"),
    "trailing comma": (b'{"a": 1,}', "line 1, column 8"),
    "two values": (b"{} {}", "line 1, column 4"),
    "NaN": (b'{"temperature": NaN}', "line 1, column 17"),
    "a number beyond all bounds": (b'{"temperature": 1e999}', "line 1, column"),
    "a form": (b"model=GigaChat&messages=hi", "line 1, column 1"),
    "invalid UTF-8": (b'{"model": "\xff\xfe"}', "UTF-8"),
    "UTF-16": ('{"model": "x"}'.encode("utf-16"), "it is UTF-16 or UTF-32: send UTF-8"),
    "UTF-16 without a mark": ('{"model": "x"}'.encode("utf-16-le"), "it is UTF-16 or UTF-32: send UTF-8"),
    "UTF-32, the other way": (' {"model": "x"}'.encode("utf-32-be"), "it is UTF-16 or UTF-32: send UTF-8"),
    "a mark and nothing": (b"\xef\xbb\xbf", "the body is empty"),
    "a mark before a form": (b"\xef\xbb\xbfa=b", "line 1, column 1"),
    "a mark within": (b'{"a":\xef\xbb\xbf1}', "line 1, column"),
    "a raw NUL": (b'{"model": "a\x00b"}', "line 1, column"),
    "a raw line end": (b'{"model": "a\nb"}', "line 1, column"),
    "half a surrogate, then a fault": (b'{"model": "\\ud83d",\n x}', "line 2, column 2"),
    "half a surrogate as a key's neighbour": (b"{\\ud83d: 1}", "line 1, column 2"),
    "half a surrogate and invalid UTF-8": (b'{"a": "\xed\xa0\xbd",\n "b": "\xff"}', "not UTF-8 at line 2, column 8"),
    "half of half a surrogate": (b'{"a": "\\ud8"}', "line 1, column"),
    "half a surrogate in a list": (b'["\\ud83d"]', "object"),
    "too many surrogates": (b'{"a": "' + b"\\ud83d" * 100_001 + b'"}', "more than 100000 surrogates"),
    "nested too deep": (b'{"messages": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", "line 1, column"),
    "objects nested too deep": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "line 1, column"),
    "a list": (b"[]", "object"),
    "a string": (b'"hi"', "object"),
    "null": (b"null", "object"),
    "a number": (b"1", "object"),
}


@pytest.mark.parametrize("path", [CHAT, "/v1/embeddings", "/chat/completions"])
@pytest.mark.parametrize(("body", "said"), BROKEN.values(), ids=BROKEN)
async def test_no_json(
    body: bytes,
    said: str,
    path: str,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A body that is no JSON object is a 400 that says where, never repeats the body, and asks nobody."""
    gateway = await start_gateway(ready=False)
    reply = await ask(http, gateway, path=path, data=body)
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "invalid_json", None)
    assert said in reply.error["message"]
    assert len(reply.text) < 400
    assert not sandbox.state.requests.of("chat") + sandbox.state.requests.of("embeddings")
    assert "Traceback" not in everything(caplog)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense"])
async def test_the_content_type_does_not_matter(kind: str, gateway: Running, http: aiohttp.ClientSession) -> None:
    """JSON is taken whatever the client calls it: some call it nothing at all."""
    assert (await ask(http, gateway, data=HI, headers={"Content-Type": kind})).content == "hi"


@pytest.mark.parametrize(
    ("encoding", "body"), [("gzip", gzip.compress(HI)), ("deflate", zlib.compress(HI))], ids=["gzip", "deflate"]
)
async def test_compressed(encoding: str, body: bytes, gateway: Running, http: aiohttp.ClientSession) -> None:
    """A compressed body is read."""
    assert (await ask(http, gateway, data=body, headers={"Content-Encoding": encoding})).content == "hi"


@pytest.mark.parametrize(
    "body", [b"no gzip" + HI, gzip.compress(HI)[:-12], gzip.compress(HI)[:20], b""], ids=["no", "cut", "short", "empty"]
)
async def test_wrongly_compressed(
    body: bytes, gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """A compressed body that cannot be read is a 400 without a traceback, and the next request is served."""
    caplog.set_level(logging.INFO, "gpt2giga")
    reply = await ask(http, gateway, data=body, headers={"Content-Encoding": "gzip"})
    assert (reply.status, reply.error["code"]) == (400, "invalid_json")
    assert (await ask(http, gateway, data=HI)).content == "hi"
    assert (await told(caplog, 2))["status"] == 200
    assert "Traceback" not in everything(caplog)
    assert "Unhandled" not in everything(caplog)


async def test_a_bomb(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """The limit is that of the unpacked body: a small body that unpacks to a large one is refused on the way."""
    gateway = await start_gateway(ready=False, GPT2GIGA_MAX_BODY_BYTES="1MiB", GPT2GIGA_MAX_BODIES_BYTES="4MiB")
    bomb = gzip.compress(b"[" * 32 * MIB)
    assert len(bomb) < 64 * 1024
    reply = await ask(http, gateway, data=bomb, headers={"Content-Encoding": "gzip"})
    assert (reply.status, reply.error["code"]) == (413, "request_too_large")
    assert left(gateway) == 4 * MIB


async def chunks(size: int, step: int = MIB) -> Any:
    """A body of unknown length."""
    for _ in range(size // step):
        yield b"x" * step


@pytest.mark.parametrize("length_known", [True, False])
@pytest.mark.parametrize(("limit", "size"), [("", 65 * MIB), ("1000", 1001), ("64KiB", MIB)])
async def test_over_the_limit(
    limit: str, size: int, length_known: bool, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """A body over the limit, 64 MiB by default, is a 413 that names the setting, with and without a length."""
    gateway = await start_gateway(ready=False, GPT2GIGA_MAX_BODY_BYTES=limit)
    full = left(gateway)
    data: Any = io.BytesIO(b"x" * size) if length_known else chunks(size, min(size, MIB))
    reply = await ask(http, gateway, data=data)
    assert (reply.status, reply.error["code"]) == (413, "request_too_large")
    assert "GPT2GIGA_MAX_BODY_BYTES" in reply.error["message"]
    await eventually(lambda: left(gateway) == full)


async def test_at_the_limit(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """A body of exactly the limit is taken."""
    gateway = await start_gateway(ready=False, GPT2GIGA_MAX_BODY_BYTES=str(len(HI)))
    assert (await ask(http, gateway, data=HI)).content == "hi"
    assert (await ask(http, gateway, data=HI + b" ")).status == 413


async def test_a_large_body(gateway: Running, http: aiohttp.ClientSession) -> None:
    """A long conversation in many small pieces arrives whole."""
    data = orjson.dumps({**saying("hi"), "metadata": {"x": "я" * MIB}})

    async def pieces() -> Any:
        for start in range(0, len(data), 50_001):
            yield data[start : start + 50_001]

    assert (await ask(http, gateway, data=pieces())).content == "hi"


HEAD = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".encode()
LENGTHS = {
    "shorter": HEAD + b"Content-Length: 10\r\n\r\n" + HI,
    "none": HEAD + b"\r\n",
    "zero": HEAD + b"Content-Length: 0\r\n\r\n" + HI,
    "negative": HEAD + b"Content-Length: -1\r\n\r\n" + HI,
    "no number": HEAD + b"Content-Length: many\r\n\r\n" + HI,
    "both kinds": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + HI,
    "broken chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + HI,
}


@pytest.mark.parametrize("request_", LENGTHS.values(), ids=LENGTHS)
async def test_a_wrong_length(
    request_: bytes, sandbox: server.Running, gateway: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """A body whose length is wrong is a 400; it is no bug of ours and asks nobody."""
    answer = await raw(gateway, request_)
    assert answer.split(b" ", 2)[1] == b"400", answer
    assert not sandbox.state.requests.of("chat")
    assert "a bug of the gateway" not in everything(caplog)


UNFINISHED = {
    "a length that never comes": HEAD + b"Content-Length: 500\r\n\r\n" + HI,
    "chunks without their end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + HI[:5] + b"\r\n",
    "a chunk cut off": HEAD + b"Transfer-Encoding: chunked\r\n\r\n500\r\n" + HI[:5],
}


@pytest.mark.parametrize("request_", UNFINISHED.values(), ids=UNFINISHED)
async def test_a_client_that_leaves_inside_its_body(
    request_: bytes, sandbox: server.Running, gateway: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """It is a client gone: no error of ours, nothing asked upstream, and its bytes are given back."""
    caplog.set_level(logging.INFO, "gpt2giga")
    full = left(gateway)
    await raw(gateway, request_, end=True)
    line = await told(caplog)
    assert (line["status"], line["error_type"], line["aborted_by"]) == (499, "client_closed", "client")
    assert left(gateway) == full
    assert not sandbox.state.requests.of("chat")
    assert "Traceback" not in everything(caplog)


def left(gateway: Running) -> int:
    """The memory for bodies that is free."""
    return gateway.app[BODIES].memory.left


async def test_many_at_once(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Bodies that do not fit into memory together are turned away with a 503; afterwards all memory is free again."""
    caplog.set_level(logging.INFO, "gpt2giga")
    gateway = await start_gateway(ready=False, GPT2GIGA_MAX_BODIES_BYTES="3MiB")
    held = {**asking("sandbox:wait 0.3\nsandbox:say held"), "metadata": {"x": "x" * MIB}}
    replies = await asyncio.gather(*(ask(http, gateway, held) for _ in range(8)))
    answers = [reply for reply in replies if reply.status == 200]
    refused = [reply for reply in replies if reply.status != 200]
    assert 1 <= len(answers) <= 2
    assert {(reply.status, reply.error["code"], reply.headers["Retry-After"]) for reply in refused} == {
        (503, "overloaded", "1")
    }
    assert left(gateway) == 3 * MIB
    assert Counter(line.get("error_type") for line in lines(caplog)) == {None: len(answers), "overloaded": len(refused)}
    assert (await ask(http, gateway, held)).content == "held"


async def test_memory_is_free_after_every_end(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Errors, refusals, broken streams and clients that leave all give their bytes back."""
    gateway = await start_gateway(ready=False, GPT2GIGA_MAX_BODY_BYTES="10000")
    full = left(gateway)
    sandbox.state.faults.add("status", where="chat", status=500, times=1)
    assert (await ask(http, gateway, data=HI)).status == 502
    sandbox.state.faults.add("cut", where="chat", times=1)
    assert (await ask(http, gateway, saying("hi", stream=True))).status == 200
    assert (await ask(http, gateway, data=b"{")).status == 400
    assert (await ask(http, gateway, data=chunks(20_000, 1000))).status == 413
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await ask(http, gateway, asking("sandbox:wait 30"))
    await eventually(lambda: left(gateway) == full)


TOOL = {"type": "function", "function": {"name": "f", "description": "x" * 20_000}}


@pytest.mark.parametrize(("more", "held"), [({}, False), ({"tools": [TOOL]}, True)], ids=["words", "tools"])
async def test_a_stream_under_way_holds_its_tools_alone(
    more: dict[str, Any], held: bool, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """What was asked is not needed any more once the answer has begun, but for the functions."""
    memory = gateway.app[BODIES].memory
    body = {**asking("sandbox:long 500", stream=True, **more), "user": "x" * 20_000}
    async with http.post(gateway.url + CHAT, json=body) as response:
        await response.content.readany()
        assert (memory.left < memory.limit) is held
    await eventually(lambda: memory.left == memory.limit)


@pytest.mark.parametrize("filling", ["[]", "{}", "1"])
async def test_a_body_of_millions_of_values(filling: str, gateway: Running, http: aiohttp.ClientSession) -> None:
    """It is refused before it is read: it would hold up everybody else."""
    values = ",".join([filling] * 600_000)
    body = f'{{"model":"GigaChat","messages":[{{"role":"user","content":"a"}}],"x":[{values}]}}'
    begun = time.perf_counter()
    async with http.post(f"{gateway.url}/v1/chat/completions", data=io.BytesIO(body.encode())) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (400, "invalid_json")
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize("in_pieces", [True, False])
async def test_a_large_text_of_wide_characters(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession, in_pieces: bool
) -> None:
    """One of them makes its whole text four bytes a character, which counts; another text is not touched by it."""
    gateway = await start_gateway(GPT2GIGA_MAX_BODIES_BYTES=str(16 * MIB))
    step = 10_007 if in_pieces else 16 * MIB
    for ending, other, status in (("", "", 200), ("😀", "", 503), ("\\ud83d\\ude00", "", 503), ("", "😀", 200)):
        text = f'"user": "{"a" * 4 * MIB}{ending}"'
        body = f'{{"model": "x", {text}, "messages": [{{"role": "user", "content": "a{other}"}}]}}'.encode()

        async def pieces(body: bytes = body) -> Any:
            for at in range(0, len(body), step):
                yield body[at : at + step]

        reply = await ask(http, gateway, data=pieces())
        assert (reply.status == 503) == (status == 503), reply.text
        assert left(gateway) == 16 * MIB
