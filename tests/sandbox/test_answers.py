"""What the model says, and the directives that decide it."""

from __future__ import annotations

import pytest

from app.sandbox.answers import DIRECTIVES, MARK, REASONING, Answer, answer, limited, split
from app.sandbox.catalog import MODELS

MODEL = MODELS["GigaChat"]


def _said(text: str) -> Answer:
    return answer([{"role": "system", "content": "Будь краток"}, {"role": "user", "content": text}])


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
    assert "второе" in answer(history).text
    assert "Правила" in answer([{"role": "system", "content": "Правила"}]).text


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
    phrases = split(text)
    assert "".join(phrases) == text
    assert all(20 <= len(phrase) <= 40 for phrase in phrases[:-1])


def test_long_has_so_many_phrases() -> None:
    """Each phrase is a chunk of its own."""
    assert len(_said("sandbox:long 250").phrases) == 250
    assert _said("sandbox:long nonsense").phrases == ()


def test_directives_can_be_combined() -> None:
    """Each stands at the beginning of a line; the text of `say` comes last."""
    said = _said("sandbox:finish blacklist\nsandbox:reasoning\nsandbox:wait 0.5\nsandbox:say Нет.\nsandbox:long 3")
    assert said == Answer(("Нет.\nsandbox:long 3",), REASONING, "blacklist", 0.5)


def test_directives_are_not_echoed() -> None:
    """The echo has the rest of the message; an unknown finish is none."""
    said = _said("Привет\nsandbox:finish soon\nsandbox:reasoning")
    assert "«Привет»" in said.text
    assert said.finish == "stop"


def test_each_directive_is_explained() -> None:
    """The page of the sandbox names the directives that the module obeys."""
    assert [name.partition(":")[2].split()[0] for name in DIRECTIVES] == ["say", "long", "finish", "reasoning", "wait"]


def test_limit_cuts() -> None:
    """An answer has no more tokens than allowed; one that is cut says so, one that fits is untouched."""
    said = _said("sandbox:say " + "абвг " * 40)
    cut = limited(said, MODEL, 12)
    assert MODEL.count(cut.text) == 12
    assert said.text.startswith(cut.text)
    assert cut.finish == "length"
    assert limited(said, MODEL, None) is limited(said, MODEL, 50) is said
    assert limited(said, MODEL, 49).text == said.text[:196]
