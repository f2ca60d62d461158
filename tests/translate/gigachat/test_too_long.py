"""Refusals that mean a request is too long: wordings in both languages, their numbers, and what only sounds so."""

from __future__ import annotations

import time

import pytest

from app.translate.gigachat.too_long import read_lengths, speaks_of_length

TOO_LONG: list[tuple[str, int | None, int | None]] = [
    ("CONTEXT_TOO_LONG: context too long 270000, maximum allowed context is 261120", 270000, 261120),
    ("Превышен контекст: 270 000 токенов, максимум 261 120", 270000, 261120),
    ("Context length exceeded: 270,000 > 261,120", 270000, 261120),
    ("контекст слишком длинный (300000), допустимо не более 261120", 300000, 261120),
    ("maximum context length is 8192 tokens, however you requested 9000 tokens (8000 + max_tokens)", 9000, 8192),
    ("Слишком длинный запрос: 270 000 токенов при лимите 261 120", 270000, 261120),
    ("prompt is too long: 300000 tokens > 261120 maximum", 300000, 261120),
    ("Input is too long: 140000 tokens", 140000, None),
    ("token limit is 128000", None, 128000),
    ("Invalid params: messages length must be at most 131072", None, 131072),
    ("Too many input tokens", None, None),
    ("tokens limit exceeded: 300000 > 261120", 300000, 261120),
    ("Total tokens 300000 > 261120", 300000, 261120),
    ("Sequence length 300000 is longer than the maximum 261120", 300000, 261120),
    ("Контекстное окно переполнено", None, None),
    ("context overflow", None, None),
    ("Payload too large", None, None),
    ("Слишком большой запрос", None, None),
    ("the functions and the messages exceed the context", None, None),
]


@pytest.mark.parametrize(("words", "tokens", "limit"), TOO_LONG)
def test_words_of_length_and_their_numbers(words: str, tokens: int | None, limit: int | None) -> None:
    """The larger number is what the request has, the smaller one, or the one that is called so, is the limit."""
    assert speaks_of_length(words)
    assert read_lengths(words, 422) == (tokens, limit)


@pytest.mark.parametrize(
    "words",
    [
        "Invalid params: function name too long",
        "Invalid params: functions[0].name is too long",
        "Invalid params: messages[0].name is too long",
        "max_tokens must be less than 8192 tokens",
        "Invalid params: max_tokens exceeds the maximum context 8192",
        "Параметр max_tokens слишком большой",
        "Слишком длинное имя функции",
        "Слишком большое значение temperature",
        "Invalid params: temperature must be less than 2",
        "function result length must be at most 1000",
        "Content-Length is too large",
        "Image is too large",
        "every assistant function call must have a result in history",
        "Your request contains invalid JSON syntax.",
    ],
)
def test_what_only_sounds_so(words: str) -> None:
    """A history that is made shorter does not help against these."""
    assert not speaks_of_length(words)


def test_a_status_is_no_number() -> None:
    """It may stand in the sentence."""
    assert read_lengths("error 422: context too long", 422) == (None, None)


@pytest.mark.parametrize("words", ["context ", "a token ", "1 ", "111,", "limit ", "max_"])
def test_no_sentence_takes_long(words: str) -> None:
    """Of those that are read: a sentence is cut before."""
    began = time.process_time()
    speaks_of_length((words * 2000)[:2000])
    read_lengths((words * 2000)[:2000], 422)
    assert time.process_time() - began < 0.5
