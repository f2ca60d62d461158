"""Characters in halves."""

from __future__ import annotations

import pytest

from app.translate.gigachat.surrogates import SurrogateJoiner, join_surrogates


@pytest.mark.parametrize(
    ("text", "whole"),
    [("", ""), ("я🚀", "я🚀"), ("a\ud83d\ude80", "a🚀"), ("\ud83d", "\ufffd"), ("\ude80a", "\ufffda")],
)
def test_halves_become_whole(text: str, whole: str) -> None:
    """Two halves are a character, one is its replacement."""
    assert join_surrogates(text) == whole


def test_a_half_waits_for_the_other() -> None:
    """In two deltas they are one character; one that stays alone is replaced at the end, once."""
    words = SurrogateJoiner()
    assert (words.feed("a\ud83d"), words.feed("\ude80b"), words.finish()) == ("a", "🚀b", "")
    assert (words.feed("\ud83d"), words.finish(), words.finish()) == ("", "\ufffd", "")
