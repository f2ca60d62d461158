"""What is done to a stream's events on their way."""

from __future__ import annotations

from collections.abc import AsyncIterator

from app.exchange.stream_filters import cut_at_stop, gather
from app.translate.dialogue import Answer, Begin, Call, Delta, End, Event, Text, Thought, Usage

CALL = Call("1", "f", {})
USAGE = Usage(1, 2, 3, None, {})


async def batches(*given: list[Event]) -> AsyncIterator[list[Event]]:
    """Batches as a stream gives them."""
    for events in given:
        yield events


async def ended(said: str, end: End | None) -> Usage | None:
    """The count of what was said, a token a letter, unless GigaChat's own end tells it."""
    return Usage(0, len(said), len(said), None, {}) if end is None else end.usage


async def test_the_cut_ends_the_answer() -> None:
    """After a sequence there is the end with the counted usage, and nothing more."""
    stream = batches(
        [Begin("m", 1), Delta(0, Text("one S"))], [Delta(0, Text("TOP two"))], [End("length", "length", USAGE)]
    )
    found = [event async for events in cut_at_stop(stream, ["STOP"], ended) for event in events]
    assert found == [Begin("m", 1), Delta(0, Text("one ")), End("stop", "stop", Usage(0, 4, 4, None, {}), 0, "STOP")]


async def test_what_was_held_back_goes_out_before_what_follows() -> None:
    """The beginning of a sequence that is none keeps its place, before a call or the end; thoughts are not cut."""
    stream = batches(
        [Begin("m", 1), Delta(0, Thought("STOP")), Delta(0, Text("a ST"))],
        [Delta(0, CALL), End("calls", None, USAGE)],
    )
    found = [event async for events in cut_at_stop(stream, ["STOP"], ended) for event in events]
    words = [Delta(0, Text("a ")), Delta(0, Text("ST")), Delta(0, CALL)]
    assert found == [Begin("m", 1), Delta(0, Thought("STOP")), *words, End("calls", None, USAGE)]


async def test_what_was_held_back_is_counted_in_its_place() -> None:
    """It was said, before the thought that followed it."""
    heard: list[str] = []

    async def listen(said: str, _: End | None) -> None:
        heard.append(said)

    stream = batches([Delta(0, Text("abcST"))], [Delta(0, Thought("hm"))], [Delta(0, Text("defSTOP"))])
    found = [event async for events in cut_at_stop(stream, ["STOP"], listen) for event in events]
    assert found[-1] == End("stop", "stop", None, 0, "STOP")
    assert heard == ["abcSThmdef"]


async def test_a_stream_gathered_is_the_whole_answer() -> None:
    """Neighbouring pieces of one kind are joined, everything else keeps its order."""
    stream = batches(
        [Begin("m", 7), Delta(0, Thought("hm")), Delta(0, Thought("m")), Delta(0, Text("a"))],
        [Delta(0, Text("b")), Delta(0, CALL), End("calls", "function_call", USAGE)],
    )
    answer = Answer("m", 7, [Thought("hmm"), Text("ab"), CALL], "calls", "function_call", USAGE)
    assert await gather(stream) == answer


async def test_thoughts_are_counted_with_what_was_said() -> None:
    """They cost as words do."""
    stream = batches([Delta(0, Thought("hmm")), Delta(0, Text("a|b"))])
    found = [event async for events in cut_at_stop(stream, ["|"], ended) for event in events]
    assert found[-1] == End("stop", "stop", Usage(0, 4, 4, None, {}), 0, "|")


async def test_gigachats_own_end_in_the_same_read() -> None:
    """It has told the usage: nothing is counted, and nothing counted twice."""
    stream = batches([Begin("m", 1), Delta(0, Text("one STOP two")), End("stop", "stop", USAGE)])
    found = [event async for events in cut_at_stop(stream, ["STOP"], ended) for event in events]
    assert found == [Begin("m", 1), Delta(0, Text("one ")), End("stop", "stop", USAGE, 0, "STOP")]


async def cut(*given: list[Event]) -> list[Event]:
    """What goes out where calls are possible."""
    return [event async for events in cut_at_stop(batches(*given), ["|"], ended, may_call=True) for event in events]


async def test_a_sequence_ends_the_text_and_no_call() -> None:
    """A call behind it goes out, other text does not."""
    found = await cut([Delta(0, Text("a|b"))], [Delta(0, Text("c"))], [Delta(0, CALL), End("calls", "f", USAGE)])
    assert found == [Delta(0, Text("a")), Delta(0, CALL), End("calls", "f", USAGE)]
    assert await cut([Delta(0, Text("a|b"))], [End("stop", "stop", USAGE)]) == [
        Delta(0, Text("a")),
        End("stop", "stop", USAGE, 0, "|"),
    ]
    filtered = End("filtered", "blacklist", USAGE)
    assert (await cut([Delta(0, Text("a|b"))], [filtered]))[-1] == filtered


async def test_a_call_is_not_waited_for_without_end() -> None:
    """Behind a long text no call is expected: GigaChat's request ends."""
    unsaid: list[Event] = [Delta(0, Text("x" * 100))]
    found = await cut([Delta(0, Text("a|"))], *[unsaid] * 50, [Delta(0, CALL)])
    assert found == [Delta(0, Text("a")), End("stop", "stop", Usage(0, 1, 1, None, {}), 0, "|")]
