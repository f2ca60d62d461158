"""Bodies as people's programs send them: with a byte order mark, half a character, tables of a million cells."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import time
import zlib
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import aiohttp
import openai
import orjson
import pytest
from openai.types.chat import ChatCompletion

from app.sandbox import server
from tests.running import Running
from tests.watching import ask, saying

HI = saying("hi")
BOM = b"\xef\xbb\xbf"
JSON = orjson.dumps(HI)
MARKED = {
    "one mark": BOM + JSON,
    "two marks": BOM + BOM + JSON,
    "lines around it": b"\r\n" + BOM + b"\n " + JSON + b"\n",
    "a mark and half a character": BOM + JSON.replace(b"hi", rb"hi\ud83d"),
}


@pytest.mark.parametrize("body", MARKED.values(), ids=MARKED)
async def test_a_byte_order_mark(body: bytes, gateway: Running, http: aiohttp.ClientSession) -> None:
    """Windows's editors and PHP write it: it is skipped, packed or not, whole and streamed."""
    packed = {"Content-Encoding": "gzip"}
    for data, headers in ((body, {}), (gzip.compress(body), packed)):
        reply = await ask(http, gateway, data=data, headers=headers)
        assert reply.content.rstrip("\ufffd") == "hi"
        assert reply.headers.get("x-gateway-adapted") == (HALF if "\ufffd" in reply.content else None)
    streamed = body.replace(b'{"model"', b'{"stream":true,"model"')
    assert (await ask(http, gateway, data=streamed)).content.rstrip("\ufffd") == "hi"
    embedded = BOM + b'{"model":"Embeddings","input":"a"}'
    assert (await ask(http, gateway, data=embedded, path="/v1/embeddings")).status == 200


HALF = "surrogate->U+FFFD"
ESCAPED, RAW = rb"\ud83d", b"\xed\xa0\xbd"
USER, LATER = b'{"role":"user","content":"a"}', b'{"role":"user","content":"c"}'
CALLING = b'{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"%b"}}]}'
RESULT = b'{"role":"tool","tool_call_id":"1","content":"%b"}'
ARGUMENTS = b'{\\"q\\":\\"x%b\\"}'
TOOL = b'{"type":"function","function":{"name":"f","description":"d%b","parameters":{"type":"object"}}}'
KEYED = b'{"name":"f","parameters":{"type":"object","properties":{"k%b":{"type":"string"}}}}'


def talk(*messages: bytes, more: bytes = b"") -> bytes:
    """A body, as text, in which one %b is left."""
    return b'{"messages":[' + b",".join(messages) + b"]" + more + b"}"


# Where half a character may stand, and what strict mode calls the place.
PLACES: dict[str, tuple[bytes, str]] = {
    "a message": (talk(b'{"role":"user","content":"sandbox:say a%b"}'), "messages[0]"),
    "a part": (talk(b'{"role":"user","content":[{"type":"text","text":"a%b"}]}'), "messages[0]"),
    "the past": (talk(USER, b'{"role":"assistant","content":"b%b"}', LATER), "messages[1]"),
    "arguments": (talk(USER, CALLING % ARGUMENTS, RESULT % b"ok"), "messages[1]"),
    "a result": (talk(USER, CALLING % b"{}", RESULT), "messages[2]"),
    "a description": (talk(USER, more=b',"tools":[' + TOOL + b"]"), "tools[0]"),
    "a key": (talk(USER, more=b',"tools":[{"type":"function","function":' + KEYED + b"}]"), "tools[0]"),
    "an unknown field": (talk(USER, more=b',"x%b":1'), "body"),
    "the user": (talk(USER, more=b',"user":"u%b"'), "user"),
    "a stop": (talk(USER, more=b',"stop":["b","s%b"]'), "stop[1]"),
}


@pytest.mark.parametrize("half", [ESCAPED, rb"\uDE00", RAW], ids=["high", "low", "bytes"])
@pytest.mark.parametrize(("body", "place"), PLACES.values(), ids=PLACES)
async def test_half_a_character(
    body: bytes, place: str, half: bytes, gateway: Running, sandbox: server.Running, http: aiohttp.ClientSession
) -> None:
    """It is told, whole and streamed; GigaChat gets U+FFFD; strict mode refuses it by the field's name, for free."""
    data = body % half
    for sent in (data, data.replace(b'{"messages"', b'{"stream":true,"messages"')):
        reply = await ask(http, gateway, data=sent)
        assert reply.status == 200, reply.text
        assert HALF in reply.headers["x-gateway-adapted"].split(", ")
    asked = [orjson.dumps(one.body).decode() for one in sandbox.state.requests.of("chat")]
    if place not in ("body", "user", "stop[1]"):
        assert all("\ufffd" in one for one in asked), asked
    strict = await ask(http, gateway, data=data, headers={"X-Gateway-Strict": "1"})
    assert (strict.status, strict.error["code"], strict.error["param"]) == (400, "unsupported_parameter", place)
    assert HALF in strict.error["message"]
    assert len(sandbox.state.requests.of("chat")) == len(asked)


async def test_half_a_character_elsewhere(
    gateway: Running, sandbox: server.Running, http: aiohttp.ClientSession
) -> None:
    """In embeddings; in a model's name, which nobody has then; and whole pairs cost nothing."""
    for half in (ESCAPED, RAW):
        reply = await ask(http, gateway, data=b'{"input":["a","b%b"]}' % half, path="/v1/embeddings")
        assert (reply.status, HALF in reply.headers["x-gateway-adapted"]) == (200, True)
        assert sandbox.state.requests.of("embeddings")[-1].body["input"] == ["a", "b\ufffd"]
        strict = {"X-Gateway-Strict": "true"}
        reply = await ask(
            http,
            gateway,
            data=b'{"model":"Embeddings","input":["a","b%b"]}' % half,
            path="/v1/embeddings",
            headers=strict,
        )
        assert (reply.status, reply.error["param"]) == (400, "input[1]")
        named = await ask(http, gateway, data=b'{"model":"no%b","messages":[{"role":"user","content":"a"}]}' % half)
        assert (named.status, named.error["code"]) == (404, "model_not_found")
    for pair in (rb"\ud83d\ude00", "😀".encode(), b"\xed\xa0\xbd\xed\xb8\x80"):
        reply = await ask(http, gateway, data=JSON.replace(b"hi", pair))
        assert (reply.content, reply.headers.get("x-gateway-adapted")) == ("😀", None)


async def test_the_sdk_and_half_a_character(gateway: Running) -> None:
    """A text that was cut within an emoji, as Python's and JavaScript's programs send it."""
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="any", max_retries=0) as client:
        for text in ("привет \ud83d", "\ude00 a", "a\ud83d\ud83d b"):
            wire = json.dumps({**HI, "messages": [{"role": "user", "content": f"sandbox:say {text}"}]}).encode()
            answer = await client.post(
                "/chat/completions",
                cast_to=ChatCompletion,
                content=wire,
                options={"headers": {"Content-Type": "application/json"}},
            )
            whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
            assert answer.choices[0].message.content == whole


ROW = ",".join(["1", "", ""] * 85)
TABLES: dict[str, Any] = {
    "commas": [ROW] * 2048,
    "brackets": ["[1] {a}[2] {b}" * 20] * 2048,
    "quotes": [('"a","b",' * 100)[:700]] * 2048,
    "backslashes": [('C:\\a\\,"\\",' * 60)[:600]] * 2048,
}


@pytest.mark.samples("commas")
@pytest.mark.parametrize("rows", TABLES.values(), ids=TABLES)
async def test_rows_of_tables(
    rows: list[str], gateway: Running, sandbox: server.Running, http: aiohttp.ClientSession
) -> None:
    """2,048 of them are 2,048 values, whatever stands in them; each has its vector."""
    body = {"model": "Embeddings", "input": rows, "encoding_format": "base64"}
    reply = await ask(http, gateway, body, path="/v1/embeddings")
    assert (reply.status, len(reply.json["data"])) == (200, 2048), reply.text[:300]
    sent = [text for one in sandbox.state.requests.of("embeddings") for text in one.body["input"]]
    assert sent == rows


async def test_a_table_in_a_chat(gateway: Running) -> None:
    """Of a million cells: the model's length is the reason, which the SDK is told, not the number of commas."""
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="any", max_retries=0) as client:
        for text in ("a,[1]," * 300_000, '"a","b",' * 300_000, "{[" * 600_000):
            for stream in (False, True):
                messages: Any = [{"role": "system", "content": text}, *HI["messages"]]
                with pytest.raises(openai.BadRequestError) as caught:
                    await client.chat.completions.create(model="gpt-4o", messages=messages, stream=stream)
                assert caught.value.code == "context_length_exceeded"


TOO_MANY = {
    "numbers": b'{"input":[' + b"1," * 600_000 + b"1]}",
    "texts": b'{"input":[' + b'"a,b",' * 600_000 + b'"a"]}',
    "lists": b'{"input":[' + b"[]," * 600_000 + b"[]]}",
    "keys": b'{"x":{' + b",".join(b'"%d,[":1' % number for number in range(600_000)) + b"}}",
    "values behind a text that seems to go on": b'{"a":"\\\\","input":[' + b"1," * 600_000 + b'1],"b":"\\""}',
}


@pytest.mark.parametrize("body", TOO_MANY.values(), ids=TOO_MANY)
async def test_too_many_values(
    body: bytes, gateway: Running, sandbox: server.Running, http: aiohttp.ClientSession
) -> None:
    """The bound stays, for either endpoint; texts around the values hide none."""
    for path in ("/v1/embeddings", "/v1/chat/completions"):
        reply = await ask(http, gateway, data=io.BytesIO(body), path=path)
        assert (reply.status, reply.error["code"]) == (400, "invalid_json")
        assert "more than 500000 values" in reply.error["message"]
    assert not sandbox.state.requests.of("embeddings") + sandbox.state.requests.of("chat")


@pytest.mark.long
async def test_the_count_holds_up_nobody(gateway: Running, http: aiohttp.ClientSession) -> None:
    """While 60 MB of commas are counted, others are answered."""
    body = b'{"model":"Embeddings","input":["' + b"," * 60_000_000 + b'","a"]}'
    slow = asyncio.create_task(ask(http, gateway, data=io.BytesIO(body), path="/v1/embeddings"))
    longest = 0.0
    while not slow.done():
        begun = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - begun)
    assert (await slow).status in (200, 400)
    assert longest < 1.5


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress], ids=["deflate", "gzip"])
@pytest.mark.parametrize("length_known", [True, False])
async def test_a_packed_body_that_breaks_off(
    pack: Callable[[bytes], bytes], length_known: bool, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Of many packets: it is a 400 that says so, at once, and the next one is served."""
    whole = JSON[:-1] + b',"x":"' + bytes(Random(1).choices(b"abcdefgh", k=600_000)) + b'"}'
    packed, headers = pack(whole), {"Content-Encoding": "gzip" if pack is gzip.compress else "deflate"}

    async def pieces(data: bytes) -> AsyncIterator[bytes]:
        for at in range(0, len(data), 50_000):
            yield data[at : at + 50_000]

    broken = bytearray(packed)
    broken[len(broken) // 2 : len(broken) // 2 + 9] = bytes(9)
    for body in (packed[:-100], packed[: len(packed) // 2], packed[:2], bytes(broken)):
        begun = time.perf_counter()
        data = io.BytesIO(body) if length_known else pieces(body)
        reply = await ask(http, gateway, data=data, headers=headers)
        assert (reply.status, reply.error["code"]) == (400, "invalid_json")
        assert "cut off" in reply.error["message"]
        assert time.perf_counter() - begun < 3
    data = io.BytesIO(packed) if length_known else pieces(packed)
    assert (await ask(http, gateway, data=data, headers=headers)).content == "hi"
