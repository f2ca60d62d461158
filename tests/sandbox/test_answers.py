"""What the model says, and the directives that decide it."""

from __future__ import annotations

from typing import Any

import pytest

from app.sandbox.answers import MARK, REASONING, Answer, FunctionCall, build_answer, limit_answer, split_phrases
from app.sandbox.catalog import MODELS

MODEL = MODELS["GigaChat"]


def _said(text: str) -> Answer:
    return build_answer([{"role": "system", "content": "Будь краток"}, {"role": "user", "content": text}])


def test_plain_answer_is_marked_and_repeats_itself() -> None:
    """The answer shows that no model was asked, echoes the message, has several phrases, and is always the same."""
    said = _said("Как дела?")
    assert said == _said("Как дела?")
    assert said.text.startswith(MARK)
    assert "Как дела?" in said.text
    assert len(said.phrases) > 2
    assert said.finish == "stop"


def test_last_user_message_counts() -> None:
    """The echo is of the last user message; without any, of the last message."""
    history = [
        {"role": "user", "content": "первое"},
        {"role": "user", "content": "второе"},
        {"role": "assistant", "content": "третье"},
    ]
    assert "второе" in build_answer(history).text
    assert "Правила" in build_answer([{"role": "system", "content": "Правила"}]).text


def test_what_is_seen_is_told() -> None:
    """Each file has a marked sentence behind the echo; what is to be said stays as it is."""
    history = [{"role": "user", "content": "Что это?"}]
    assert build_answer(history, seen=["I see a.", "I see b."]).text.endswith(". [sandbox] I see a. [sandbox] I see b.")
    assert build_answer([{"role": "user", "content": "sandbox:say да"}], seen=["I see a."]).text == "да"


@pytest.mark.parametrize(
    "text",
    ["", "да", "Привет 👋🏽, мир!\n\nВторая строка. " * 5, "<think>мысль</think> ответ", "x" * 100, "  края  "],
)
def test_say_is_exact(text: str) -> None:
    """What is to be said is said, to the last character."""
    assert _said(f"sandbox:say {text}").text == text


def test_phrases_are_tens_of_characters() -> None:
    """A phrase has at most 40 characters, and the phrases joined are the text."""
    text = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 7
    phrases = split_phrases(text)
    assert "".join(phrases) == text
    assert all(20 <= len(phrase) <= 40 for phrase in phrases[:-1])


def test_long_has_so_many_phrases() -> None:
    """Each phrase is a chunk of its own."""
    assert len(_said("sandbox:long 250").phrases) == 250
    assert _said("sandbox:long 0").phrases == ()


def test_directives_can_be_combined() -> None:
    """Each stands at the beginning of a line; the text of `say` comes last."""
    said = _said("sandbox:finish blacklist\nsandbox:reasoning\nsandbox:wait 0.5\nsandbox:say Нет.\nsandbox:long 3")
    assert said == Answer(("Нет.\nsandbox:long 3",), REASONING, "blacklist", 0.5)


def test_directives_are_not_echoed() -> None:
    """The echo has the rest of the message."""
    said = _said("Привет\nsandbox:finish stop\nsandbox:reasoning")
    assert "«Привет»" in said.text
    assert said.finish == "stop"


@pytest.mark.parametrize(("wish", "thought"), [("sandbox:think", REASONING), ("sandbox:think Хм.", "Хм.")])
def test_thought_stands_at_the_very_start(wish: str, thought: str) -> None:
    """The tags and the thought are part of the text, before all the rest."""
    assert _said(f"{wish}\nsandbox:say да").text == f"<think>{thought}</think>\nда"


def test_results_are_quoted() -> None:
    """After results the answer quotes all that came since the last user message, in order."""
    call = {"role": "assistant", "content": "", "function_call": {"name": "a", "arguments": {}}}
    history: list[dict[str, Any]] = [
        {"role": "user", "content": "раз"},
        call,
        {"role": "function", "name": "old", "content": "0"},
        {"role": "user", "content": "два"},
        call,
        {"role": "function", "name": "a", "content": '{"t": 20}'},
        call,
        {"role": "function", "name": "b", "content": "[]"},
    ]
    text = build_answer(history).text
    assert text.startswith(MARK)
    assert 'a → {"t": 20}; b → []' in text
    assert "old" not in text
    history[3]["content"] = "sandbox:say Готово"
    assert build_answer(history).text == "Готово"


def test_text_is_written_another_way() -> None:
    """Where JSON is wanted, only a text of the model's own is turned into it."""
    shout = str.upper
    assert build_answer([{"role": "user", "content": "тихо"}], written=shout).text.startswith("[SANDBOX]")
    assert build_answer([{"role": "user", "content": "sandbox:say тихо"}], written=shout).text == "тихо"


def test_limit_leaves_nothing_of_a_call() -> None:
    """Arguments can't be cut: a call that is too long is not there, and was paid for up to the limit."""
    said = Answer((), finish="function_call", call=FunctionCall("f", {"a": "б" * 40}, None))
    assert limit_answer(said, MODEL, 100) is said
    cut = limit_answer(said, MODEL, 5)
    assert (cut.call, cut.text, cut.finish) == (None, "", "length")
    assert sum(MODEL.count(text) for text in cut.generated) == 5


def test_limit_cuts() -> None:
    """An answer has no more tokens than allowed; one that is cut says so, one that fits is untouched."""
    said = _said("sandbox:say " + "абвг " * 40)
    cut = limit_answer(said, MODEL, 12)
    assert MODEL.count(cut.text) == 12
    assert said.text.startswith(cut.text)
    assert cut.finish == "length"
    assert limit_answer(said, MODEL, None) is limit_answer(said, MODEL, 50) is said
    assert limit_answer(said, MODEL, 49).text == said.text[:196]
