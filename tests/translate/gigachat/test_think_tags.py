"""Reasoning inside the content: only at the very start, in any slicing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.translate.dialogue import Text, Thought
from app.translate.gigachat.think_tags import ThinkTagSplitter, split_thoughts
from tests.examples import examples

# content, thought, text
DIVIDED = [
    ("", "", ""),
    ("Привет", "", "Привет"),
    (" Привет", "", " Привет"),
    ("<think>a</think>b", "a", "b"),
    ("\n <think>a</think>\n\n b ", "a", "b "),
    ("<think></think>b", "", "b"),
    ("<think>\na < b\n</think>", "\na < b\n", ""),
    ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
    ("<think>a<think>b</think>c</think>", "a<think>b", "c</think>"),
    ("<think>a", "a", ""),
    ("<think>a</thi", "a</thi", ""),
    ("<think>", "", ""),
    ("<thin", "", "<thin"),
    (" <", "", " <"),
    ("  ", "", "  "),
    ("<thinking>a</thinking>", "", "<thinking>a</thinking>"),
    ("<THINK>a</THINK>", "", "<THINK>a</THINK>"),
    ("x <think>a</think>", "", "x <think>a</think>"),
    ("</think>a", "", "</think>a"),
]


def said(pieces: list[Text | Thought]) -> tuple[str, str]:
    """Thought and text."""
    return (
        "".join(piece.text for piece in pieces if isinstance(piece, Thought)),
        "".join(piece.text for piece in pieces if isinstance(piece, Text)),
    )


@pytest.mark.parametrize(("content", "thought", "text"), DIVIDED)
def test_reasoning_is_told_from_text(content: str, thought: str, text: str) -> None:
    """Whole, and character by character; no empty piece comes, and of the whole at most one of a kind."""
    assert split_thoughts(content) == [*([Thought(thought)] if thought else []), *([Text(text)] if text else [])]
    thinking = ThinkTagSplitter()
    pieces = [piece for char in content for piece in thinking.feed(char)] + thinking.finish()
    assert said(pieces) == (thought, text)
    assert all(piece.text for piece in pieces)
    assert thinking.finish() == []


@examples()
@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<", "</", "think>", " ", "\n", "a", "я"]) | st.text(max_size=3))
)
def test_slicing_changes_nothing(pieces: list[str]) -> None:
    """In whatever pieces a content comes, it is divided as the whole is; what is settled needs no more feeding."""
    thinking = ThinkTagSplitter()
    found: list[Text | Thought] = []
    for piece in pieces:
        found += [Text(piece)] if thinking.settled else thinking.feed(piece)
    assert said([*found, *thinking.finish()]) == said(split_thoughts("".join(pieces)))


def test_text_is_settled_at_once() -> None:
    """The first words of a common answer are not held back."""
    thinking = ThinkTagSplitter()
    assert thinking.feed("Да.") == [Text("Да.")]
    assert thinking.settled
