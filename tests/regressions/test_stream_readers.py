"""Streams are read by whatever people read them with: no line is cut inside a text, or is longer than readers take.

How much one line may hold is told in tests/translate/test_text_pieces.py, what is escaped in tests/test_client_json.py.
"""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from app import sse
from app.sandbox import server
from tests.running import GatewayStarter
from tests.stream_readers import NAIVE, READERS, Chunks, Reader
from tests.watching import ask, asking, saying, tool

# Ends of lines for one reader or another: х is D1 85, and 85 ends a line in ISO-8859-1.
TEXT = "Хорошо, ох уж эти хлопоты.\u2028Вторая\u2029третья\x85четвёртая — «да» 🚀\x0b\x0c\x1c\x1d\x1e конец"
LONG: dict[str, Any] = {"text": TEXT * 1800, "n": 7}  # more than 200 KB
SLOW = pytest.mark.long
READ = pytest.mark.parametrize("read", READERS.values(), ids=READERS)
SILENT = {"GPT2GIGA_COMMIT_SECONDS": "0.03", "GPT2GIGA_KEEPALIVE_SECONDS": "0.03"}


def calling(arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A request whose answer is a call with these arguments."""
    text = f"sandbox:call save {json.dumps(arguments, ensure_ascii=False)}"
    return asking(text, stream=True, **({"tools": [tool("save")]} | more))


def put_together(chunks: Chunks) -> dict[str, Any]:
    """What the official client makes of the chunks."""
    state = ChatCompletionStreamState()
    for chunk in chunks:
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    return state.get_final_completion().choices[0].to_dict()


def arguments_of(choice: dict[str, Any]) -> Any:
    """Those of the one call of a choice."""
    message = choice["message"]
    call = message.get("function_call") or message["tool_calls"][0]["function"]
    assert len(message.get("tool_calls") or [call]) == 1
    assert call["name"] == "save"
    return json.loads(call["arguments"])


@READ
@pytest.mark.parametrize("kind", ["comment", pytest.param("delta", marks=SLOW), pytest.param("off", marks=SLOW)])
async def test_a_text_with_ends_of_lines(
    kind: str, read: Reader, sandbox: server.Running, start_gateway: GatewayStarter
) -> None:
    """Word for word, with signs of life before it and in it."""
    gateway = await start_gateway(GPT2GIGA_KEEPALIVE=kind, **SILENT)
    sandbox.state.faults.add("slow", where="chat", seconds=0.15)
    sandbox.state.faults.add("stall", where="chat", after=2, seconds=0.15)
    body = saying(TEXT, stream=True, stream_options={"include_usage": True})
    chunks = await read(gateway.url, body)
    choice = put_together(chunks)
    assert choice["message"]["content"] == TEXT
    assert choice["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["total_tokens"] > 0
    assert len(sandbox.state.requests.of("chat")) == 1
    if kind == "delta":
        assert chunks[0]["model"] == "gpt-4o"
        assert chunks[0]["choices"][0]["delta"] == {}
        assert len({chunk["id"] for chunk in chunks}) == 1


@READ
@pytest.mark.parametrize("form", ["tools", "functions"])
async def test_long_arguments(form: str, read: Reader, start_gateway: GatewayStarter) -> None:
    """200 KB of them come whole, and JSON inside the JSON's string stays the same."""
    gateway = await start_gateway()
    body = calling(LONG)
    if form == "functions":
        body["functions"] = [one["function"] for one in body.pop("tools")]
    chunks = await read(gateway.url, body)
    assert len(chunks) > 20
    assert arguments_of(put_together(chunks)) == LONG


@READ
@pytest.mark.parametrize(
    "how", ["string", pytest.param("repeated", marks=SLOW), pytest.param("growing_string", marks=SLOW)]
)
async def test_a_call_in_several_deltas(
    how: str, read: Reader, sandbox: server.Running, start_gateway: GatewayStarter
) -> None:
    """With signs of life between them it comes once, whole."""
    gateway = await start_gateway(GPT2GIGA_KEEPALIVE="delta", **SILENT)
    sandbox.state.faults.add("call_pieces", how=how, size=60, state="last")
    sandbox.state.faults.add("stall", where="chat", after=2, seconds=0.15)
    arguments = {"text": TEXT, "n": [1, {}]}
    choice = put_together(await read(gateway.url, calling(arguments)))
    assert arguments_of(choice) == arguments
    assert choice["finish_reason"] == "tool_calls"


@READ
@pytest.mark.parametrize("field", ["content", pytest.param("reasoning_content", marks=SLOW)])
async def test_a_long_text_in_one_event(
    field: str, read: Reader, sandbox: server.Running, start_gateway: GatewayStarter
) -> None:
    """GigaChat may give a whole answer at once: its line is cut as well, also where each character is escaped."""
    gateway = await start_gateway()
    said = TEXT * 1000 + "\x01" * 50_000
    event = {"choices": [{"delta": {field: said}, "index": 0}], "created": 1, "model": "GigaChat"}
    sandbox.state.faults.add("garbage", where="chat", after=1, text=json.dumps(event))
    chunks = await read(gateway.url, saying("x", stream=True))
    words = [choice["delta"].get(field) or "" for chunk in chunks for choice in chunk["choices"]]
    assert "".join(words).replace("x", "") == said


@pytest.mark.parametrize("kind", ["delta", "off"])
@pytest.mark.parametrize("body", [saying(TEXT, stream=True), calling({"text": TEXT}), saying("x", stream=True, n=2)])
async def test_a_loop_that_parses_every_line(
    kind: str, body: dict[str, Any], sandbox: server.Running, start_gateway: GatewayStarter
) -> None:
    """There is nothing in a stream but JSON and the end, whatever GigaChat is silent for."""
    gateway = await start_gateway(GPT2GIGA_KEEPALIVE=kind, **SILENT)
    sandbox.state.faults.add("slow", where="chat", seconds=0.15, times=2)
    sandbox.state.faults.add("stall", where="chat", after=1, seconds=0.15, times=2)
    chunks = await NAIVE(gateway.url, body)
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in chunks)
    empty = [chunk for chunk in chunks if chunk["choices"] and chunk["choices"][0]["delta"] == {}]
    silent = [chunk for chunk in empty if chunk["choices"][0]["finish_reason"] is None]
    assert (len(silent) >= 2) is (kind == "delta")
    assert put_together(chunks)["finish_reason"] in {"stop", "tool_calls"}


CHOICES: dict[str, dict[str, Any]] = {
    "texts": {"n": 3},
    "with a stop": {"n": 2, "stop": ["никогда"]},
    "with usage": {"n": 2, "stream_options": {"include_usage": True}},
    "calls": {"n": 2, "tools": [tool("save")]},
}


@pytest.mark.parametrize("more", CHOICES.values(), ids=CHOICES)
async def test_nothing_of_a_choice_follows_its_finish(
    more: dict[str, Any], sandbox: server.Running, start_gateway: GatewayStarter
) -> None:
    """GigaChat's silence before the next choice is that one's: a reader takes a finish reason from the last chunk."""
    gateway = await start_gateway(GPT2GIGA_KEEPALIVE="delta", **SILENT)
    sandbox.state.faults.add("slow", where="chat", seconds=0.3, times=None)
    body = calling({"text": TEXT}, **more) if "tools" in more else saying(TEXT, stream=True, **more)
    chunks = await NAIVE(gateway.url, body)
    last = {one["index"]: one["finish_reason"] for chunk in chunks for one in chunk["choices"]}
    assert last == dict.fromkeys(range(more["n"]), "tool_calls" if "tools" in more else "stop")
    silent = [one["index"] for chunk in chunks for one in chunk["choices"] if one["delta"] == {}]
    assert silent == sorted(silent)
    assert all(silent.count(index) >= 2 for index in last)


@pytest.mark.parametrize("kind", ["comment", "delta", "off"])
async def test_a_sign_of_life_is_no_event(
    kind: str, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """After it GigaChat is asked in another way, as if nothing had gone out; a refusal is an event then."""
    gateway = await start_gateway(GPT2GIGA_KEEPALIVE=kind, **SILENT)
    sandbox.state.faults.add("ignore_format", where="chat")
    sandbox.state.faults.add("slow", where="chat", seconds=0.15)
    wanted = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": wanted}}
    reply = await ask(http, gateway, asking("Где?", stream=True, response_format=form))
    first = {"comment": sse.KEEPALIVE.decode(), "delta": "data: {", "off": 'data: {"id"'}[kind]
    assert reply.text.startswith(first)
    assert set(json.loads(reply.content)) == {"city"}
    assert len(sandbox.state.requests.of("chat")) == 2
    sandbox.state.faults.add("slow", where="chat", seconds=0.15)
    sandbox.state.faults.add("status", where="chat", status=422, message="Invalid params: no")
    refused = await ask(http, gateway, saying("x", stream=True))
    assert refused.status == 200
    assert refused.events[-1]["error"]["code"] == "upstream_rejected"
    assert "[DONE]" not in refused.text


@pytest.mark.parametrize("kind", ["comment", "delta", "off"])
async def test_the_status_line_goes_out_when_it_is_due(
    kind: str, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Also where no sign of life follows it."""
    gateway = await start_gateway(GPT2GIGA_KEEPALIVE=kind, **SILENT)
    sandbox.state.faults.add("slow", where="chat", seconds=3)
    url = f"{gateway.url}/v1/chat/completions"
    async with http.post(url, json=saying("x", stream=True), timeout=aiohttp.ClientTimeout(sock_read=1)) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"


# path, body, status
OTHERS: list[tuple[str, dict[str, Any] | None, int]] = [
    ("/v1/chat/completions", saying(TEXT), 200),
    ("/v1/chat/completions", calling({"text": TEXT}) | {"stream": False}, 200),
    ("/v1/chat/completions", saying("x", tool_choice=TEXT), 400),
    ("/v1/embeddings", {"model": f"a{TEXT}", "input": "x"}, 404),
    ("/v1/models/a\u2028b\x85c", None, 404),
]


@pytest.mark.parametrize(("path", "body", "status"), OTHERS)
async def test_whole_answers_and_errors_are_one_line(
    path: str, body: dict[str, Any] | None, status: int, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Every JSON that goes out is one line for everybody."""
    gateway = await start_gateway()
    reply = await ask(http, gateway, body, path=path, method="GET" if body is None else "POST")
    assert reply.status == status
    assert len(reply.text.splitlines()) == 1
    if status == 200:
        message = reply.json["choices"][0]["message"]
        calls = message.get("tool_calls")
        assert (json.loads(calls[0]["function"]["arguments"])["text"] if calls else message["content"]) == TEXT
