"""What is kept of a hostile stream, and what one event of it may cost: bounded, whatever GigaChat sends."""

from __future__ import annotations

import json
import time
from typing import Any

import orjson
import pytest

from app import sse
from app.translate.dialogue import Begin, Delta, End, Event, Failed, Format, Request, Sampling, Text, Tool
from app.translate.gigachat import balance, embeddings, models
from app.translate.gigachat.contract import UnreadableError
from app.translate.gigachat.lenient_json import is_bomb
from app.translate.gigachat.names import FunctionNames
from app.translate.gigachat.think_tags import ThinkTagSplitter
from app.translate.gigachat.v1 import chat_answer
from app.translate.gigachat.v1.calls import CallReader
from app.translate.gigachat.v1.functions import format_function
from app.translate.gigachat.v1.stream_reader import StreamReader

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WANTED = Request("m", [], Sampling(), format=Format(CITY))
TOOLS = Request("m", [], Sampling(), tools=[Tool("f", None, {"type": "object"}, "tools[0]")])
LONG = "m" * 1_000_000


def event(finish: str | None = None, **delta: Any) -> bytes:
    """One event, framed."""
    return sse.encode(json.dumps({"choices": [{"delta": delta, "finish_reason": finish}]}).encode())


def read(*chunks: bytes, calls: CallReader | None = None, **limits: Any) -> list[Event]:
    """All events of a stream."""
    reader = StreamReader(calls, **limits)
    return [event for chunk in chunks for event in reader.feed(chunk)] + reader.finish()


def test_names_are_short() -> None:
    """A model's name is told with each chunk, a finish reason to the log: neither may be a megabyte."""
    body = {"choices": [{"delta": {"content": "a"}, "finish_reason": LONG}], "model": LONG}
    begin, _, end = read(sse.encode(orjson.dumps(body)))
    assert isinstance(begin, Begin)
    assert isinstance(end, End)
    assert (len(begin.model), len(end.raw_finish or "")) == (256, 256)
    choice = {"message": {"content": "a"}, "finish_reason": LONG}
    whole = chat_answer.read(orjson.dumps({"choices": [choice], "model": LONG}))
    assert not isinstance(whole, Failed)
    assert (len(whole.model), len(whole.raw_finish or "")) == (256, 256)


def test_calls_are_few() -> None:
    """In number and in bytes; the same call again is none."""
    called = [event(function_call={"name": "f", "arguments": {"a": number}}) for number in range(200)]
    assert isinstance(read(*called, calls=CallReader(TOOLS, "s"))[-1], Failed)
    assert isinstance(read(*called[:100], *called[:100], event("stop"), calls=CallReader(TOOLS, "s"))[-1], End)
    assert isinstance(read(*called[:20], calls=CallReader(TOOLS, "s"), max_call_bytes=1000)[-1], Failed)


def test_prose_waits_for_a_call_only_so_long() -> None:
    """More of it than is held is the answer, and passes from there on; after the call nothing is held."""
    calls = CallReader(WANTED, "s", as_function=True)
    found = read(*[event(content="a" * 100)] * 12, event("stop"), calls=calls, max_held=1000)
    assert [one.part for one in found if isinstance(one, Delta)] == [Text("a" * 1100), Text("a" * 100)]
    call = event(function_call={"name": format_function(WANTED, FunctionNames(WANTED)), "arguments": {"city": "Омск"}})
    reader = StreamReader(CallReader(WANTED, "s", as_function=True), max_held=1000)
    assert [type(one) for one in reader.feed(call)] == [Begin]
    assert reader.feed(event(content="a" * 100) * 100) == []
    assert reader.feed(event("stop")) == [Delta(0, Text('{"city":"Омск"}'))]
    assert reader.feed(event(content="a" * 100) * 100) == []
    assert [type(one) for one in reader.finish()] == [End]


def test_blanks_before_a_tag_take_linear_time() -> None:
    """They are held until there is something else, but not a million of them."""
    thinking, began = ThinkTagSplitter(), time.process_time()
    found = [piece for _ in range(100_000) for piece in thinking.feed(" " * 10)]
    assert thinking.settled
    assert "".join(piece.text for piece in found) == " " * 1_000_000
    assert time.process_time() - began < 3


BOMBS = [b'{"a":1},', b"[],", b"1,", b'"",', b"{}", b"[[", b"1e9,"]


@pytest.mark.parametrize("unit", BOMBS)
def test_bombs(unit: bytes) -> None:
    """JSON that takes many times its size, wherever it stands; it is refused before it is parsed."""
    body = b'{"choices":[{"delta":{"content":"a"}}],"model":"m","data":[' + unit * (14 * 2**20 // len(unit)) + b"1]}"
    assert is_bomb(body)
    with pytest.raises(UnreadableError):
        chat_answer.read(body)
    with pytest.raises(UnreadableError):
        embeddings.read(body, 1)
    framed = sse.encode(body)
    began = time.process_time()
    for chunks in ([framed[at : at + 65_536] for at in range(0, len(framed), 65_536)], [framed[:-1]]):
        (failed,) = read(*chunks)
        assert isinstance(failed, Failed)
        assert failed.reason == "upstream"
    assert time.process_time() - began < 5


@pytest.mark.parametrize("text", ["a" * 8_000_000, "Слово, другое. " * 500_000, "if (a[0]) { b(); }\n" * 50_000])
def test_texts_are_none(text: str) -> None:
    """However long an answer is, in prose or in code."""
    assert not is_bomb(orjson.dumps({"choices": [{"message": {"content": text}}]}))


def test_large_embeddings_are_none() -> None:
    """The largest that GigaChat gives: 20 vectors of 2560 numbers, and ten times as many."""
    vector = [0.123456789] * 2560
    data = [{"index": number, "embedding": vector} for number in range(200)]
    assert not is_bomb(orjson.dumps({"data": data}))


def test_vectors_are_short() -> None:
    """A request's vectors are held together: none has ten times the numbers of GigaChat's largest."""
    with pytest.raises(UnreadableError):
        embeddings.read(orjson.dumps({"data": [{"index": 0, "embedding": [0.1] * 25_000}]}), 1)


def test_lists_are_short() -> None:
    """Models and packages become labels and lists: as many as no account has, and no name of a megabyte."""
    given = [{"id": f"m{number}", "owned_by": "o" * 300, "type": "t" * 300} for number in range(2000)]
    found = models.read(orjson.dumps({"data": [{"id": LONG}, *given]}))
    assert len(found) == 999
    assert (len(found[0].owner), len(found[0].kind or "")) == (256, 256)
    packages = [{"usage": LONG, "value": 1}, *({"usage": f"p{number}", "value": 1} for number in range(200))]
    assert len(balance.read(orjson.dumps({"balance": packages})) or []) == 99
