"""JSON out of prose and fences, whole and letter by letter."""

from __future__ import annotations

import time

import pytest

from app.translate.json_extraction import JsonExtractor


@pytest.mark.parametrize(
    ("text", "json"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('Here you are:\n```json\n{"a": [1, {"b": 2}]}\n```\nAnything else?', '{"a": [1, {"b": 2}]}'),
        ('{"a": "```}{\\"]"} and more {"b": 2}', '{"a": "```}{\\"]"}'),
        ("[note] {}", ""),
        ('[note] {"a": 1}', '{"a": 1}'),
        ('For {name} and {\n other} I say: { \n\t"a": 1}.', '{ \n\t"a": 1}'),
        ("a brace that ends it {", ""),
        ('{"cut": "of', '{"cut": "of'),
        ("no JSON at all", ""),
        ("", ""),
    ],
)
def test_the_first_json_goes_through(text: str, json: str) -> None:
    """One object, and nothing around it; brackets inside strings are words."""
    assert JsonExtractor().feed(text) == json
    only = JsonExtractor()
    assert "".join(only.feed(char) for char in text) == json


@pytest.mark.parametrize(
    ("text", "json", "is_misfit"),
    [
        ("[1, [2]] and more", "[1, [2]]", False),
        ("Sure:\n```json\n[1]\n```", "[1]", False),
        ('Sure: [{"a": 1}]', '[{"a": 1}]', False),
        ("See [1]", "", False),
        ('{"a": [1]}', "", True),
        ('```\n{"a": [1]}\n```', "", True),
    ],
)
def test_a_list(text: str, json: str, is_misfit: bool) -> None:
    """It may begin with anything at the start and in a fence; in prose a number in brackets is a footnote."""
    for pieces in ([text], list(text)):
        only = JsonExtractor(objects=False, arrays=True)
        assert "".join(map(only.feed, pieces)) == json
        assert only.misfit is is_misfit


def test_a_list_in_place_of_an_object() -> None:
    """What is in it is not the answer."""
    only = JsonExtractor()
    assert only.feed('[{"a": 1}]') == ""
    assert (only.misfit, only.has_json) == (True, False)


def test_line_ends_in_strings_are_escaped() -> None:
    """In any slicing, as other control characters are; between values they stay."""
    text, json = '{"a":\n"x\ny\r\t\x01\\n"}', '{"a":\n"x\\ny\\r\\t\\u0001\\n"}'
    assert JsonExtractor().feed(text) == json
    only = JsonExtractor()
    assert "".join(only.feed(char) for char in text) == json


def test_linear_time() -> None:
    """A text of megabytes, pieces of a letter, and blanks after a brace, which are not held without end."""
    began = time.process_time()
    assert JsonExtractor().feed('{"a": "' + "x" * 4_000_000 + '"}')[-2:] == '"}'
    only = JsonExtractor()
    assert "".join(only.feed(char) for char in '{"a": "' + "x" * 200_000)[-1:] == "x"
    assert [text for text in map(JsonExtractor().feed, ["{", *["  "] * 100_000, '"a": 1}']) if text] == []
    assert time.process_time() - began < 5
