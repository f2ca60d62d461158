"""JSON out of prose and fences, whole and letter by letter."""

from __future__ import annotations

import pytest

from app.translate.fences import JsonOnly, looks_like_json


@pytest.mark.parametrize(
    ("text", "json"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('Here you are:\n```json\n{"a": [1, {"b": 2}]}\n```\nAnything else?', '{"a": [1, {"b": 2}]}'),
        ('{"a": "```}{\\"]"} and more {"b": 2}', '{"a": "```}{\\"]"}'),
        ("[sandbox] {}", "{}"),
        ('For {name} and {\n other} I say: { \n\t"a": 1}.', '{ \n\t"a": 1}'),
        ("a brace that ends it {", ""),
        ('{"cut": "of', '{"cut": "of'),
        ("no JSON at all", ""),
        ("", ""),
    ],
)
def test_the_first_json_goes_through(text: str, json: str) -> None:
    """One object, and nothing around it; brackets inside strings are words."""
    assert JsonOnly().feed(text) == json
    only = JsonOnly()
    assert "".join(only.feed(char) for char in text) == json


@pytest.mark.parametrize(
    ("text", "kind", "is_json"),
    [
        ('  {"a"', "object", True),
        ("[sandbox] words", "object", False),
        ("[sandbox] words", None, False),
        ("[1", "array", True),
        ("```json", "object", False),
        ("Вот", "object", False),
        ("", "object", False),
    ],
)
def test_the_first_character_tells(text: str, kind: object, is_json: bool) -> None:
    """An object begins with a brace, an array with a bracket; a fence or a word with neither."""
    assert looks_like_json(text, kind) is is_json
