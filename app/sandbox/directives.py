"""Directives: what a person or a test tells the sandbox's model to do, in the last user message.

Each stands at the beginning of a line; `DIRECTIVES` explains them, and `say` comes last since it takes all that
follows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

DIRECTIVES: Mapping[str, str] = {
    "sandbox:say <text>": "the answer is exactly the text, to the end of the message",
    "sandbox:long N": "the answer has N phrases",
    "sandbox:finish blacklist|error|length|stop": "the answer ends so; with any but stop no call is made",
    "sandbox:reasoning": "reasoning_content comes before the text or the call, as reasoning_effort has it too",
    "sandbox:think [text]": "the content begins with <think>text</think>",
    "sandbox:wait S": "S seconds pass before the first byte",
    "sandbox:call <name> [{arguments}][; call <name> [{arguments}]]...": (
        "these of the given functions are called, one an answer and in this order, then there is text; arguments that "
        "are not given are invented to fit"
    ),
}

FINISHES = ("stop", "length", "blacklist", "error")

_DIRECTIVE = re.compile(
    r"(?ms)^sandbox:(?:(say) (.*)\Z|(long|finish|reasoning|think|wait|call)\b[ \t]*([^\n]*)\n?)",
)
_NAMED = re.compile(r"[ \t]*(?:;[ \t]*(?:call[ \t]+)?)?([A-Za-z_][\w.-]*)[ \t]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class WantedCall:
    """A call that is wished for; arguments of None are to be invented."""

    name: str
    arguments: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the directives say; `said` is what is left of the message without them."""

    said: str
    say: str | None = None
    long: int | None = None
    finish: str | None = None
    reasoning: bool = False
    think: str | None = None
    wait: float = 0.0
    calls: tuple[WantedCall, ...] = ()

    @property
    def worded(self) -> bool:
        """Is the text of the answer prescribed?"""
        return self.say is not None or self.long is not None


def read(messages: Sequence[Mapping[str, Any]]) -> Wishes:
    """The wishes of the last user message; where there is none, of the last message."""
    text: str = next((one["content"] for one in reversed(messages) if one["role"] == "user"), messages[-1]["content"])
    if "sandbox:" not in text:
        return Wishes(text)
    wishes: dict[str, str] = {}
    calls: list[WantedCall] = []
    for say, said, name, value in _DIRECTIVE.findall(text):
        if name == "call":
            calls.extend(_calls(value))
        else:
            wishes[say or name] = said if say else value.strip()
    return Wishes(
        said=_DIRECTIVE.sub("", text),
        say=wishes.get("say"),
        long=int(_number(wishes["long"])) if "long" in wishes else None,
        finish=wishes.get("finish") if wishes.get("finish") in FINISHES else None,
        reasoning="reasoning" in wishes,
        think=wishes.get("think"),
        wait=_number(wishes.get("wait", "")),
        calls=tuple(calls),
    )


def _calls(line: str) -> Iterator[WantedCall]:
    """The calls of a line; what can't be read ends it."""
    place = 0
    while named := _NAMED.match(line, place):
        place = named.end()
        if not line.startswith("{", place):
            yield WantedCall(named[1])
            continue
        try:
            start, (_, place) = place, _DECODER.raw_decode(line, place)
            yield WantedCall(named[1], orjson.loads(line[start:place]))
        except ValueError:
            return


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text) else 0.0
