"""GigaChat's stream, from bytes to what the client gets: the decoder, the reader of chunks, and what follows them."""

from __future__ import annotations

import random
import time
from itertools import pairwise

from app import sse
from app.exchange.stream_filters import MAX_HELD
from app.translate.dialogue import End, Event, Failed, Format, Request, Sampling, Tool
from app.translate.gigachat.v1.calls import CallReader
from app.translate.gigachat.v1.stream_reader import StreamReader
from app.translate.joining import Joiner
from app.translate.json_extraction import JsonExtractor
from app.translate.openai.chat_stream import StreamWriter
from app.translate.stop_sequences import StopCutter
from tests.translate.samples import sample, streams

_CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_TOOL = Tool("weather_forecast", None, {"type": "object", "properties": {"num_days": {"enum": [10]}}}, "tools[0]")
# How the stream is read: no calls are awaited, a tool's, or the wanted format's.
_ASKED = (
    None,
    Request("m", [], Sampling(), tools=[_TOOL]),
    Request("m", [], Sampling(), format=Format(_CITY)),
)
# A cut of one byte each is tried up to this size: it takes a call for each.
_BYTE_BY_BYTE = 20_000
# CPU seconds for the stream at once: ten times what the slowest of a million inputs took.
_SECONDS, _SECONDS_PER_BYTE = 0.5, 4e-6

SEEDS: list[bytes] = [
    *(sample(name) for name in streams()),
    b"data: a\r\n\r\ndata: b\n\r\ndata: c\r\r\n\n",
    b"\xef\xbb\xbfdata:a\ndata\n: comment\nid: 1\n\n",
    b'data: {"choices":[{"delta":{"content":"  <think> a","reasoning_content":"b"}}]}\n\n' * 3,
    b'data: {"choices":[{"delta":{"function_call":{"name":"a","arguments":"{}"}},"finish_reason":"stop"}]}\n\n',
    b'data: {"choices":[{"delta":{"content":"\\ud83d"}}]}\n\ndata: {"choices":[{"delta":{"content":"\\ude80"}}]}\n\n',
]


def run_one(data: bytes) -> None:
    """The same comes out whatever the slicing; nothing is raised but the typed failure; time grows with the size."""
    cuts = random.Random(len(data)).choices(range(len(data) + 1), k=8)
    slicings = [[data], [data[start:end] for start, end in pairwise([0, *sorted(cuts), len(data)])]]
    if len(data) <= _BYTE_BY_BYTE:
        slicings.append([data[at : at + 1] for at in range(len(data))])
    _compare([_decoded(pieces) for pieces in slicings])
    for number, request in enumerate(_ASKED):
        found = [_read(pieces, request, as_function=number == 2) for pieces in slicings]
        assert all(events[-1:] == found[0][-1:] for events in found), "another end in another slicing"
        _compare([(events, isinstance(events[-1], Failed)) for events in found])
        _follow(found[0])


def _decoded(pieces: list[bytes]) -> tuple[list[bytes], bool]:
    """The data of all events, and whether the decoder refused the rest."""
    decoder, found = sse.Decoder(), list[bytes]()
    try:
        for piece in pieces:
            found += decoder.feed(piece)
        return found + decoder.finish(), False
    except sse.EventTooLarge:
        return found, True


def _read(pieces: list[bytes], request: Request | None, *, as_function: bool) -> list[Event]:
    calls = None if request is None else CallReader(request, "seed", as_function=as_function)
    reader, began = StreamReader(calls), time.process_time()
    events = [event for piece in pieces for event in reader.feed(piece)] + reader.finish()
    took = time.process_time() - began
    assert took < _SECONDS + _SECONDS_PER_BYTE * (sum(map(len, pieces)) + 100 * len(pieces)), f"{took} s"
    assert [isinstance(event, End | Failed) for event in events].index(True) == len(events) - 1, "after the end"
    return events


def _compare(found: list[tuple[list[bytes], bool]] | list[tuple[list[Event], bool]]) -> None:
    """What was refused was refused in every slicing; what came before it may be less where more came at once."""
    refused = {failed for _, failed in found}
    assert len(refused) == 1, "refused in one slicing only"
    if refused == {False}:
        assert all(items == found[0][0] for items, _ in found), "others in another slicing"


def _follow(events: list[Event]) -> None:
    """What the exchange and the client's protocol make of the events."""
    writer = StreamWriter("id", include_usage=True)
    assert sse.Decoder().feed(writer.feed([event for event in events if not isinstance(event, Failed)])) is not None
    joiner, cutter, only = Joiner(), StopCutter(["a", "\n\n", "</think>"]), JsonExtractor()
    joiner.feed(events)
    for part in joiner.answer().parts:
        if hasattr(part, "text"):
            said = cutter.feed(part.text) + cutter.finish()
            assert part.text.startswith(said)
            assert only.feed(part.text) in part.text
            assert len(said) <= MAX_HELD
