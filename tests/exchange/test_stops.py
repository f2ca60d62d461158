"""What is done to a stream's events on their way."""

from __future__ import annotations

from collections.abc import AsyncIterator

from app.exchange.stops import cut, gathered, only_json
from app.translate.dialogue import Answer, Begin, Call, Delta, End, Event, Text, Thought, Usage

CALL = Call("1", "f", {})
USAGE = Usage(1, 2, 3, None, {})


async def batches(*given: list[Event]) -> AsyncIterator[list[Event]]:
    """Batches as a stream gives them."""
    for events in given:
        yield events


async def ended(said: str) -> Usage:
    """The count of what was said: a token a letter."""
    return Usage(0, len(said), len(said), None, {})


async def test_the_cut_ends_the_answer() -> None:
    """After a sequence there is the end with the counted usage, and nothing more."""
    stream = batches(
        [Begin("m", 1), Delta(0, Text("one S"))], [Delta(0, Text("TOP two"))], [End("length", "length", USAGE)]
    )
    found = [event async for events in cut(stream, ["STOP"], ended) for event in events]
    assert found == [Begin("m", 1), Delta(0, Text("one ")), End("stop", "stop", Usage(0, 4, 4, None, {}))]


async def test_what_was_held_back_goes_out_before_what_follows() -> None:
    """The beginning of a sequence that is none keeps its place, before a call or the end; thoughts are not cut."""
    stream = batches(
        [Begin("m", 1), Delta(0, Thought("STOP")), Delta(0, Text("a ST"))],
        [Delta(0, CALL), End("tool_calls", None, USAGE)],
    )
    found = [event async for events in cut(stream, ["STOP"], ended) for event in events]
    words = [Delta(0, Text("a ")), Delta(0, Text("ST")), Delta(0, CALL)]
    assert found == [Begin("m", 1), Delta(0, Thought("STOP")), *words, End("tool_calls", None, USAGE)]


async def test_what_was_held_back_is_counted_in_its_place() -> None:
    """It was said, before the thought that followed it."""
    heard: list[str] = []

    async def listen(said: str) -> None:
        heard.append(said)

    stream = batches([Delta(0, Text("abcST"))], [Delta(0, Thought("hm"))], [Delta(0, Text("defSTOP"))])
    found = [event async for events in cut(stream, ["STOP"], listen) for event in events]
    assert found[-1] == End("stop", "stop", None)
    assert heard == ["abcSThmdef"]


async def test_json_is_taken_out_of_its_fence() -> None:
    """Only the JSON of the text stays; other events pass."""
    stream = batches(
        [Begin("m", 1), Delta(0, Text("Sure:\n```json\n{"))],
        [Delta(0, Text('"a": 1}\n```'))],
        [End("stop", None, None)],
    )
    found = [event async for events in only_json(stream) for event in events]
    assert found == [Begin("m", 1), Delta(0, Text('{"a": 1}')), End("stop", None, None)]


async def test_a_stream_gathered_is_the_whole_answer() -> None:
    """Neighbouring pieces of one kind are joined, everything else keeps its order."""
    stream = batches(
        [Begin("m", 7), Delta(0, Thought("hm")), Delta(0, Thought("m")), Delta(0, Text("a"))],
        [Delta(0, Text("b")), Delta(0, CALL), End("tool_calls", "function_call", USAGE)],
    )
    answer = Answer("m", 7, [Thought("hmm"), Text("ab"), CALL], "tool_calls", "function_call", USAGE)
    assert await gathered(stream) == answer


async def test_prose_without_json_stays() -> None:
    """An answer that holds no JSON at all is not thrown away."""
    stream = batches([Begin("m", 1), Delta(0, Text("I can"))], [Delta(0, Text("not [1]")), End("stop", None, None)])
    found = [event async for events in only_json(stream) for event in events]
    assert found == [Begin("m", 1), Delta(0, Text("I cannot [1]")), End("stop", None, None)]


async def test_thoughts_are_counted_with_what_was_said() -> None:
    """They cost as words do."""
    stream = batches([Delta(0, Thought("hmm")), Delta(0, Text("a|b"))])
    found = [event async for events in cut(stream, ["|"], ended) for event in events]
    assert found[-1] == End("stop", "stop", Usage(0, 4, 4, None, {}))
