"""Leaked calls: where they are read, in which types, and that other text passes as it came."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from app.translate.dialogue import Choice, Request, Sampling, Tool
from app.translate.gigachat.leaked_calls import MAX_HELD, LeakedCalls

TOOLS = [
    Tool(
        "f",
        None,
        {
            "type": "object",
            "properties": {
                "q": {"type": "string"},
                "days": {"type": "integer"},
                "deep": {"type": "boolean"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "mode": {"enum": [1, 2]},
                "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "ref": {"$ref": "#/$defs/n"},
            },
            "required": ["q"],
            "$defs": {"n": {"type": "number"}},
        },
        "tools[0]",
    ),
    Tool("поиск", None, {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}, "tools[1]"),
    Tool("now", None, None, "tools[2]"),
    Tool(
        "note",
        None,
        {
            "$ref": "#/$defs/Note",
            "$defs": {
                "Note": {
                    "type": "object",
                    "properties": {
                        "kind": {"enum": ["a", "b"]},
                        "at": {"allOf": [{"$ref": "#/$defs/At"}]},
                        "rows": {"type": "array", "items": {"type": "integer"}},
                        "more": {"type": ["object", "null"]},
                    },
                    "required": ["kind", "at"],
                },
                "At": {"type": "object", "properties": {"day": {"type": "integer"}}},
            },
        },
        "tools[3]",
    ),
]


def leaked(told: list[int] | None = None, choice: Choice | None = None) -> LeakedCalls:
    """What reads the answers to a request with these tools."""
    request = Request("m", [], Sampling(), tools=TOOLS, choice=choice or Choice())
    return LeakedCalls(request, "seed", (told if told is not None else []).append)


def call(name: str, **arguments: str) -> str:
    """A call as it leaks."""
    inner = "".join(f'<parameter name="{key}">{value}</parameter>' for key, value in arguments.items())
    return f'<tool_calls><invoke name="{name}">{inner}</invoke></tool_calls>'


F = call("f", q="x")
# text, what goes out as text, the calls
TEXTS: list[tuple[str, str, list[tuple[str, dict[str, Any]]]]] = [
    (F, "", [("f", {"q": "x"})]),
    (f"Минуту.\n{F}\n", "Минуту.\n", [("f", {"q": "x"})]),
    (f"```py\n1\n```\n{F}", "```py\n1\n```\n", [("f", {"q": "x"})]),
    (f"~~~\n```\n~~~\n{F}", "~~~\n```\n~~~\n", [("f", {"q": "x"})]),
    (f"{F} and more\n{F}", f"{F} and more\n", [("f", {"q": "x"})]),
    (call("поиск", q="x"), "", [("поиск", {"q": "x"})]),
    (call("now"), "", [("now", {})]),
    (
        call("f", q="5", days="3", deep="True", tags='["a"]', mode="2", maybe="null", ref="1.5"),
        "",
        [("f", {"q": "5", "days": 3, "deep": True, "tags": ["a"], "mode": 2, "maybe": None, "ref": 1.5})],
    ),
    (
        call("note", kind="a", at='{"day": "5"}', rows='["1", 2]', more='{"text": "one\ntwo"}'),
        "",
        [("note", {"kind": "a", "at": {"day": 5}, "rows": [1, 2], "more": {"text": "one\ntwo"}})],
    ),
    (call("f", q="a < b && c > d"), "", [("f", {"q": "a < b && c > d"})]),
    (f"```xml\n{F}\n```", f"```xml\n{F}\n```", []),
    (f"```xml\n{F}", f"```xml\n{F}", []),
    (f"``````xml\n{F}", f"``````xml\n{F}", []),
    (f"~~~~~~~\n{F}\n~~~~~~~\n{F}", f"~~~~~~~\n{F}\n~~~~~~~\n", [("f", {"q": "x"})]),
    (F.replace("name=", "name = "), "", [("f", {"q": "x"})]),
    (f"{F}.", f"{F}.", []),
    (f"`{F}`", f"`{F}`", []),
    (call("g", q="x"), call("g", q="x"), []),
    ("if a < b: <b>x</b> <tool", "if a < b: <b>x</b> ", []),
    ("", "", []),
]


@pytest.mark.parametrize(("text", "out", "calls"), TEXTS)
def test_calls_at_the_end_of_a_text(text: str, out: str, calls: list[tuple[str, dict[str, Any]]]) -> None:
    """In any slicing; nothing of the text is lost or altered."""
    chance = random.Random(1)
    cuts = [sorted(chance.sample(range(len(text) + 1), min(len(text), 9))) for _ in range(20)]
    slicings = [
        [text],
        list(text),
        *([text[a:b] for a, b in zip([0, *at], [*at, len(text)], strict=True)] for at in cuts),
    ]
    for pieces in slicings:
        sieve = leaked().sieve()
        went_out = "".join(map(sieve.feed, pieces))
        held = sieve.finish()
        assert went_out + held == text
        found = leaked().read(held)
        assert [(one.name, one.arguments) for one in found] == calls
        assert went_out == out or not calls


@pytest.mark.parametrize(
    "text",
    [
        call("f", days="3"),
        call("note", kind="a"),
        call("note", kind="c", at="{}"),
        call("note", kind="a", at="tomorrow"),
        '<tool_call>{"name": "f", "arguments": {"q": 5}}</tool_call>',
        f"<tool_calls>{call('now')}{call('f')}</tool_calls>",
        F + '<tool_call>{"name": "other", "arguments": {}}</tool_call>',
    ],
)
def test_what_does_not_fit_stays_text(text: str) -> None:
    """A required argument is missing or of another type, or one of several calls is no tool's: then none is read."""
    told: list[int] = []
    assert leaked(told).read(text) == []
    assert told == []


def test_only_what_may_be_called() -> None:
    """Where one function is demanded, another one's call is text; ids differ, and what was found is counted."""
    assert leaked(choice=Choice("named", "now")).read(F) == []
    told: list[int] = []
    calls = leaked(told, Choice("named", "f")).read(F + F)
    assert len({one.id for one in calls}) == len(calls) == 2
    assert told == [2]


def test_plain_text_is_never_held() -> None:
    """Not a character, though there are tags in it; and no block without an end is held for ever."""
    sieve = leaked().sieve()
    for piece in ("a < b", " <b>", "x</b> ", '<div class="a">', "``", "`<p>"):
        assert sieve.feed(piece) == piece
    sieve = leaked().sieve()
    assert sieve.feed("<tool_call>{") == ""
    assert sum(len(sieve.feed("x" * 1000)) for _ in range(MAX_HELD // 1000 + 2)) > MAX_HELD


@pytest.mark.parametrize(
    "piece", ["<tool_call>{</tool_call>x", "<", "<a ", "`", "<tool_call><", '<tool a="', "<tool_call> "]
)
def test_linear_time(piece: str) -> None:
    """Whatever the model writes, in large pieces and small ones."""
    text = piece * (100_000 // len(piece))
    began = time.process_time()
    for size in (64 * 1024, 7):
        sieve = leaked().sieve()
        for at in range(0, len(text), size):
            sieve.feed(text[at : at + size])
        leaked().read(sieve.finish())
    assert time.process_time() - began < 5
