"""GigaChat's answers read: every sample whole, byte by byte, and cut at every position; what is no answer."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import sse
from app.translate.dialogue import Answer, Begin, Delta, End, Event, Failed, Part, Text, Thought, Usage
from app.translate.gigachat.contract import UnreadableError
from app.translate.gigachat.v1 import chat_answer
from app.translate.gigachat.v1.stream_reader import StreamReader
from tests.examples import examples
from tests.translate.samples import sample, streams

SAID = "Один, два, три — и 🚀 в путь."
USAGE = {"prompt_tokens": 17, "completion_tokens": 42, "total_tokens": 59, "precached_prompt_tokens": 2}
USED = Usage(19, 42, 61, 2, USAGE)
PICTURE = '<img src="6f1d2c3a-1111-4222-8333-944445555666" fuse="true"/> Вот кот.'
BEGIN = Begin("GigaChat:2.0.28.2", 1768996176)
STOP = End("stop", "stop", USED)
CALLED = Usage(
    278,
    35,
    313,
    0,
    {**USAGE, "prompt_tokens": 278, "completion_tokens": 35, "total_tokens": 313, "precached_prompt_tokens": 0},
)
CALLED_STOP = End("stop", "stop", CALLED)
CALLED_END = End("calls", "function_call", CALLED)

# sample, text, thought, last event
STREAMS: list[tuple[str, str, str, Event]] = [
    *((f"chat_{case}.sse", SAID, "", STOP) for case in ("simple", "crlf", "cr", "bom", "comments", "no_done")),
    *((f"chat_{case}.sse", SAID, "", STOP) for case in ("unclosed", "no_space", "role_alone", "null_finish")),
    *((f"chat_{case}.sse", SAID, "", STOP) for case in ("in_progress", "key_order", "surrogates")),
    ("chat_old.sse", SAID, "", End("stop", "stop", None)),
    ("chat_one_chunk.sse", "Да.", "", STOP),
    ("chat_reasoning.sse", SAID, "Надо посчитать до трёх.", STOP),
    ("chat_half_thought.sse", SAID, "Думаю 🚀.", STOP),
    ("chat_half_at_end.sse", "Один, два, три \ufffd", "", End("length", "length", USED)),
    ("chat_lone_halves.sse", "a\ufffdb\ufffdc", "", STOP),
    ("chat_length.sse", "Один, два, ", "", End("length", "length", USED)),
    (
        "chat_blacklist.sse",
        "Не люблю менять тему разговора, но вот сейчас тот самый случай.",
        "",
        End("filtered", "blacklist", USED),
    ),
    ("chat_unknown_finish.sse", SAID, "", End("stop", "eos", USED)),
    ("chat_error_finish.sse", "Один, два, ", "", Failed("generation", "")),
    ("chat_call_error_finish.sse", "Один, два, ", "", Failed("generation", "")),
    ("chat_error_event.sse", SAID, "", Failed("upstream", "Internal Server Error")),
    ("chat_garbage.sse", "Один, два, ", "", Failed("upstream", "")),
    ("chat_done_alone.sse", "", "", Failed("truncated", "")),
    ("chat_think.sse", "Один, <think> два.", "Надо < 3.", CALLED_STOP),
    ("chat_think_unclosed.sse", "", "Надо посчитать</th", End("length", "length", CALLED)),
    *((f"chat_call{case}.sse", "", "", CALLED_END) for case in ("", "_bare", "_apart", "_string", "_no_state")),
    ("chat_call_after_text.sse", "Сейчас посмотрю.", "", CALLED_END),
    ("chat_call_stop.sse", "", "", End("calls", "stop", CALLED)),
]
ENDING = [name for name, _, _, last in STREAMS if isinstance(last, End)]


def read(*chunks: bytes) -> list[Event]:
    """All events of a stream that came in these pieces and ended."""
    reader = StreamReader()
    return [event for chunk in chunks for event in reader.feed(chunk)] + reader.finish()


def said(part: Part) -> str:
    """The words of a part that is text or thought."""
    assert isinstance(part, Text | Thought)
    return part.text


def words(events: list[Event], kind: type[Text | Thought] = Text) -> str:
    """What was said, or thought."""
    return "".join(event.part.text for event in events if isinstance(event, Delta) and isinstance(event.part, kind))


def test_every_stream_sample_is_expected() -> None:
    """No sample lies about unread."""
    assert sorted(name for name, *_ in STREAMS) == streams()


@pytest.mark.parametrize(("name", "text", "thought", "last"), STREAMS)
def test_a_stream_is_read(name: str, text: str, thought: str, last: Event) -> None:
    """A whole stream gives its beginning once, its words in order, and one last event."""
    events = read(sample(name))
    assert words(events) == text
    assert words(events, Thought) == thought
    assert events[-1] == last
    begun = [] if name == "chat_done_alone.sse" else [events[0]]
    assert [event for event in events if isinstance(event, Begin)] == begun
    assert all(replace(event, model=BEGIN.model, called=False) == BEGIN for event in begun if isinstance(event, Begin))
    assert sum(isinstance(event, End | Failed) for event in events) == 1


@pytest.mark.parametrize("name", streams())
def test_slicing_changes_nothing(name: str) -> None:
    """Byte by byte, and cut in two at any position, a stream gives the same events."""
    data = sample(name)
    whole = read(data)
    assert read(*(data[at : at + 1] for at in range(len(data)))) == whole
    for at in range(len(data)):
        assert read(data[:at], data[at:]) == whole


@pytest.mark.parametrize("name", ENDING)
def test_a_cut_before_the_finish_reason_is_a_truncation(name: str) -> None:
    """Cut anywhere, a stream ends well if and only if its finish reason came whole; no text comes by halves."""
    data = sample(name)
    whole = read(data)
    line = re.search(rb'data:[^\r\n]*"finish_reason":"[^\r\n]*', data)
    assert line is not None
    for at in range(len(data)):
        events = read(data[:at])
        if at >= line.end():
            assert events == whole
        else:
            assert events[-1] == Failed("truncated", "")
            assert events[:-1] == whole[: len(events) - 1]


def test_nothing_follows_the_last_event() -> None:
    """After an end or a failure the reader is silent, whatever else comes."""
    for name in ("chat_simple.sse", "chat_error_event.sse"):
        reader = StreamReader()
        assert reader.feed(sample(name))
        assert reader.feed(sample("chat_simple.sse")) == []
        assert reader.finish() == []


def test_half_a_thought_at_the_end_is_not_lost() -> None:
    """What a half stands for comes before the end, in thoughts as in text."""
    event = {"choices": [{"delta": {"reasoning_content": "a\ud83d"}, "finish_reason": "length"}]}
    events = read(sse.encode(json.dumps(event).encode()))
    assert events[1:] == [Delta(0, Thought("a")), Delta(0, Thought("\ufffd")), End("length", "length", None)]


def test_a_chunk_with_usage_alone_is_no_fault() -> None:
    """OpenAI's last chunk, `choices` empty, harms nothing where a proxy makes one."""
    data = sample("chat_simple.sse")
    assert read(data.replace(b"data: [DONE]", b'data: {"choices":[],"usage":{}}\n\ndata: [DONE]')) == read(data)


def test_an_event_without_end_fails_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event larger than the bound is GigaChat's failure, not the gateway's memory."""
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    reader = StreamReader()
    assert reader.feed(b"data: " + b"x" * 90) == []
    (failed,) = reader.feed(b"x" * 90)
    assert isinstance(failed, Failed)
    assert failed.reason == "upstream"


@examples(max_examples=150)
@given(st.text(st.characters()), st.lists(st.integers(0, 40), max_size=6))
def test_halves_are_joined_as_in_the_whole_answer(text: str, cuts: list[int]) -> None:
    """Cut between any two UTF-16 units, lone halves among them, a stream says what the whole answer says."""
    units = text.encode("utf-16-le", "surrogatepass")
    pieces = [units[2 * a : 2 * b] for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), len(units)], strict=True)]
    deltas = [{"delta": {"content": piece.decode("utf-16-le", "surrogatepass")}} for piece in pieces]
    chunks = [{"choices": [delta], "created": 1, "model": "m"} for delta in [*deltas, {"finish_reason": "stop"}]]
    stream = b"".join(sse.encode(json.dumps(chunk).encode()) for chunk in chunks)
    answer = chat_answer.read(json.dumps({"choices": [{"message": {"content": text}}]}).encode())
    assert isinstance(answer, Answer)
    assert words(read(stream)) == said(answer.parts[-1]) == units.decode("utf-16-le", "replace")


# sample, parts, finish, raw finish, usage in numbers
WHOLE: list[tuple[str, list[Any], str, str, tuple[int, int, int, int | None] | None]] = [
    ("chat_simple", [Text("Hello.")], "stop", "stop", (19, 3, 22, 2)),
    ("chat_ultra", [Text("Hello.")], "stop", "stop", (19, 3, 22, 2)),
    ("chat_null_content", [Text("")], "stop", "stop", None),
    ("chat_reasoning", [Thought("Шесть на семь."), Text("42")], "stop", "stop", (19, 3, 22, 2)),
    ("chat_half", [Text("три \ufffd")], "length", "length", (19, 3, 22, 2)),
    ("chat_image", [Text(PICTURE)], "stop", "stop", (629, 43, 672, 3)),
    ("chat_cached_apart", [Text("Hello.")], "stop", "stop", (38, 4, 42, 37)),
]


@pytest.mark.parametrize(("name", "parts", "finish", "raw", "used"), WHOLE)
def test_a_whole_answer_is_read(
    name: str, parts: list[Any], finish: str, raw: str, used: tuple[int, int, int, int | None] | None
) -> None:
    """Parts in order, both finish reasons, and tokens in one meaning."""
    answer = chat_answer.read(sample(f"{name}.json"))
    assert isinstance(answer, Answer)
    assert (answer.parts, answer.finish, answer.raw_finish) == (parts, finish, raw)
    assert answer.created == 1768996174
    usage = answer.usage
    assert used == (usage and (usage.prompt, usage.completion, usage.total, usage.cached))


def test_a_filtered_answer_keeps_its_sentence() -> None:
    """`blacklist` is no error: GigaChat's sentence is the content."""
    answer = chat_answer.read(sample("chat_blacklist.json"))
    assert isinstance(answer, Answer)
    assert answer.finish == "filtered"
    assert said(answer.parts[-1]).startswith("Не люблю")


def test_a_failed_generation_is_no_answer() -> None:
    """`finish_reason: error` gives a failure, not an empty answer."""
    assert chat_answer.read(sample("chat_error_finish.json")) == Failed("generation", "")


UNREADABLE = [b"", b"<html>", b"null", b"[]", b"3", b'"x"', b"{}", b'{"choices":[]}', b'{"choices":[1]}', b"[" * 5000]


@pytest.mark.parametrize("data", UNREADABLE)
def test_what_is_no_answer_is_unreadable(data: bytes) -> None:
    """A 200 with something else in it raises the one error that callers know; in a stream it is a failure."""
    with pytest.raises(UnreadableError):
        chat_answer.read(data)
    if data and data != b'{"choices":[]}':
        assert read(sse.encode(data))[-1] == Failed("upstream", "")


ODD: list[dict[str, Any]] = [
    {"message": "text"},
    {"message": []},
    {"message": {"content": 5}},
    {"message": {"content": ["a"]}},
    {"message": {"content": "x", "reasoning_content": {"a": 1}}},
    {"finish_reason": {}},
    {"finish_reason": [1]},
    {"finish_reason": 5, "delta": "text"},
    {"delta": {"content": 5, "role": {}}},
    {"message": {"function_call": "f"}, "delta": {"function_call": ["f"]}},
    {"delta": {"content": "x", "reasoning_content": 5}, "finish_reason": "\ud83d"},
]


@pytest.mark.parametrize("choice", ODD)
def test_odd_types_break_nothing(choice: dict[str, Any]) -> None:
    """Values of types that nobody documented give an answer whose words are strings that can be encoded."""
    body = {
        "choices": [choice],
        "created": "x",
        "model": "\udc00",
        "usage": {"prompt_tokens": "17", "total_tokens": []},
    }
    answer = chat_answer.read(json.dumps(body).encode())
    assert isinstance(answer, Answer)
    for part in answer.parts:
        said(part).encode()
    assert (answer.created, answer.model) == (0, "\ufffd")
    for event in read(sse.encode(json.dumps(body).encode()), sse.encode(sse.DONE)):
        if isinstance(event, Delta):
            said(event.part).encode()
        if isinstance(event, End):
            (event.raw_finish or "").encode()
