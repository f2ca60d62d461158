"""Counts of tokens: what is asked, and the usage that the answer makes."""

from __future__ import annotations

import pytest

from app.translate.dialogue import Usage
from app.translate.gigachat.v1.counting import read, write


def test_the_conversation_is_counted_and_what_was_said_last() -> None:
    """One string for each message, none of them empty, the answer's text at the end."""
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": ""}]
    assert write({"model": "GigaChat", "messages": messages}, "yes") == {
        "model": "GigaChat",
        "input": ["hi", " ", "yes"],
    }
    assert write({"model": "GigaChat", "messages": []}, "")["input"] == [" "]


def test_calls_functions_and_formats_are_counted_too() -> None:
    """The model reads them, so they cost."""
    call = {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": {"a": "б"}}}
    asked = {"model": "m", "messages": [call], "functions": [{"name": "f"}], "response_format": {"type": "json_schema"}}
    texts = ['{"name":"f","arguments":{"a":"б"}}', '[{"name":"f"}]', '{"type":"json_schema"}', "yes"]
    assert write(asked, "yes")["input"] == texts


def test_the_last_count_is_the_answers() -> None:
    """All others are the prompt's."""
    body = b'[{"object":"tokens","tokens":4,"characters":13},{"tokens":2},{"tokens":3}]'
    assert read(body) == Usage(6, 3, 9, None, {})


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"[1]", b'[{"characters":1}]', b"<html>"])
def test_what_is_no_count_is_none(body: bytes) -> None:
    """A usage that nobody counted is not made up."""
    assert read(body) is None
