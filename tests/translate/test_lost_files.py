"""Words in the place of files."""

from __future__ import annotations

import copy

from app.translate import lost_files
from app.translate.dialogue import FileId, Media, Result, Text, Turn


def media(path: str) -> Media:
    """A file at this place."""
    return Media("image", FileId("f"), path, past=True)


def test_words_stand_where_the_file_was() -> None:
    """In messages and in results; turns without such a file are the same objects, and none is altered."""
    turns = [
        Turn("user", [Text("a"), media("1"), media("2")], "messages[0]"),
        Turn("tool", [Result("c", None, [media("3"), Text("b")])], "messages[1]"),
        Turn("user", [media("4")], "messages[2]"),
    ]
    before = copy.deepcopy(turns)
    words = Text("[image is no longer available]")
    found = lost_files.replace(turns, {"1", "3"})
    assert found[0].parts == [Text("a"), words, media("2")]
    assert found[1].parts == [Result("c", None, [words, Text("b")])]
    assert found[2] is turns[2]
    assert turns == before


def test_what_is_said() -> None:
    """By what it was."""
    assert lost_files.say_lost(None) == "[file is no longer available]"
    assert lost_files.say_lost("audio") == "[audio is no longer available]"
