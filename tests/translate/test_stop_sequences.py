"""Stop sequences: where the text ends, in any slicing."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.translate.stop_sequences import StopCutter


def cut(pieces: list[str], sequences: list[str]) -> tuple[str, bool]:
    """What goes out for a text in pieces, and whether a sequence was seen."""
    cutter = StopCutter(sequences)
    out = "".join(cutter.feed(piece) for piece in pieces)
    return out + cutter.finish(), cutter.found is not None


@pytest.mark.parametrize(
    ("text", "sequences", "left"),
    [
        ("one STOP two", ["STOP"], "one "),
        ("one two", ["STOP"], "one two"),
        ("STOP", ["STOP"], ""),
        ("one STO", ["STOP"], "one STO"),
        ("a</code>b", ["Observation:", "</code>"], "a"),
        ("aab", ["ab"], "a"),
        ("first B then A", ["A", "B"], "first "),
        ("да, хватит. ещё", ["хватит"], "да, "),
        ("line\n\nnext", ["\n\n"], "line"),
    ],
)
def test_the_text_ends_before_the_first_sequence(text: str, sequences: list[str], left: str) -> None:
    """Whole and letter by letter: the same text goes out, and the sequence is no part of it."""
    assert cut([text], sequences) == (left, left != text)
    assert cut(list(text), sequences) == (left, left != text)


def test_only_what_may_begin_a_sequence_is_held_back() -> None:
    """A reader waits for no word that can't be part of a sequence."""
    cutter = StopCutter(["STOP"])
    assert cutter.feed("a S") == "a "
    assert cutter.feed("un") == "Sun"
    assert cutter.feed("ST") == ""
    assert cutter.finish() == "ST"


def test_nothing_follows_a_sequence() -> None:
    """What comes after it is thrown away, whatever it is."""
    cutter = StopCutter(["|"])
    assert [cutter.feed("a|b"), cutter.feed("c"), cutter.finish()] == ["a", "", ""]


@pytest.mark.parametrize("pieces", [["one END two STOP"], list("one END two STOP")], ids=["whole", "by letters"])
def test_the_sequence_that_ended_the_text_is_known(pieces: list[str]) -> None:
    """The one that is complete first, and of those that end together the longest."""
    for sequences, found in ((["STOP", "END"], "END"), (["ND", "END"], "END"), (["no"], None)):
        cutter = StopCutter(sequences)
        for piece in pieces:
            cutter.feed(piece)
        assert cutter.found == found


@given(st.lists(st.text("ab|", max_size=5)), st.lists(st.text("ab|", min_size=1, max_size=3), min_size=1, max_size=4))
def test_pieces_make_no_difference(pieces: list[str], sequences: list[str]) -> None:
    """Any slicing gives what cutting the whole text gives: before the sequence that is complete first."""
    text = "".join(pieces)
    ends = [(at + len(sequence), at) for sequence in sequences if (at := text.find(sequence)) >= 0]
    assert cut(pieces, sequences) == (text[: min(ends)[1]] if ends else text, bool(ends))


@pytest.mark.long
def test_linear_time() -> None:
    """Many letters against the longest sequences that are taken, which nearly match."""
    sequences = ["ab" * 128, "a" * 255 + "b", "b" * 256, "ba" * 127 + "c"]
    began = time.process_time()
    for text in ("a", "b", "ab", "x"):
        cutter = StopCutter(sequences[:2])
        out = "".join(cutter.feed(text) for _ in range(120)) + cutter.finish()
        assert out == text * 120
    cutter = StopCutter(sequences)
    said = sum(len(cutter.feed("aab")) for _ in range(100_000)) + len(cutter.finish())
    assert said == 300_000
    assert time.process_time() - began < 5
