"""Fallbacks: which variant a request begins with, and what makes it another one."""

from __future__ import annotations

from typing import Any

import pytest

from app.exchange.variants import Fallbacks, Variant
from app.translate.dialogue import Call, Choice, Format, Request, Sampling, Text, Tool, Turn
from app.upstream.failures import Refused

SCHEMA = Format({"type": "object"})
ANY_JSON = Format(None)
TOOLS = [Tool("a", None, None, "tools[0]"), Tool("b", None, None, "tools[1]")]


def asked(**changes: Any) -> Request:
    """A request with these fields."""
    return Request("GigaChat", [Turn("user", [Text("hi")], "messages[0]")], Sampling(), **changes)


def refused(status: int, words: str) -> Refused:
    """GigaChat's refusal in these words."""
    return Refused(status, b'{"status":422,"message":"%s"}' % words.encode(), None)


@pytest.mark.parametrize(
    ("request_", "parts", "other"),
    [
        (asked(), [Text("words")], None),
        (asked(format=SCHEMA), [Text(' {"a": 1}')], None),
        (asked(format=SCHEMA), [Text("Sure!")], Variant(as_function=True)),
        (asked(format=SCHEMA), [], None),
        (asked(format=SCHEMA), [Call("1", "a", {})], None),
        (asked(format=ANY_JSON), [Text("```json")], Variant(instructed=True)),
        (asked(tools=TOOLS, choice=Choice("required")), [Text("no")], Variant(insisted=True)),
        (asked(tools=TOOLS[:1], choice=Choice("required")), [Text("no")], None),
        (asked(tools=TOOLS, choice=Choice("required")), [Call("1", "a", {})], None),
        (asked(tools=TOOLS), [Text("no")], None),
    ],
)
def test_the_first_words_decide(request_: Request, parts: list[Any], other: Variant | None) -> None:
    """Prose instead of JSON and words instead of a required call are tried another way, all else stands."""
    assert Fallbacks("auto", state_echo=True).after_answer(request_, Variant(), parts) == other


def test_each_fallback_is_taken_once() -> None:
    """A second answer of the same kind stands: nobody pays for ever."""
    fallbacks = Fallbacks("auto", state_echo=True)
    assert fallbacks.after_answer(asked(format=SCHEMA), Variant(as_function=True), [Text("prose")]) is None
    assert fallbacks.after_answer(asked(format=ANY_JSON), Variant(instructed=True), [Text("prose")]) is None
    required = asked(tools=TOOLS, choice=Choice("required"))
    assert fallbacks.after_answer(required, Variant(insisted=True), [Text("prose")]) is None


def test_a_model_that_ignores_the_format_is_remembered() -> None:
    """The next request begins with the function, unless tools must stay callable."""
    fallbacks = Fallbacks("auto", state_echo=True)
    assert fallbacks.first(asked(format=SCHEMA)) == Variant()
    fallbacks.after_answer(asked(format=SCHEMA), Variant(), [Text("prose")])
    assert fallbacks.first(asked(format=SCHEMA)) == Variant(as_function=True)
    assert fallbacks.first(asked(format=SCHEMA, tools=TOOLS)) == Variant()
    assert fallbacks.first(asked()) == Variant()
    assert fallbacks.first(asked(format=SCHEMA), strict=True) == Variant()


def test_tools_stay_callable_beside_a_format() -> None:
    """Where GigaChat refuses the format a forced function would bar them: words ask for the JSON instead."""
    agent = asked(format=SCHEMA, tools=TOOLS)
    fallbacks = Fallbacks("function", state_echo=True)
    assert fallbacks.first(agent) == Variant()
    words = Variant(instructed=True, unformatted=True)
    assert fallbacks.after_refusal(agent, Variant(), refused(422, "response_format is off")) == words
    assert fallbacks.after_refusal(agent, words, refused(422, "response_format is off")) is None
    assert fallbacks.after_answer(agent, words, [Text("prose")]) is None


@pytest.mark.parametrize(("pinned", "function"), [("native", False), ("function", True)])
def test_the_setting_pins_the_form(pinned: str, function: bool) -> None:
    """`native` never falls back, `function` begins so."""
    fallbacks = Fallbacks(pinned, state_echo=True)
    first = fallbacks.first(asked(format=SCHEMA))
    assert first.as_function is function
    assert fallbacks.after_answer(asked(format=SCHEMA), first, [Text("prose")]) is None
    assert fallbacks.after_refusal(asked(format=SCHEMA), first, refused(422, "response_format is off")) is None


def test_refusals_about_format_and_state() -> None:
    """A refusal that names the format or the state is tried once without; any other stands."""
    fallbacks = Fallbacks("auto", state_echo=True)
    history = [Turn("assistant", [Call("1", "a", {})], "messages[0]")]
    with_call = Request("GigaChat", history, Sampling())
    assert fallbacks.after_refusal(
        asked(format=SCHEMA), Variant(), refused(400, "Unknown type in response_format")
    ) == (Variant(as_function=True))
    assert fallbacks.after_refusal(with_call, Variant(), refused(422, "unknown functions_state_id")) == (
        Variant(state_echo=False)
    )
    assert fallbacks.after_refusal(asked(), Variant(), refused(422, "unknown functions_state_id")) is None
    assert fallbacks.after_refusal(with_call, Variant(state_echo=False), refused(422, "state")) is None
    assert fallbacks.after_refusal(asked(format=SCHEMA), Variant(), refused(404, "response_format")) is None
    assert fallbacks.after_refusal(asked(format=SCHEMA), Variant(), refused(422, "something else")) is None


def test_a_fallback_is_told() -> None:
    """The client hears what was made of its format."""
    assert Variant().notes() == []
    for variant, rule in ((Variant(as_function=True), "function"), (Variant(instructed=True), "instruction")):
        assert [(note.kind, note.rule) for note in variant.notes()] == [("adapted", f"response_format->{rule}")]
