"""What the model "says": marked as the sandbox's, and the same for the same request, whole or streamed.

Without a directive the answer echoes the last user message in a few phrases, Russian and English.

Directives stand in the last user message, each at the beginning of a line:

- `sandbox:say <text>`: the answer is exactly the text, to the end of the message, line ends included
- `sandbox:long N`: the answer has N phrases, each a chunk of its own when streamed
- `sandbox:finish blacklist|error|length|stop`: the answer ends with this `finish_reason`
- `sandbox:reasoning`: `reasoning_content` comes before the text
- `sandbox:wait S`: S seconds pass before the first byte
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.sandbox.catalog import Model

DIRECTIVES: Mapping[str, str] = {
    "sandbox:say <text>": "the answer is exactly the text, to the end of the message",
    "sandbox:long N": "the answer has N phrases",
    "sandbox:finish blacklist|error|length|stop": "the answer ends with this finish_reason",
    "sandbox:reasoning": "reasoning_content comes before the text",
    "sandbox:wait S": "S seconds pass before the first byte",
}

MARK = "[sandbox] "
REASONING = "Пользователь спрашивает, песочница отвечает. The sandbox does not think."
FINISHES = ("stop", "length", "blacklist", "error")
_ECHOED = 400

# A phrase ends after 20 to 40 characters where a word or a clause does, else after 40.
_PHRASES = re.compile(r"(?s).{20,40}?(?<=[\s,.!?;:])|.{1,40}")
_DIRECTIVE = re.compile(r"(?ms)^sandbox:(?:(say) (.*)\Z|(long|finish|reasoning|wait)\b[ \t]*([^\n]*)\n?)")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said: the phrases, each a chunk of a stream; what is thought before; how it ends; how long it takes."""

    phrases: tuple[str, ...]
    reasoning: str = ""
    finish: str = "stop"
    wait: float = 0.0

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.phrases)


def answer(messages: Sequence[Mapping[str, Any]]) -> Answer:
    """The answer to a valid history."""
    said: str = next((one["content"] for one in reversed(messages) if one["role"] == "user"), messages[-1]["content"])
    wishes: dict[str, str] = {}
    for say, text, name, value in _DIRECTIVE.findall(said):
        wishes[say or name] = text if say else value.strip()
    finish = wishes.get("finish", "stop")
    return Answer(
        phrases=_phrases(wishes, _DIRECTIVE.sub("", said)),
        reasoning=REASONING if "reasoning" in wishes else "",
        finish=finish if finish in FINISHES else "stop",
        wait=_number(wishes.get("wait", "")),
    )


def limited(whole: Answer, model: Model, max_tokens: int | None) -> Answer:
    """The answer within `max_tokens`: cut, with finish_reason "length", where it has more."""
    if max_tokens is None or model.count(whole.text) <= max_tokens:
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


def _phrases(wishes: Mapping[str, str], rest: str) -> tuple[str, ...]:
    if "say" in wishes:
        return split(wishes["say"])
    if "long" in wishes:
        count = int(_number(wishes["long"]))
        return tuple(f"Фраза {number} из {count}, phrase {number} of {count}. " for number in range(1, count + 1))
    echo = " ".join(rest.split())[:_ECHOED]
    return split(
        f"{MARK}Вы написали: «{echo}». Это ответ песочницы, не GigaChat. You wrote: {echo}. No model was asked."
    )


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text) else 0.0
