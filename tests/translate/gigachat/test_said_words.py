"""The words of a stream: all of them, in their order, in little memory."""

from __future__ import annotations

import sys

import pytest

from app.translate.gigachat.said_words import MANY, MAX_CHARACTERS, SaidWords


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 66, 1000])
@pytest.mark.parametrize("joins", [True, False])
def test_all_words(count: int, joins: bool) -> None:
    """However many pieces, and whether they are joined on the way or not."""
    said = SaidWords()
    pieces = [f"слово {number} " for number in range(count)]
    for piece in pieces:
        said.pieces.append(piece)
        if joins:
            said.join()
    assert said.text() == "".join(pieces)
    assert said.text() == "".join(pieces)


def test_no_more_than_any_context_has() -> None:
    """An answer without end is kept up to a size."""
    said = SaidWords()
    for number in range(130):
        said.pieces.append(chr(ord("a") + number % 26) * 2**16)
        if len(said.pieces) > MANY:
            said.join()
    assert len(said.text()) == MAX_CHARACTERS
    assert said.text().startswith("a" * 2**16 + "b")


def test_the_smallest_pieces_are_not_kept_one_by_one() -> None:
    """A stream of single letters needs little more memory than its text: an object for each would need fifty times."""
    said = SaidWords()
    before = sys.getallocatedblocks()
    for number in range(100_000):
        said.pieces.append(str(number % 1000) + "!")
        if len(said.pieces) > MANY:
            said.join()
    assert sys.getallocatedblocks() - before < 2000
    assert len(said.text()) == sum(len(str(number % 1000)) + 1 for number in range(100_000))
