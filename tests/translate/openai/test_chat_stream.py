"""Streams written for OpenAI's clients: what a client accumulates is the whole answer, however the stream was cut."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from app import errors, sse
from app.errors import GatewayError
from app.translate.dialogue import Answer, Failed
from app.translate.gigachat.v1 import chat_answer
from app.translate.gigachat.v1.stream_reader import StreamReader
from app.translate.openai import chat_answer as openai_answer
from app.translate.openai.chat_stream import StreamWriter
from tests.examples import examples
from tests.translate.samples import sample, streams

ID = "chatcmpl-1"
USAGE = {"prompt_tokens": 17, "completion_tokens": 42, "total_tokens": 59, "precached_prompt_tokens": 2}


def written(*chunks: bytes, include_usage: bool = False) -> bytes:
    """What a client gets for a stream of GigaChat's that came in these pieces."""
    reader, writer = StreamReader(), StreamWriter(ID, include_usage=include_usage)
    batches = [*(reader.feed(chunk) for chunk in chunks), reader.finish()]
    data = b"".join(writer.feed(batch) for batch in batches if batch)
    last = next(batch[-1] for batch in reversed(batches) if batch)
    if isinstance(last, Failed):
        return data + writer.fail(GatewayError(errors.STREAM_TRUNCATED, "cut"))
    return data + writer.finish()


def payloads(data: bytes) -> list[bytes]:
    """The events of a stream, as a simple client splits them."""
    lines = data.decode().split("\n\n")
    assert lines.pop() == ""
    return [line[6:].encode() for line in lines if not line.startswith(":")]


def accumulated(data: bytes) -> dict[str, Any]:
    """A stream, put together as an OpenAI client does."""
    *chunks, done = payloads(data)
    assert done == b"[DONE]"
    whole: dict[str, Any] = {"content": "", "reasoning_content": "", "finish_reason": None, "usage": None}
    for chunk in map(json.loads, chunks):
        whole |= {key: chunk[key] for key in ("id", "model", "created", "system_fingerprint")}
        assert chunk["object"] == "chat.completion.chunk"
        for choice in chunk["choices"]:
            for key, value in choice["delta"].items():
                whole[key] = whole.get(key, "") + value if key.endswith("content") else value
            whole["finish_reason"] = choice["finish_reason"] or whole["finish_reason"]
        whole["usage"] = chunk.get("usage") or whole["usage"]
    return whole


def flat(body: dict[str, Any]) -> dict[str, Any]:
    """A whole answer in the same form."""
    message, choice = body["choices"][0]["message"], body["choices"][0]
    whole = {key: body[key] for key in ("id", "model", "created", "system_fingerprint")}
    ended = {"finish_reason": choice["finish_reason"], "usage": body["usage"]}
    return {"reasoning_content": "", **whole, **message, **ended}


def sliced(data: bytes, cuts: list[int]) -> list[bytes]:
    """The bytes, cut at these places."""
    return [data[a:b] for a, b in itertools.pairwise([0, *sorted(min(cut, len(data)) for cut in cuts), len(data)])]


def upstream(thoughts: list[str], texts: list[str], finish: str, *, escaped: bool) -> tuple[bytes, bytes]:
    """The same answer as GigaChat streams it and as it gives it whole."""
    head = {"created": 1768996176, "model": "GigaChat:2.0.28.2", "object": "chat.completion"}
    deltas = [{"reasoning_content": text} for text in thoughts] + [{"content": text} for text in texts]
    choices = [{"delta": delta, "index": 0} for delta in deltas] + [{"delta": {"content": ""}, "finish_reason": finish}]
    events: list[dict[str, Any]] = [{"choices": [choice], **head} for choice in choices]
    events[-1]["usage"] = USAGE
    stream = b"".join(sse.encode(json.dumps(event, ensure_ascii=escaped).encode()) for event in events)
    message = {"content": "".join(texts), "reasoning_content": "".join(thoughts), "role": "assistant"}
    whole = {"choices": [{"message": message, "finish_reason": finish}], **head, "usage": USAGE}
    return stream + sse.encode(sse.DONE), json.dumps(whole).encode()


UNICODE = st.text(st.characters(codec="utf-8"), max_size=30)


@examples(max_examples=200)
@given(
    st.lists(UNICODE, max_size=3),
    st.lists(UNICODE, max_size=6),
    st.sampled_from(["stop", "length", "blacklist", "eos"]),
    st.booleans(),
    st.lists(st.integers(0, 3000), max_size=10),
)
def test_a_stream_says_what_the_whole_answer_says(
    thoughts: list[str], texts: list[str], finish: str, escaped: bool, cuts: list[int]
) -> None:
    """Text, thoughts, finish reason, usage, model, time and fingerprint are equal in every slicing."""
    stream, whole = upstream(thoughts, texts, finish, escaped=escaped)
    answer = chat_answer.read(whole)
    assert isinstance(answer, Answer)
    body = openai_answer.write([answer], ID)
    assert accumulated(written(*sliced(stream, cuts), include_usage=True)) == flat(body)
    ChatCompletion.model_validate(body, strict=True)


@examples(max_examples=60)
@given(st.lists(UNICODE, max_size=6), st.lists(st.integers(0, 3000), max_size=10), st.booleans())
def test_the_official_client_accumulates_the_same(texts: list[str], cuts: list[int], include_usage: bool) -> None:
    """The `openai` package types every chunk and puts the same answer together."""
    stream, _ = upstream([], texts, "stop", escaped=False)
    state = ChatCompletionStreamState()
    for payload in payloads(written(*sliced(stream, cuts), include_usage=include_usage))[:-1]:
        state.handle_chunk(ChatCompletionChunk.model_validate_json(payload, strict=True))
    final = state.get_final_completion()
    assert final.choices[0].message.content == "".join(texts)
    assert final.choices[0].finish_reason == "stop"
    assert (final.usage is not None) == include_usage


@pytest.mark.parametrize("include_usage", [False, True])
def test_a_stream_on_the_wire(include_usage: bool) -> None:
    """A role chunk, deltas as UTF-8, a finish chunk, usage only where it was asked for, `[DONE]`."""
    data = written(sample("chat_simple.sse"), include_usage=include_usage)
    chunks = [json.loads(payload) for payload in payloads(data)[:-1]]
    told = {"usage": None} if include_usage else {}
    assert [chunk["choices"] for chunk in chunks[:4]] == [
        [{"index": 0, "delta": {"role": "assistant", "content": "", "refusal": None}, "finish_reason": None}],
        [{"index": 0, "delta": {"content": "Один, два, "}, "finish_reason": None}],
        [{"index": 0, "delta": {"content": "три — и 🚀 в путь."}, "finish_reason": None}],
        [{"index": 0, "delta": {}, "finish_reason": "stop"}],
    ]
    head = {
        "id": ID,
        "object": "chat.completion.chunk",
        "created": 1768996176,
        "model": "GigaChat:2.0.28.2",
        "system_fingerprint": openai_answer.fingerprint("GigaChat:2.0.28.2"),
    }
    heads = [{key: value for key, value in chunk.items() if key != "choices"} for chunk in chunks[:4]]
    assert heads == [head | told] * 4
    details = {"prompt_tokens_details": {"cached_tokens": 2}}
    usage = {"prompt_tokens": 19, "completion_tokens": 42, "total_tokens": 61, **details}
    assert chunks[4:] == ([{**head, "choices": [], "usage": usage}] if include_usage else [])
    assert "три — и 🚀" in data.decode()
    assert data.endswith(b"\n\ndata: [DONE]\n\n")
    assert all(line.startswith("data: ") for line in data.decode().split("\n") if line)


def test_no_usage_no_usage_chunk() -> None:
    """GigaChat's older streams count nothing: the client gets no invented numbers."""
    chunks = [json.loads(payload) for payload in payloads(written(sample("chat_old.sse"), include_usage=True))[:-1]]
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in chunks)


@pytest.mark.parametrize("name", streams())
def test_every_sample_ends_in_done_or_in_an_error(name: str) -> None:
    """A failure is an error event and no `[DONE]`; everything else ends in `[DONE]`; all chunks are typed."""
    *chunks, last = payloads(written(sample(name)))
    for payload in chunks:
        ChatCompletionChunk.model_validate_json(payload, strict=True)
    if last != b"[DONE]":
        fault = json.loads(last)["error"]
        assert fault == {"message": "cut", "type": "server_error", "param": None, "code": "stream_truncated"}


@pytest.mark.parametrize("at", range(0, 700, 7))
def test_a_cut_stream_never_looks_whole(at: int) -> None:
    """Before GigaChat's finish reason came, nothing that the client gets says that the answer has ended."""
    data = sample("chat_simple.sse")
    out = written(data[:at])
    if b'"finish_reason"' not in data[:at]:
        assert b"[DONE]" not in out
        assert b'"finish_reason":"' not in out


def test_one_read_is_one_write() -> None:
    """All events of a read come out as one piece of bytes, and no events as none."""
    reader, writer = StreamReader(), StreamWriter(ID, include_usage=False)
    assert writer.feed([]) == b""
    assert len(payloads(writer.feed(reader.feed(sample("chat_simple.sse"))))) == 4
