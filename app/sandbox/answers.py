"""Builds the text of an answer. It is marked as the sandbox's. The same request always gets the same text.

Without a directive the answer echoes the last user message in Russian and English. After results of functions it
quotes them instead. It also describes attached files. If the request asks for JSON, `formats` puts the text into JSON.
A function call (`calls`) replaces the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from app.sandbox.catalog import Model
from app.sandbox.directives import Directives, parse_directives

MARK = "[sandbox] "
REASONING = "Пользователь спрашивает, песочница отвечает. The sandbox does not think."
_MAX_ECHO = 400
_MAX_QUOTE = 4_000

# A phrase has 20 to 40 characters and ends after a word or a clause; without such an end it has 40.
_PHRASES = re.compile(r"(?s).{20,40}?(?<=[\s,.!?;:])|.{1,40}")


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function call of the model.

    Some values are faults: a `state` of None; `arguments` that are a string; `bare` (the delta holds only the call);
    `apart` (the finish reason comes in a separate chunk); `cutting` (the values of the fault `call_pieces`).
    """

    name: str
    arguments: Mapping[str, Any] | str
    state: str | None
    bare: bool = False
    apart: bool = False
    cutting: Mapping[str, Any] | None = None

    @property
    def as_json(self) -> dict[str, Any]:
        """The call as JSON in a message."""
        return {"name": self.name, "arguments": self.arguments}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model answers. Each phrase is one chunk of a stream. `wait`: seconds before the first byte.

    With a call, the phrases are the text before it, which only a fault adds. `spent` is text that was generated and
    counted, but not sent.
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
        """All generated texts, which `usage` counts."""
        call = orjson.dumps(self.call.as_json).decode() if self.call else ""
        return self.text, self.reasoning, call, self.spent


def build_answer(
    messages: Sequence[Mapping[str, Any]],
    directives: Directives | None = None,
    written: Callable[[str], str] = str,
    seen: Sequence[str] = (),
) -> Answer:
    """Build the answer to a valid history.

    `directives`: those of the last user message, which are parsed if not given. `seen`: sentences about the attached
    files. `written` converts the text, for example to JSON; it is not used for a text from a directive.
    """
    directives = directives or parse_directives(messages)
    thought = () if directives.think is None else split_phrases(f"<think>{directives.think or REASONING}</think>\n")
    return Answer(
        phrases=(*thought, *_phrases(messages, directives, lambda text: written(_append_seen(seen, text)))),
        reasoning=REASONING if directives.reasoning else "",
        finish=directives.finish or "stop",
        wait=directives.wait,
    )


def limit_answer(whole: Answer, model: Model, max_tokens: int | None) -> Answer:
    """Limit an answer to `max_tokens`. A longer text is cut, a longer call is dropped; the finish is "length"."""
    if max_tokens is None:
        return whole
    if whole.call:
        call = orjson.dumps(whole.call.as_json).decode()
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


def split_phrases(text: str) -> tuple[str, ...]:
    """Split a text into phrases of up to 40 characters, without changing it."""
    return tuple(_PHRASES.findall(text))


def _phrases(
    messages: Sequence[Mapping[str, Any]], directives: Directives, written: Callable[[str], str]
) -> tuple[str, ...]:
    if directives.say is not None:
        return split_phrases(directives.say)
    if directives.long is not None:
        count = directives.long
        return tuple(f"Фраза {number} из {count}, phrase {number} of {count}. " for number in range(1, count + 1))
    if messages[-1]["role"] == "function":
        return split_phrases(written(_quote_results(messages)))
    echo = " ".join(directives.said.split())[:_MAX_ECHO]
    return split_phrases(
        written(
            f"{MARK}Вы написали: «{echo}». Это ответ песочницы, не GigaChat. You wrote: {echo}. No model was asked."
        )
    )


def _append_seen(seen: Sequence[str], text: str) -> str:
    return " ".join((text, *(f"{MARK}{one}" for one in seen)))


def _quote_results(messages: Sequence[Mapping[str, Any]]) -> str:
    """A text that quotes the results since the last user message, in order."""
    results: list[str] = []
    for message in reversed(messages):
        if message["role"] == "user":
            break
        if message["role"] == "function":
            results.insert(0, f"{message['name']} → {message['content'][:_MAX_QUOTE]}")
    return f"{MARK}Функции вернули, the functions returned: {'; '.join(results)}. Это ответ песочницы, не GigaChat."
