"""Chunks that are words alone have a short way through the stream's reader: it gives what the long way gives."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import sse
from app.translate.dialogue import Delta, End, Event, Failed, Format, Request, Sampling, Text, Thought, Tool
from app.translate.gigachat.leaked_calls import LeakedCalls, LeakStreamReader
from app.translate.gigachat.v1 import stream_reader
from app.translate.gigachat.v1.calls import CallReader
from app.translate.gigachat.v1.stream_reader import StreamReader
from tests.examples import examples
from tests.translate.gigachat.dialogues import user

TOOL = Tool("f", None, {"type": "object", "properties": {"a": {"type": "integer"}}}, "tools[0]")
REQUESTS = {
    "plain": Request("m", [user("U")], Sampling()),
    "tools": Request("m", [user("U")], Sampling(), tools=[TOOL]),
    "format": Request("m", [user("U")], Sampling(), format=Format({"type": "object"})),
}
WORDS = [*("a", "b ", "", " ", "\n", "<", "think>", "<think>", "</think>", "```", "<tool_call>", "}", "\u2028", "🚀")]
CALL = {"name": "f", "arguments": {"a": 1}}


def chunk(delta: object, **more: object) -> bytes:
    """A chunk with this delta; `finish_reason` stands beside it, all else beside the choices."""
    choice = {"delta": delta, "index": 0} | ({"finish_reason": more.pop("finish")} if "finish" in more else {})
    return json.dumps({"choices": [choice], "created": 1, "model": "m", **more}, ensure_ascii=False).encode()


_words = st.sampled_from(WORDS)
_plain = st.builds(lambda text: chunk({"content": text}), _words)
_roles = st.builds(
    lambda text, role: chunk({"content": text, "role": role}),
    _words,
    st.sampled_from(["assistant", "", None, "user", "function_in_progress", 1, ["assistant"]]),
)
_beside = st.builds(
    lambda text, key, value: chunk({"content": text, key: value}),
    _words,
    st.sampled_from(["reasoning_content", "function_call", "functions_state_id", "new", "Content"]),
    st.sampled_from([None, "", "x", 1, CALL, {"name": "f", "arguments": '{"a":'}]),
)
_ends = st.builds(
    lambda text, finish: chunk({"content": text}, finish=finish),
    _words,
    st.sampled_from(["stop", "", None, 0, False, "length", "error", "function_call", "blacklist", {}]),
)
_usages = st.builds(
    lambda text, usage: chunk({"content": text}, usage=usage),
    _words,
    st.sampled_from([None, {}, {"prompt_tokens": 1, "completion_tokens": 2}]),
)
_odd = st.sampled_from(
    [
        *(sse.DONE, b"", b"x", b"[]", b"null", b"{}", b'"choices"', b'{"choices":{}}', b'{"choices":"ab"}'),
        b'{"choices":[]}',
        b'{"choices":[],"usage":{"prompt_tokens":3}}',
        b'{"choices":[],"message":"late"}',
        b'{"status":500,"message":"no"}',
        b'{"choices":[[{"delta":{"content":"a"}}]]}',
        b'{"choices":[{"delta":["content"]}]}',
        b'{"choices":[{"delta":"content"}]}',
        b'{"choices":[{"delta":null}]}',
        b'{"choices":[{"delta":{}}]}',
        b'{"choices":[{"message":{"content":"a"}}]}',
        b'{"choices":[{"delta":{"content":1}}]}',
        b'{"choices":[{"delta":{"content":["a"]}}]}',
        b'{"choices":[{"delta":{"content":{"a":1}}}]}',
        # keys that come twice, as escapes and in another order; two choices
        b'{"choices":[{"delta":{"content":"a","content":"b"}}]}',
        b'{"choices":[{"delta":{"content":"a","function_call":null,"content":null}}]}',
        b'{"choices":[{"delta":{"content":"a"},"delta":{"content":"b"}}]}',
        b'{"choices":[{"delta":{"content":"a"}}],"choices":[]}',
        b'{"choices":[{"finish_reason":"stop","finish_reason":null,"delta":{"content":"a"}}]}',
        b'{"choices":[{"delta":{"\\u0063ontent":"\\u0430\\u2028"}}]}',
        b'{"choices":[{"index":1,"delta":{"content":"a"}},{"index":0,"delta":{"content":"b"}}]}',
        b'{"choices":[{"delta":{"content":"\\ud83d"}}]}',
        b'{"choices":[{"delta":{"content":"\\ude80"}}]}',
        b'{"choices":[{"delta":{"content":"\xff"}}]}',
        b'{"choices":[{"delta":{"content":"a","x":123456789012345678901234567890}}]}',
        b'{"choices":[{"delta":{"content":"a"},"logprobs":NaN}]}',
    ]
)
_chunks = st.lists(st.one_of(_plain, _plain, _plain, _roles, _beside, _ends, _usages, _odd), max_size=12)
_forms = st.sampled_from(["plain", "tools", "format", "leaked"])


def read(form: str, pieces: list[bytes]) -> list[list[Event]]:
    """The batches of a stream that came in these pieces and ended."""
    request = REQUESTS["tools" if form == "leaked" else form]
    calls = CallReader(request, "s", as_function=form == "format")
    inner = StreamReader(None if form == "plain" else calls)
    reader = LeakStreamReader(inner, LeakedCalls(request, "s", lambda _: None)) if form == "leaked" else inner
    return [*(reader.feed(piece) for piece in pieces), reader.finish()]


def join(batches: list[list[Event]]) -> list[object]:
    """All events; neighbouring deltas of one kind of words are one, as their kind and their words."""
    found: list[object] = []
    for event in (event for batch in batches for event in batch):
        if not (isinstance(event, Delta) and isinstance(event.part, Text | Thought)):
            found.append(event)
            continue
        kind, words = type(event.part), event.part.text
        match found[-1:]:
            case [(before, str(said))] if before is kind:
                found[-1] = (kind, said + words)
            case _:
                found.append((kind, words))
    return found


@examples(max_examples=300)
@given(_forms, _chunks)
def test_it_is_what_the_long_way_gives(form: str, chunks: list[bytes]) -> None:
    """Whatever stands in a chunk beside its words, and whichever chunk it is."""
    pieces = [sse.encode(data) for data in chunks]
    short = read(form, [b"".join(pieces)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream_reader, "find_plain_text", lambda _: None)
        assert read(form, [b"".join(pieces)]) == short


@examples(max_examples=300)
@given(_forms, _chunks)
def test_it_is_the_same_in_any_slicing(form: str, chunks: list[bytes]) -> None:
    """All chunks in one read, one in each, and byte by byte; nothing follows the end, which ends a batch."""
    pieces = [sse.encode(data) for data in chunks]
    whole = b"".join(pieces)
    batches = read(form, [whole])
    ends = [event for batch in batches for event in batch if isinstance(event, End | Failed)]
    assert len(ends) == 1
    assert [batch for batch in batches if batch][-1][-1] is ends[0]
    assert join(read(form, pieces)) == join(batches)
    assert join(read(form, [whole[at : at + 1] for at in range(len(whole))])) == join(batches)
