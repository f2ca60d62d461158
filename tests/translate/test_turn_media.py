"""The files in a conversation are found."""

from __future__ import annotations

import pytest

from app.translate.dialogue import Call, FileId, Media, Part, Result, Text, Turn
from app.translate.turn_media import list_media


def media(name: str) -> Media:
    """A file whose path is its name."""
    return Media("image", FileId(name), name)


def turn(*parts: Part) -> Turn:
    """A user's turn."""
    return Turn("user", list(parts), "messages[0]")


def test_files_are_found_in_order() -> None:
    """Those of results too; calls and words have none."""
    first, second, third = media("a"), media("b"), media("c")
    call, words = Call("1", "f", {}), Text("t")
    result = Result("1", None, [words, second])
    assert list_media([turn(words, first, call), turn(), turn(result, third)]) == [first, second, third]


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ([Text("a"), Call("1", "f", {})], False),
        ([Result("1", None, [Text("a")])], False),
        ([Text("a"), media("m")], True),
        ([Result("1", None, [Text("a"), media("m")])], True),
        ([], False),
    ],
)
def test_whether_there_is_a_file_at_all(parts: list[Part], found: bool) -> None:
    """In any turn, at any depth."""
    assert bool(list_media([turn(Text("x")), turn(*parts)])) is found
