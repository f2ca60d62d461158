"""Streams of calls and of several choices: what a client puts together is the whole answer."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from app import errors
from app.errors import GatewayError
from app.translate.dialogue import (
    Answer,
    Begin,
    Call,
    Delta,
    End,
    Event,
    Failed,
    Finish,
    Part,
    Result,
    Text,
    Thought,
    Usage,
)
from app.translate.gigachat.v1 import chat_answer
from app.translate.gigachat.v1.stream_reader import StreamReader
from app.translate.openai import chat_answer as openai_answer
from app.translate.openai.chat_stream import StreamWriter
from tests.translate.openai.test_chat_stream import ID, payloads
from tests.translate.samples import sample, streams

SAMPLES = Path(__file__).parents[2] / "samples"

# Choices as GigaChat may answer them: parts in order, and why each ended.
Said = list[tuple[list[Part], Finish]]
COUNTED = Usage(17, 42, 59, 2, {})
TULA = Call("c1", "погода", {"город": "Тула"})
KAZAN = Call("c2", "погода", {"город": "Казань", "дни": [1, None]})
ANSWERED: list[Said] = [
    [([TULA], "calls")],
    [([Text("Смотрю."), TULA], "calls")],
    [([TULA, KAZAN], "calls")],
    [([Thought("t"), TULA], "calls")],
    [([Text("a"), Text("б")], "stop"), ([Text("в"), Text("\n")], "length")],
    [([TULA, KAZAN], "calls"), ([Text("a"), KAZAN], "calls"), ([Text("Нет.")], "stop")],
    [([Text("a")], "stop"), ([], "filtered"), ([Text("c")], "stop"), ([KAZAN], "calls")],
]


def events_of(said: Said, usages: list[Usage | None] | None = None) -> list[list[Event]]:
    """Each choice's events."""
    found: list[list[Event]] = []
    for index, (parts, ended) in enumerate(said):
        used = usages[index] if usages else COUNTED
        deltas = [Delta(index, part) for part in parts]
        found.append([Begin("GigaChat:2.0", 7, index), *deltas, End(ended, ended, used, index)])
    return found


def whole_of(said: Said, *, legacy: bool) -> dict[str, Any]:
    """The same answer, whole."""
    given = [Answer("GigaChat:2.0", 7, parts, ended, None, COUNTED) for parts, ended in said]
    return openai_answer.write(given, ID, legacy=legacy)


def put_together(data: bytes) -> Any:
    """A stream, as the `openai` package accumulates it."""
    state = ChatCompletionStreamState()
    for payload in payloads(data)[:-1]:
        state.handle_chunk(ChatCompletionChunk.model_validate_json(payload, strict=True))
    return state.current_completion_snapshot


def plain(message: Any) -> dict[str, Any]:
    """A message without what the package adds while it puts it together, and without what is empty."""
    found: dict[str, Any] = message.model_dump(exclude_none=True, exclude={"parsed"})
    for call in found.get("tool_calls", []):
        call.pop("index", None)
        call["function"].pop("parsed_arguments", None)
    return {key: value for key, value in found.items() if value not in ("", [])}


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("said", ANSWERED)
def test_the_official_client_puts_calls_and_choices_together(said: Said, legacy: bool) -> None:
    """Messages, ends, numbers and usage of all choices are those of the whole answer, however they came."""
    whole = ChatCompletion.model_validate(whole_of(said, legacy=legacy), strict=True)
    each = events_of(said)
    in_turn = [event for events in each for event in events]
    mixed = [event for row in itertools.zip_longest(*each) for event in row if event is not None]
    for order in (in_turn, mixed):
        for batches in ([order], [[event] for event in order]):
            writer = StreamWriter(ID, include_usage=True, legacy=legacy)
            final = put_together(b"".join(map(writer.feed, batches)) + writer.finish())
            got = {choice.index: (plain(choice.message), choice.finish_reason) for choice in final.choices}
            expected = {choice.index: (plain(choice.message), choice.finish_reason) for choice in whole.choices}
            assert got == expected
            assert (final.id, final.model, final.created) == (whole.id, whole.model, whole.created)
            assert final.usage == whole.usage


def choices_of(data: bytes) -> list[dict[str, Any]]:
    """The choices of all chunks."""
    return [choice for payload in payloads(data) for choice in json.loads(payload)["choices"]]


def chunk(index: int, delta: dict[str, Any], ended: str | None = None) -> dict[str, Any]:
    """A choice in a chunk."""
    return {"index": index, "delta": delta, "finish_reason": ended}


def test_a_call_on_the_wire() -> None:
    """Role, id with name, arguments, end: as OpenAI's clients read them; no text is null, and Cyrillic as it is."""
    data = StreamWriter(ID, include_usage=False).feed(events_of([([TULA, KAZAN], "calls")])[0])
    first = {"index": 0, "id": "c1", "type": "function", "function": {"name": "погода", "arguments": ""}}
    second = {"index": 1, "id": "c2", "type": "function", "function": {"name": "погода", "arguments": ""}}
    assert choices_of(data) == [
        chunk(0, {"role": "assistant", "content": None, "refusal": None}),
        chunk(0, {"tool_calls": [first]}),
        chunk(0, {"tool_calls": [{"index": 0, "function": {"arguments": '{"город":"Тула"}'}}]}),
        chunk(0, {"tool_calls": [second]}),
        chunk(0, {"tool_calls": [{"index": 1, "function": {"arguments": '{"город":"Казань","дни":[1,null]}'}}]}),
        chunk(0, {}, "tool_calls"),
    ]
    assert "Казань" in data.decode()


def test_a_call_on_an_older_clients_wire() -> None:
    """The same in the older form, which has room for one call."""
    data = StreamWriter(ID, include_usage=False, legacy=True).feed(events_of([([TULA, KAZAN], "calls")])[0])
    assert choices_of(data) == [
        chunk(0, {"role": "assistant", "content": None, "refusal": None}),
        chunk(0, {"function_call": {"name": "погода", "arguments": ""}}),
        chunk(0, {"function_call": {"arguments": '{"город":"Тула"}'}}),
        chunk(0, {}, "function_call"),
    ]


# the batch with which a choice begins -> the text of its role chunk
OPENINGS: list[tuple[list[Event], str | None]] = [
    ([Begin("m", 7)], ""),
    ([Begin("m", 7), Delta(0, Text("a"))], ""),
    ([Begin("m", 7), Delta(0, TULA)], None),
    ([Begin("m", 7), Delta(0, Thought("t")), Delta(0, TULA)], None),
    ([Begin("m", 7), Delta(0, Text("a")), Delta(0, TULA)], ""),
    ([Begin("m", 7), Begin("m", 7, 1), Delta(1, TULA)], ""),
]


@pytest.mark.parametrize(("batch", "content"), OPENINGS)
def test_a_role_chunk_has_no_text_before_a_call(batch: list[Event], content: str | None) -> None:
    """Null where the choice opens with a call, else the empty string, as OpenAI has it."""
    assert choices_of(StreamWriter(ID, include_usage=False).feed(batch))[0]["delta"]["content"] == content


def test_a_result_is_nothing_that_a_model_says() -> None:
    """Only words, thoughts and calls are an answer's."""
    writer = StreamWriter(ID, include_usage=False)
    assert writer.feed([Delta(0, Result("c1", None, []))]) == b""


def test_choices_take_turns() -> None:
    """Each chunk bears its choice's number; calls are numbered within their choice; all chunks have one head."""
    writer = StreamWriter(ID, include_usage=False)
    data = writer.feed([Begin("m:1", 7), Begin("m:2", 8, 1), Delta(1, Text("б")), Delta(0, Text("a\n"))])
    data += writer.feed([Delta(1, TULA)])
    data += writer.feed([Delta(0, KAZAN), Delta(0, Text("c")), End("stop", None, None), Delta(1, KAZAN)])
    data += writer.feed([End("calls", None, None, 1)])
    found = choices_of(data)
    assert [choice["index"] for choice in found] == [0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1]
    texts = [(choice["index"], choice["delta"].get("content")) for choice in found if choice["delta"].get("content")]
    assert texts == [(1, "б"), (0, "a\n"), (0, "c")]
    numbers = [(choice["index"], call["index"]) for choice in found for call in choice["delta"].get("tool_calls", [])]
    assert numbers == [(1, 0), (1, 0), (0, 0), (0, 0), (1, 1), (1, 1)]
    heads = {(body["model"], body["created"], body["id"]) for body in map(json.loads, payloads(data))}
    assert heads == {("m:1", 7, ID)}


CACHED = {"prompt_tokens_details": {"cached_tokens": 2}}
# what each choice counted, the usage of the last chunk
COUNTS: list[tuple[list[Usage | None], dict[str, Any] | None]] = [
    ([None, None], None),
    ([COUNTED, None], None),
    (
        [COUNTED, Usage(1, 2, 3, None, {})],
        {"prompt_tokens": 18, "completion_tokens": 44, "total_tokens": 62, **CACHED},
    ),
]


@pytest.mark.parametrize(("usages", "summed"), COUNTS)
def test_usage_comes_once_at_the_very_end(usages: list[Usage | None], summed: dict[str, Any] | None) -> None:
    """The sum of all choices stands in one chunk without choices, if it was asked for."""
    each = events_of([([Text("a")], "stop"), ([Text("b")], "stop")], usages)
    for include_usage in (False, True):
        writer = StreamWriter(ID, include_usage=include_usage)
        fed = b"".join(map(writer.feed, each))
        assert all(json.loads(payload).get("usage") is None for payload in payloads(fed))
        ended = writer.finish()
        assert ended.endswith(b"data: [DONE]\n\n")
        found = [json.loads(payload) for payload in payloads(ended)[:-1]]
        wanted = include_usage and summed is not None
        assert [(body["choices"], body["usage"]) for body in found] == ([([], summed)] if wanted else [])


def test_a_failure_has_no_usage() -> None:
    """A stream that failed in one choice ends with the error, whatever the others counted."""
    writer = StreamWriter(ID, include_usage=True)
    data = writer.feed([Begin("m", 7), Begin("m", 7, 1), End("stop", None, COUNTED), Failed("truncated", "")])
    data += writer.fail(GatewayError(errors.STREAM_TRUNCATED, "cut"))
    assert b'"prompt_tokens"' not in data
    assert b"[DONE]" not in data


CALLED = sorted({name.removesuffix(".sse") for name in streams() if name.startswith("chat_call_")} | {"chat_call"})
PAIRS = [name for name in CALLED if (SAMPLES / f"{name}.json").exists()]


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("size", [7, 100_000])
@pytest.mark.parametrize("name", PAIRS)
def test_a_sampled_call_is_the_same_in_a_stream(name: str, size: int, legacy: bool) -> None:
    """Id, name, arguments, end and usage are those of the whole answer, in pieces of any size."""
    answer = chat_answer.read(sample(f"{name}.json"))
    assert isinstance(answer, Answer)
    whole = ChatCompletion.model_validate(openai_answer.write([answer], ID, legacy=legacy), strict=True)
    data, reader = sample(f"{name}.sse"), StreamReader()
    writer = StreamWriter(ID, include_usage=True, legacy=legacy)
    out = b"".join(writer.feed(reader.feed(data[at : at + size])) for at in range(0, len(data), size))
    final = put_together(out + writer.feed(reader.finish()) + writer.finish())
    assert plain(final.choices[0].message) == plain(whole.choices[0].message)
    assert final.choices[0].finish_reason == whole.choices[0].finish_reason
    assert final.usage == whole.usage
