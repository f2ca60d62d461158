"""Parses directives: commands to the sandbox's model in the last user message, from a person or a test.

Each is at the beginning of a line. `DIRECTIVES` explains them. `say` must be the last, because it takes the rest of
the message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson


class Directive(NamedTuple):
    """What a directive does, and a message that has it."""

    does: str
    example: str


DIRECTIVES: Mapping[str, Directive] = {
    "sandbox:say <text>": Directive(
        "the answer is exactly the text, to the end of the message", "sandbox:say Добрый день"
    ),
    "sandbox:long N": Directive("the answer has N phrases", "sandbox:long 20"),
    "sandbox:finish blacklist|error|length|function_call|stop": Directive(
        "the answer ends so; with any but stop no call is made", "sandbox:finish blacklist"
    ),
    "sandbox:reasoning": Directive(
        "reasoning_content comes before the text or the call, as reasoning_effort has it too",
        "sandbox:reasoning\nПочему небо синее?",
    ),
    "sandbox:think [text]": Directive("the content begins with <think>text</think>", "sandbox:think Надо подумать"),
    "sandbox:wait S": Directive("S seconds pass before the first byte", "sandbox:wait 2.5"),
    "sandbox:call <name> [{arguments}][; call <name> [{arguments}]]...": Directive(
        "these of the given functions are called, one an answer and in this order, then there is text; arguments that "
        "are not given are invented to fit",
        'sandbox:call weather {"city": "Омск"}',
    ),
}

_NAMES = ", ".join(name.split()[0] for name in DIRECTIVES)  # in angle brackets the gateway would see HTML
FINISHES = ("stop", "length", "blacklist", "error", "function_call")

_DIRECTIVE = re.compile(
    r"(?ms)^sandbox:(?:(say) (.*)\Z|(long|finish|reasoning|think|wait|call)\b[ \t]*([^\n]*)\n?)",
)
# Such a word at the beginning of a line that is none of the above. `sandbox: true`, as YAML has it, is text.
_UNKNOWN = re.compile(r"(?m)^sandbox:(\w{1,40})")
_NAMED = re.compile(r"[ \t]*(?:;[ \t]*(?:call[ \t]+)?)?([A-Za-z_][\w.-]*)[ \t]*")
_DECODER = json.JSONDecoder()


class BadDirective(ValueError):
    """A directive is unknown, or its value is not one that it takes. The message says what there is."""


@dataclass(frozen=True, slots=True)
class WantedCall:
    """A call that a directive requests. If `arguments` is None, they are invented."""

    name: str
    arguments: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Directives:
    """The directives of a message. `said` is the message without them."""

    said: str
    say: str | None = None
    long: int | None = None
    finish: str | None = None
    reasoning: bool = False
    think: str | None = None
    wait: float = 0.0
    calls: tuple[WantedCall, ...] = ()

    @property
    def determines_text(self) -> bool:
        """Whether the directives determine the text of the answer."""
        return self.say is not None or self.long is not None


def parse_directives(messages: Sequence[Mapping[str, Any]]) -> Directives:
    """Parse the directives of the last user message; without user messages, those of the last message.

    Raises BadDirective.
    """
    text: str = next((one["content"] for one in reversed(messages) if one["role"] == "user"), messages[-1]["content"])
    if "sandbox:" not in text:
        return Directives(text)
    directives: dict[str, str] = {}
    calls: list[WantedCall] = []
    for say, said, name, value in _DIRECTIVE.findall(text):
        if name == "call":
            calls.extend(_calls(value))
        else:
            directives[say or name] = said if say else value.strip()
    rest = _DIRECTIVE.sub("", text)
    if unknown := _UNKNOWN.search(rest):
        raise BadDirective(f"no directive is sandbox:{unknown[1]}. There are: {_NAMES}. GET /sandbox explains them")
    finish = directives.get("finish")
    if finish is not None and finish not in FINISHES:
        raise BadDirective(f"sandbox:finish takes one of: {', '.join(FINISHES)}")
    return Directives(
        said=rest,
        say=directives.get("say"),
        long=int(_number("long", directives["long"])) if "long" in directives else None,
        finish=finish,
        reasoning="reasoning" in directives,
        think=directives.get("think"),
        wait=_number("wait", directives["wait"]) if "wait" in directives else 0.0,
        calls=tuple(calls),
    )


def _calls(line: str) -> Iterator[WantedCall]:
    """The calls in a line."""
    place = 0
    while named := _NAMED.match(line, place):
        place = named.end()
        if not line.startswith("{", place):
            yield WantedCall(named[1])
            continue
        start = place
        try:
            _, place = _DECODER.raw_decode(line, start)
            yield WantedCall(named[1], orjson.loads(line[start:place]))
        except ValueError:
            raise BadDirective(f"sandbox:call: the arguments of {named[1]} are no JSON object") from None
    if place == 0 or line[place:].strip("; \t\r"):
        raise BadDirective(
            'sandbox:call takes names of functions, such as: sandbox:call weather {"city": "Омск"}; call f'
        )


def _number(name: str, text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text):
        raise BadDirective(f"sandbox:{name} takes a number, such as: sandbox:{name} 3")
    return float(text)
