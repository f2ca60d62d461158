"""Texts for patterns."""

from __future__ import annotations

import re

import pytest

from app.sandbox.patterns import find_example


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "abc",
        "^[A-Z]{3}-\\d{4}$",
        "^\\+?[1-9]\\d{1,14}$",
        "^(?:foo|bar)(_[a-z]+)*$",
        "^[^a1]+.\\s\\w\\W\\D$",
        "^[^@ ]+@[^@ ]+\\.ru$",
        "^[\\w.-]{2,}?$",
        "^[^b]b[\\D][\\W][\\s]\\S$",
        "^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$",
        "^(?=a)a+$|^b$",
        "^(?>ab)c*+$",
        "^[[a]$",
        "^а{3}$",
    ],
)
def test_fits(pattern: str) -> None:
    """The text is found by the pattern it was made of."""
    text = find_example(pattern)
    assert text is not None
    assert re.compile(pattern).search(text)


@pytest.mark.parametrize(
    "pattern", ["(", "^(?=.{5})a+$", "\\p{L}", "(a)(?!a)\\1x{3}$^", "^[\ud800]$", "a{2000}", "[^\\s\\S]"]
)
def test_too_hard(pattern: str) -> None:
    """What can't be read, or is not simple, has no text: never an error, never a huge one."""
    assert find_example(pattern) is None


def test_repetitions_do_not_multiply() -> None:
    """A small pattern does not ask for a gigabyte."""
    assert find_example("^((((a{999}){999}){999}){999})") is None
