"""Counts of tokens: what is asked, and the usage that the answer makes."""

from __future__ import annotations

import pytest

from app.translate.dialogue import Usage
from app.translate.gigachat.counting import read, write


def test_the_conversation_is_counted_and_what_was_said_last() -> None:
    """One string for each message, none of them empty, the answer's text at the end."""
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": ""}]
    assert write("GigaChat", messages, "yes") == {"model": "GigaChat", "input": ["hi", " ", "yes"]}
    assert write("GigaChat", [], "")["input"] == [" "]


def test_the_last_count_is_the_answers() -> None:
    """All others are the prompt's."""
    body = b'[{"object":"tokens","tokens":4,"characters":13},{"tokens":2},{"tokens":3}]'
    assert read(body) == Usage(6, 3, 9, None, {})


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"[1]", b'[{"characters":1}]', b"<html>"])
def test_what_is_no_count_is_none(body: bytes) -> None:
    """A usage that nobody counted is not made up."""
    assert read(body) is None
