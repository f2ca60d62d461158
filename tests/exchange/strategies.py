"""Chat requests as OpenAI's reference allows them, generated: histories with calls and results, tools, formats.

Every text bears a mark that stands nowhere else (`w7x`), so that each can be looked for in what GigaChat gets.
"""

from __future__ import annotations

import itertools
from typing import Any

import orjson
from hypothesis import strategies as st

from tests.translate.schemas.strategies import DOCUMENTS

_NAMES = ["look", "act", "погода", "text2image", "1st", "a-b", "x" * 64, "do.it"]
_LETTERS = st.characters(codec="utf-8", exclude_categories=["Cs"])
_WORDS = st.one_of(st.just(""), st.text(_LETTERS, max_size=8), st.sampled_from(['"', "\\u0438", "```", "</s>", "{"]))
_PROPERTIES = st.dictionaries(st.sampled_from(["city", "n", "имя"]), st.sampled_from([1, True, "x", None]), max_size=2)
_PARAMETERS = st.sampled_from(
    [
        None,
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        {"type": "object", "properties": {"n": {"type": "integer", "enum": [1, 2]}, "o": {"type": "object"}}},
        {"type": "object", "properties": {"a": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}, "required": ["a"]},
        "drawn",  # is dear, and has tests of its own
    ]
)
# What a field may be; every one of them is valid.
_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "temperature": st.sampled_from([0, 0.0, 0.7, 1, 2]),
    "top_p": st.sampled_from([0, 0.1, 1]),
    "max_tokens": st.sampled_from([1, 40, 8192, 64_000]),
    "max_completion_tokens": st.sampled_from([7, 100_000]),
    "n": st.sampled_from([1, 2]),
    "stop": st.one_of(st.sampled_from(["песочница", "no such", "w"]), st.just(["GigaChat", "You wrote"]), st.just([])),
    "reasoning_effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh"]),
    "parallel_tool_calls": st.booleans(),
    "stream_options": st.just({"include_usage": True}),
    "user": st.just("somebody"),
    "metadata": st.just({"a": "b"}),
    "seed": st.just(7),
    "logit_bias": st.just({"50256": -100}),
    "logprobs": st.booleans(),
    "presence_penalty": st.sampled_from([0, 1.5]),
    "service_tier": st.sampled_from(["auto", "flex"]),
    "store": st.booleans(),
    "verbosity": st.sampled_from(["low", "medium"]),
    "new_field": st.just({"of": "tomorrow"}),
    "another_new_field": st.just(1),
}


def _one_in(many: int) -> st.SearchStrategy[bool]:
    """True now and then."""
    return st.integers(1, many).map(lambda number: number == many)


class _Drawing:
    """One request in the making."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self._numbers = itertools.count()
        self.messages: list[dict[str, Any]] = []

    def number(self) -> int:
        """A number that nothing else in this request has."""
        return next(self._numbers)

    def words(self) -> str:
        """A text with a mark of its own."""
        return f"{self.draw(_WORDS)} w{self.number()}x {self.draw(_WORDS)}"

    def content(self) -> Any:
        """A message's content: a text, or some parts."""
        if self.draw(st.booleans()):
            return self.words()
        return [{"type": "text", "text": self.words()} for _ in range(self.draw(st.integers(1, 2)))]

    def say(self, role: str) -> None:
        """A message without calls."""
        message = {"role": role, "content": self.content()}
        if role == "assistant" and self.draw(_one_in(6)):
            message = {"role": role, "content": None, "refusal": self.words()}
        if role == "user" and self.draw(_one_in(6)):
            message["name"] = "bob"
        self.messages.append(message)

    def call(self) -> None:
        """Some calls side by side, and their results in any order; now and then one is missing."""
        ids = [f"call_{self.number()}" for _ in range(self.draw(st.integers(1, 3)))]
        calls = [{"id": number, "type": "function", "function": self.function()} for number in ids]
        content = self.words() if self.draw(_one_in(4)) else self.draw(st.sampled_from([None, ""]))
        self.messages.append({"role": "assistant", "content": content, "tool_calls": calls})
        answered = self.draw(st.permutations(ids))[self.draw(st.sampled_from([0, 0, 0, 1])) :]
        self.messages += [{"role": "tool", "tool_call_id": number, "content": self.result()} for number in answered]

    def legacy_call(self) -> None:
        """A call and its result in the older form."""
        call = self.function()
        self.messages.append({"role": "assistant", "content": None, "function_call": call})
        self.messages.append({"role": "function", "name": call["name"], "content": self.result()})

    def function(self) -> dict[str, Any]:
        """What was called, with a mark among its arguments."""
        arguments = {**self.draw(_PROPERTIES), "mark": f"w{self.number()}x"}
        return {"name": self.draw(st.sampled_from(_NAMES)), "arguments": orjson.dumps(arguments).decode()}

    def result(self) -> str:
        """What a function gave: words, or JSON of several kinds."""
        value: Any = self.words()
        form = self.draw(st.sampled_from(["words", "object", "list", "string"]))
        value = {"object": {"said": value}, "list": [value, 1]}.get(form, value)
        return value if form == "words" else orjson.dumps(value).decode()

    def tool(self, name: str) -> dict[str, Any]:
        """A function's definition."""
        function: dict[str, Any] = {"name": name, "description": self.words()}
        if (parameters := self.draw(_PARAMETERS)) is not None:
            function["parameters"] = self.draw(DOCUMENTS) if parameters == "drawn" else parameters
        return function

    def converse(self, names: list[str]) -> None:
        """A whole history; its last user message names some functions, which the sandbox then calls."""
        for _ in range(self.draw(st.integers(0, 4))):
            kind = self.draw(st.sampled_from(["system", "developer", "user", "user", "assistant", "call", "legacy"]))
            if kind == "call":
                self.call()
            elif kind == "legacy":
                self.legacy_call()
            else:
                self.say(kind)
        if not self.draw(_one_in(4)):
            named = self.draw(st.sampled_from(["", *names]))
            self.messages.append({"role": "user", "content": f"{self.words()} {named}"})
        elif not self.messages or not any(one["role"] in ("user", "tool") for one in self.messages):
            self.say("user")


@st.composite
def chats(draw: st.DrawFn) -> dict[str, Any]:
    """A request that OpenAI would take."""
    drawing = _Drawing(draw)
    names = draw(st.lists(st.sampled_from(_NAMES), max_size=3, unique=True))
    drawing.converse(names)
    body: dict[str, Any] = {"messages": drawing.messages}
    if draw(st.booleans()):
        body["model"] = draw(st.sampled_from(["gpt-4o", "GigaChat-2-Max", "openai/gpt-4o"]))
    functions = [drawing.tool(name) for name in names]
    if bool(functions) and draw(_one_in(5)):
        body["functions"] = functions
        choices: list[Any] = ["auto", "none", {"name": names[0]}]
        if draw(st.booleans()):
            body["function_call"] = draw(st.sampled_from(choices))
    elif functions:
        body["tools"] = [{"type": "function", "function": one} for one in functions]
        if draw(_one_in(6)):
            body["tools"].append({"type": "web_search"})
        named = {"type": "function", "function": {"name": names[-1]}}
        allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [named]}}
        choices = ["required", named, allowed, "auto", "none"]
        if draw(st.booleans()):
            body["tool_choice"] = draw(st.sampled_from(choices))
    if draw(_one_in(3)):
        body["response_format"] = draw(formats())
    chosen = draw(st.lists(st.sampled_from(sorted(_FIELDS)), max_size=8, unique=True))
    return {**body, **{name: draw(_FIELDS[name]) for name in chosen}}


def formats() -> st.SearchStrategy[dict[str, Any]]:
    """Every kind of `response_format`."""
    schemas = st.one_of(
        st.just({"type": "object", "properties": {"city": {"type": ["string", "null"]}}, "required": ["city"]}),
        DOCUMENTS,
    )
    named = st.fixed_dictionaries({"name": st.just("reply"), "schema": schemas}, optional={"strict": st.booleans()})
    return st.one_of(
        st.sampled_from([{"type": "text"}, {"type": "json_object"}]),
        named.map(lambda one: {"type": "json_schema", "json_schema": one}),
    )
