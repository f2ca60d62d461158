"""What the model "says": marked as the sandbox's, and the same for the same request, whole or streamed.

Without a directive the answer echoes the last user message in a few phrases, Russian and English; after results of
functions it quotes them, and it tells what it sees of files. Where JSON is wanted, `formats` makes it of that text; a
call (`calls`) takes its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from app.sandbox.catalog import Model
from app.sandbox.directives import Wishes, read

MARK = "[sandbox] "
REASONING = "Пользователь спрашивает, песочница отвечает. The sandbox does not think."
_ECHOED = 400
_QUOTED = 4_000

# A phrase ends after 20 to 40 characters where a word or a clause does, else after 40.
_PHRASES = re.compile(r"(?s).{20,40}?(?<=[\s,.!?;:])|.{1,40}")


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call: `state` of None, `bare` (a delta of nothing but the call) and `apart` (the end in a chunk of its own)
    are faults, and so are arguments that are a string.
    """

    name: str
    arguments: Mapping[str, Any] | str
    state: str | None
    bare: bool = False
    apart: bool = False

    @property
    def shown(self) -> dict[str, Any]:
        """The call as it stands in a message."""
        return {"name": self.name, "arguments": self.arguments}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said: the phrases, each a chunk of a stream; what is thought before; how it ends; how long it takes.

    With a call the phrases are what comes before it: none, but for a fault. `spent` is what was generated in vain.
    """

    phrases: tuple[str, ...]
    reasoning: str = ""
    finish: str = "stop"
    wait: float = 0.0
    call: FunctionCall | None = None
    spent: str = ""

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.phrases)

    @property
    def generated(self) -> tuple[str, ...]:
        """All that is paid for."""
        call = orjson.dumps(self.call.shown).decode() if self.call else ""
        return self.text, self.reasoning, call, self.spent


def answer(
    messages: Sequence[Mapping[str, Any]],
    wishes: Wishes | None = None,
    written: Callable[[str], str] = str,
    seen: Sequence[str] = (),
) -> Answer:
    """The answer to a valid history, by the last user message's wishes; a text of its own, with what was `seen` of
    files, goes through `written`.
    """
    wishes = wishes or read(messages)
    thought = () if wishes.think is None else split(f"<think>{wishes.think or REASONING}</think>\n")
    return Answer(
        phrases=(*thought, *_phrases(messages, wishes, lambda text: written(_with(seen, text)))),
        reasoning=REASONING if wishes.reasoning else "",
        finish=wishes.finish or "stop",
        wait=wishes.wait,
    )


def limited(whole: Answer, model: Model, max_tokens: int | None) -> Answer:
    """The answer within `max_tokens`: cut, with finish_reason "length", where it has more. Of a call nothing stays."""
    if max_tokens is None:
        return whole
    if whole.call:
        call = orjson.dumps(whole.call.shown).decode()
        if model.count(call) <= max_tokens:
            return whole
        return replace(whole, phrases=(), call=None, finish="length", spent=model.cut(call, max_tokens))
    if model.count(whole.text) <= max_tokens:
        return whole
    left = len(model.cut(whole.text, max_tokens))
    phrases = []
    for phrase in whole.phrases:
        if left <= 0:
            break
        phrases.append(phrase[:left])
        left -= len(phrase)
    return replace(whole, phrases=tuple(phrases), finish="length")


def split(text: str) -> tuple[str, ...]:
    """A text as phrases of tens of characters: joined, they are the text again."""
    return tuple(_PHRASES.findall(text))


def _phrases(messages: Sequence[Mapping[str, Any]], wishes: Wishes, written: Callable[[str], str]) -> tuple[str, ...]:
    if wishes.say is not None:
        return split(wishes.say)
    if wishes.long is not None:
        count = wishes.long
        return tuple(f"Фраза {number} из {count}, phrase {number} of {count}. " for number in range(1, count + 1))
    if messages[-1]["role"] == "function":
        return split(written(_quote(messages)))
    echo = " ".join(wishes.said.split())[:_ECHOED]
    return split(
        written(
            f"{MARK}Вы написали: «{echo}». Это ответ песочницы, не GigaChat. You wrote: {echo}. No model was asked."
        )
    )


def _with(seen: Sequence[str], text: str) -> str:
    return " ".join((text, *(f"{MARK}{one}" for one in seen)))


def _quote(messages: Sequence[Mapping[str, Any]]) -> str:
    """The results that came since the last user message, in order."""
    results: list[str] = []
    for message in reversed(messages):
        if message["role"] == "user":
            break
        if message["role"] == "function":
            results.insert(0, f"{message['name']} → {message['content'][:_QUOTED]}")
    return f"{MARK}Функции вернули, the functions returned: {'; '.join(results)}. Это ответ песочницы, не GigaChat."
