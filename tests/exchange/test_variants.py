"""Fallbacks: which variant a request begins with, and what makes it another one."""

from __future__ import annotations

from typing import Any

import pytest

from app.exchange.variants import Fallbacks, Variant
from app.exchange.verdicts import Seen
from app.translate.dialogue import Call, Choice, Format, Request, Sampling, Text, Tool, Turn
from app.translate.field_names import FieldNames
from app.upstream.failures import Refused

OPENAI = FieldNames(format="response_format")
SCHEMA = Format({"type": "object"})
ANY_JSON = Format(None)
TOOLS = [Tool("a", None, None, "tools[0]"), Tool("b", None, None, "tools[1]")]


def asked(**changes: Any) -> Request:
    """A request with these fields."""
    return Request("GigaChat", [Turn("user", [Text("hi")], "messages[0]")], Sampling(), **changes)


def refused(status: int, words: str) -> Refused:
    """GigaChat's refusal in these words."""
    return Refused(status, b'{"status":422,"message":"%s"}' % words.encode(), None)


PROSE = Seen([Text("Sure!")], "stop", "prose")
BROKEN = Seen([Text('{"a": 1')], "stop", "broken")
JSON = Seen([Text('{"a": 1}')], "stop", "json")
CALL = Seen([Call("1", "a", {})], "calls")
REQUIRED: dict[str, Any] = {"tools": TOOLS, "choice": Choice("required")}


def after(fallbacks: Fallbacks, request: Request, variant: Variant, seen: Seen) -> Variant | None:
    """The variant after an answer to the one tenant."""
    return fallbacks.after_answer(request, variant, seen, "t")


def first(fallbacks: Fallbacks, tenant: str = "t", **changes: Any) -> Variant:
    """How a request begins."""
    return fallbacks.first(asked(**changes), tenant)


@pytest.mark.parametrize(
    ("request_", "seen", "other"),
    [
        (asked(), Seen([Text("words")], "stop"), None),
        (asked(format=SCHEMA), JSON, None),
        (asked(format=SCHEMA), PROSE, Variant(as_function=True)),
        (asked(format=SCHEMA), BROKEN, Variant(as_function=True)),
        (asked(format=SCHEMA), Seen([Text("Sure!")], None, "prose"), Variant(as_function=True)),
        (asked(format=SCHEMA), Seen([Text("Sure!")], "length", "prose"), None),
        (asked(format=SCHEMA), Seen([Text("Sure!")], "filtered", "prose"), None),
        (asked(format=SCHEMA), Seen([Text("{")], "stop", "broken", is_cut=True), None),
        (asked(format=SCHEMA, tools=TOOLS), PROSE, Variant(as_function=True)),
        (asked(format=SCHEMA), CALL, None),
        (asked(format=ANY_JSON), PROSE, Variant(instructed=True)),
        (asked(**REQUIRED), Seen([Text("no")], "stop"), Variant(choosing=True)),
        (asked(**REQUIRED), Seen([Text("no")], "length"), Variant(choosing=True)),
        (asked(**REQUIRED), Seen([Text("no")], "filtered"), None),
        (asked(**REQUIRED), Seen([Text("no")], None), None),
        (asked(**REQUIRED, format=SCHEMA), PROSE, Variant(choosing=True)),
        (asked(tools=TOOLS[:1], choice=Choice("required")), Seen([Text("no")], "stop"), None),
        (asked(**REQUIRED), CALL, None),
        (asked(tools=TOOLS), Seen([Text("no")], "stop"), None),
    ],
)
def test_what_came_decides(request_: Request, seen: Seen, other: Variant | None) -> None:
    """What is not the wanted JSON and words instead of a required call are tried another way, all else stands."""
    assert after(Fallbacks("auto", state_echo=True), request_, Variant(), seen) == other


def test_each_fallback_is_taken_once() -> None:
    """A second answer of the same kind stands: nobody pays for ever."""
    fallbacks = Fallbacks("auto", state_echo=True)
    assert after(fallbacks, asked(format=SCHEMA), Variant(as_function=True), PROSE) is None
    assert after(fallbacks, asked(format=ANY_JSON), Variant(instructed=True), PROSE) is None
    assert after(fallbacks, asked(**REQUIRED), Variant(chosen="a"), Seen([Text("no")], "stop")) is None


@pytest.mark.parametrize(
    ("parts", "chosen"),
    [
        ([Call("1", "choose_function", {"name": "b"})], "b"),
        ([Call("1", "a", {})], "a"),
        ([Call("1", "choose_function", {"name": "c"})], None),
        ([Call("1", "choose_function", {})], None),
        ([Text("b")], None),
    ],
)
def test_the_chosen_function_is_forced(parts: list[Any], chosen: str | None) -> None:
    """A choice that names no function of the client's leads nowhere."""
    other = after(Fallbacks("auto", state_echo=True), asked(**REQUIRED), Variant(choosing=True), Seen(parts, "calls"))
    assert other == (None if chosen is None else Variant(chosen=chosen))


def test_a_model_that_ignores_the_format_is_remembered() -> None:
    """After two answers in a row the next request begins with the function, unless tools must stay callable."""
    fallbacks = Fallbacks("auto", state_echo=True)
    after(fallbacks, asked(format=SCHEMA), Variant(), PROSE)
    assert first(fallbacks, format=SCHEMA) == Variant()
    after(fallbacks, asked(format=SCHEMA), Variant(), PROSE)
    assert first(fallbacks, format=SCHEMA) == Variant(as_function=True)
    assert first(fallbacks, "other", format=SCHEMA) == Variant()
    assert first(fallbacks, format=SCHEMA, tools=TOOLS) == Variant()
    assert first(fallbacks) == Variant()
    assert fallbacks.first(asked(format=SCHEMA), "t", strict=True) == Variant()


@pytest.mark.parametrize(
    "between", [JSON, BROKEN, CALL, Seen([Text("no")], "filtered", "prose"), Seen([Text("no")], "length", "prose")]
)
def test_what_says_nothing_of_formats(between: Seen) -> None:
    """Only prose counts; one success forgets, and all else leaves the count as it is."""
    fallbacks = Fallbacks("auto", state_echo=True)
    after(fallbacks, asked(format=SCHEMA), Variant(), PROSE)
    for _ in range(3):
        after(fallbacks, asked(format=SCHEMA), Variant(), between)
    assert first(fallbacks, format=SCHEMA) == Variant()
    after(fallbacks, asked(format=SCHEMA), Variant(), PROSE)
    assert first(fallbacks, format=SCHEMA) == Variant(as_function=between is not JSON)


def test_a_refused_schema_is_remembered_alone() -> None:
    """Of the tenant that sent it: another schema, and the same one of another tenant, are asked as they are."""
    fallbacks = Fallbacks("auto", state_echo=True)
    odd = Format({"type": "object", "properties": {"a": {"$ref": "nowhere"}}})
    refusal = refused(422, "bad schema in response_format")
    assert fallbacks.after_refusal(asked(format=odd), Variant(), refusal, "t") == Variant(as_function=True)
    assert first(fallbacks, format=odd) == Variant(as_function=True)
    assert first(fallbacks, format=SCHEMA) == Variant()
    assert first(fallbacks, "other", format=odd) == Variant()


def test_tools_stay_callable_beside_a_format() -> None:
    """Where GigaChat refuses the format a forced function would bar them: words ask for the JSON instead."""
    agent = asked(format=SCHEMA, tools=TOOLS)
    fallbacks = Fallbacks("function", state_echo=True)
    assert fallbacks.first(agent, "t") == Variant()
    words = Variant(instructed=True, unformatted=True)
    assert fallbacks.after_refusal(agent, Variant(), refused(422, "response_format is off"), "t") == words
    assert fallbacks.after_refusal(agent, words, refused(422, "response_format is off"), "t") is None
    assert after(fallbacks, agent, words, PROSE) == Variant(as_function=True)


@pytest.mark.parametrize(("pinned", "function"), [("native", False), ("function", True)])
def test_the_setting_pins_the_form(pinned: str, function: bool) -> None:
    """`native` never falls back, `function` begins so."""
    fallbacks = Fallbacks(pinned, state_echo=True)
    begun = first(fallbacks, format=SCHEMA)
    assert begun.as_function is function
    assert after(fallbacks, asked(format=SCHEMA), begun, PROSE) is None
    assert fallbacks.after_refusal(asked(format=SCHEMA), begun, refused(422, "response_format is off"), "t") is None


def test_refusals_about_format_and_state() -> None:
    """A refusal that names the format or the state is tried once without; any other stands."""
    fallbacks = Fallbacks("auto", state_echo=True)
    history = [Turn("assistant", [Call("1", "a", {})], "messages[0]")]
    with_call = Request("GigaChat", history, Sampling())

    def after_refusal(request: Request, variant: Variant, status: int, words: str) -> Variant | None:
        return fallbacks.after_refusal(request, variant, refused(status, words), "t")

    wanted = asked(format=SCHEMA)
    assert after_refusal(wanted, Variant(), 400, "Unknown type in response_format") == Variant(as_function=True)
    assert after_refusal(with_call, Variant(), 422, "unknown functions_state_id") == Variant(state_echo=False)
    assert after_refusal(asked(), Variant(), 422, "unknown functions_state_id") is None
    assert after_refusal(with_call, Variant(state_echo=False), 422, "state") is None
    assert after_refusal(wanted, Variant(), 404, "response_format") is None
    assert after_refusal(wanted, Variant(), 422, "something else") is None


def test_a_fallback_is_told() -> None:
    """The client hears what was made of its format."""
    assert Variant().notes(OPENAI) == []
    for variant, rule in ((Variant(as_function=True), "function"), (Variant(instructed=True), "instruction")):
        assert [(note.kind, note.rule) for note in variant.notes(OPENAI)] == [("adapted", f"response_format->{rule}")]
    choice = FieldNames(choice="tool_choice")
    for variant in (Variant(choosing=True), Variant(chosen="a")):
        assert [note.rule for note in variant.notes(choice)] == ["tool_choice=required->auto"]
