"""Server-sent events: framing and the decoder, in every slicing."""

from __future__ import annotations

import contextlib
import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import sse
from app.sse import Decoder
from tests.examples import examples
from tests.translate.samples import sample, streams

# what came, the data of its events
FRAMES: list[tuple[bytes, list[bytes]]] = [
    (b"", []),
    (b"data: a\n\n", [b"a"]),
    (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
    (b"data:a\n\n", [b"a"]),
    (b"data:  a \n\n", [b" a "]),
    (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
    (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
    (b"data: a\r\n\rdata: b\n\r\n", [b"a", b"b"]),
    (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
    (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
    (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [b"a"]),
    (b"\ndata: a\n\n", [b"a"]),
    (b"\n\n\n\ndata: a\n\n\n\n\ndata: b\n\n", [b"a", b"b"]),
    (b": comment\n\ndata: a\n\n:\n\n", [b"a"]),
    (b": comment\ndata: a\n\n", [b"a"]),
    (b"event: x\nid: 1\nretry: 5\ndata: a\n\n", [b"a"]),
    (b"event: x\n\n", []),
    (b"data: a\ndata: b\n\n", [b"a\nb"]),
    (b"data: a\n: comment\ndata: b\n\n", [b"a\nb"]),
    (b"data\n\n", [b""]),
    (b"data: \n\n", [b""]),
    (b"datum: a\n\n", []),
    (b" data: a\n\n", []),
    (b"data: a:b\n\n", [b"a:b"]),
    (b"data: \xd0\xb8\n\n", ["и".encode()]),
]
# without a closing blank line: the data of the last event is given at the end
UNCLOSED: list[tuple[bytes, list[bytes]]] = [
    (b"data: a", [b"a"]),
    (b"data: a\n", [b"a"]),
    (b"data: a\r", [b"a"]),
    (b"data: a\r\n", [b"a"]),
    (b"data: a\ndata: b", [b"a\nb"]),
    (b"data: a\n\ndata: b", [b"a", b"b"]),
    (b": comment", []),
    (b"\xef\xbb", []),
    (b"\xef\xbb\xbf", []),
    (b"\xef\xbb\xbfdata: a", [b"a"]),
]


def decode(*chunks: bytes) -> list[bytes]:
    """The data of all events of a stream that came in these pieces."""
    decoder = Decoder()
    return [data for chunk in chunks for data in decoder.feed(chunk)] + decoder.finish()


@pytest.mark.parametrize(("frames", "expected"), [*FRAMES, *UNCLOSED])
def test_events_are_cut_out(frames: bytes, expected: list[bytes]) -> None:
    """Whole, byte by byte and in two pieces, the same data comes."""
    assert decode(frames) == expected
    assert decode(*(frames[at : at + 1] for at in range(len(frames)))) == expected
    for at in range(len(frames)):
        assert decode(frames[:at], frames[at:]) == expected


@pytest.mark.parametrize(("frames", "expected"), FRAMES)
def test_a_closed_event_does_not_wait_for_the_end(frames: bytes, expected: list[bytes]) -> None:
    """What a blank line closed is given at once; only a bare CR at the very end may be half of a line end."""
    decoder = Decoder()
    assert decoder.feed(frames) == expected or frames.endswith(b"\r")
    assert decoder.finish() == [] or frames.endswith(b"\r")


@pytest.mark.parametrize("name", streams())
def test_samples_are_the_same_in_every_slicing(name: str) -> None:
    """Every stream sample gives the same data in every cut in two and byte by byte."""
    data = sample(name)
    whole = decode(data)
    assert decode(*(data[at : at + 1] for at in range(len(data)))) == whole
    assert all(decode(data[:at], data[at:]) == whole for at in range(len(data)))


@pytest.mark.parametrize("name", streams())
def test_a_cut_gives_whole_events_and_one_piece(name: str) -> None:
    """Cut anywhere, a stream gives the events before the cut, and at most one beginning of the next."""
    data = sample(name)
    whole = decode(data)
    for at in range(len(data)):
        found = decode(data[:at])
        assert found[:-1] == whole[: max(0, len(found) - 1)]
        assert not found or whole[len(found) - 1].startswith(found[-1])


@examples(max_examples=200)
@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n"), min_size=1)),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.lists(st.integers(0, 300), max_size=8),
)
def test_any_text_in_any_slicing(texts: list[str], line_end: bytes, cuts: list[int]) -> None:
    """What is encoded is decoded, whatever the text, the line end and the slicing."""
    payloads = [text.encode("utf-8", "surrogatepass") for text in texts]
    stream = b"".join(sse.encode(payload) for payload in payloads).replace(b"\n", line_end)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[start:end] for start, end in itertools.pairwise(places)]
    assert decode(*chunks) == payloads


def test_comments_are_skipped_by_readers() -> None:
    """What we write as a comment is no event for anybody."""
    assert decode(sse.KEEPALIVE, ": и\n\n".encode(), sse.encode(sse.DONE)) == [b"[DONE]"]


@pytest.mark.parametrize("line", [b"data: " + b"x" * 2_000, b": " + b"x" * 2_000, b"x" * 2_000])
def test_an_endless_event_is_refused(line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory for one event is bounded, in one piece or in many."""
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1_000)
    with pytest.raises(sse.EventTooLarge):
        Decoder().feed(line)
    with pytest.raises(sse.EventTooLarge):
        decode(*(line[at : at + 1] for at in range(len(line))))


def test_a_large_event_takes_linear_time() -> None:
    """An event near the bound, in pieces as a socket gives them, is decoded in a fraction of a second."""
    size, piece = 15 * 1024 * 1024, b"x" * 65_536
    decoder = Decoder()
    started = time.process_time()
    assert decoder.feed(b"data: ") == []
    for _ in range(size // len(piece)):
        assert decoder.feed(piece) == []
    (data,) = decoder.feed(b"\n\n")
    assert len(data) == size
    assert time.process_time() - started < 1


@pytest.mark.long
@pytest.mark.samples("\\n", "a", "data:\\n")
@pytest.mark.parametrize("unit", [b"\n", b":\n\n", b":", b"data:\n", b"\r", b"a", b"event: x\n\n", b"data\n\n"])
def test_floods_take_linear_time(unit: bytes) -> None:
    """Whatever is repeated, in pieces as a socket gives them and byte by byte."""
    flood, began = unit * (2**20 // len(unit)), time.process_time()
    for size, most in ((65_536, len(flood)), (1, 100_000)):
        decoder = Decoder()
        with contextlib.suppress(sse.EventTooLarge):
            for at in range(0, most, size):
                decoder.feed(flood[at : at + size])
    assert time.process_time() - began < 5


def test_an_event_of_many_lines_is_refused() -> None:
    """Each would be an object."""
    assert decode(b"data:a\n" * 10_000 + b"\n") == [b"\n".join([b"a"] * 10_000)]
    for frames in (b"data:\n" * 10_002 + b"\n", b"\nx" * 10_002):
        with pytest.raises(sse.EventTooLarge):
            decode(frames)


def test_what_came_in_pieces_is_shown_before_it_is_handed_on() -> None:
    """To whoever bounds what is in it; it may refuse."""
    seen: list[bytes] = []
    decoder = Decoder(seen.append)
    assert decoder.feed(b"data: a\n\ndata: b") == [b"a"]
    assert decoder.feed(b"c\n\nda") == [b"bc"]
    assert decoder.finish() == []
    assert seen == [b"data: bc\n\nda", b"da"]


def test_an_event_may_have_a_name() -> None:
    """Protocols that name their events are read by the same decoder, which hands on the data alone."""
    assert sse.encode(b"{}", b"message_start") == b"event: message_start\ndata: {}\n\n"
    assert sse.encode(b"{}") == b"data: {}\n\n"
    assert decode(sse.encode(b"{}", b"ping"), sse.encode(b"[]")) == [b"{}", b"[]"]
