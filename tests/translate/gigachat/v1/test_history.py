"""Messages with calls and results, as v1 has them: one call a message, its result right behind it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given

from app.errors import GatewayError
from app.sandbox.history import check_history
from app.translate.dialogue import Call, Note, Part, Request, Result, Sampling, Text, Thought, Turn
from app.translate.gigachat.names import FunctionNames
from app.translate.gigachat.v1 import history
from tests.examples import examples
from tests.translate.gigachat.dialogues import TURNS, call, result, turns

STATE = "7f1d2c3a-1111-4222-8333-944445555666"
OURS = "7f1d2c3a111142228333944445555666-v1-0"


def write(*given_: Turn | list[Part] | Part | str, **more: Any) -> tuple[list[Any], list[Note]]:
    """The messages, shortened: text of a user, (call, arguments, text, ...), (result's name, content); notes."""
    notes: list[Note] = []
    request = Request("m", turns(*given_), Sampling())
    return [short(one) for one in history.write(request, FunctionNames(request), notes, **more)], notes


def short(message: dict[str, Any]) -> Any:
    """A message in as few words as it has."""
    kept = dict(message)
    role, content = kept.pop("role"), kept.pop("content")
    if role == "function":
        return (kept.pop("name"), content)
    if made := kept.pop("function_call", None):
        return (made["name"], made["arguments"], content, *kept.values())
    assert not kept
    return content if role == "user" else {role: content}


LOST = '{"error":"no result"}'
UNROLLED = Note("equivalent", "calls.unrolled", "messages[1]")


def lost(path: str) -> Note:
    """A call without a result."""
    return Note("adapted", "call.no_result", path)


def stray(path: str) -> Note:
    """A result without a call."""
    return Note("adapted", "result->user", path)


# name, turns, messages in short, notes
HISTORIES: list[tuple[str, list[Any], list[Any], list[Note]]] = [
    ("one call", ["U", call("1", a=1), result("1", '{"b":2}')], ["U", ("f", {"a": 1}, ""), ("f", '{"b":2}')], []),
    (
        "text beside a call",
        ["U", [Text("Hm. "), call("1"), Text("No.")], result("1", "x")],
        ["U", ("f", {}, "Hm. No."), ("f", '{"result":"x"}')],
        [],
    ),
    (
        "several calls, results in another order",
        [
            "U",
            [Text("T"), call("1", "f", a=1), call("2", "g"), call("3", "f")],
            result("3", "3"),
            result("1", "1"),
            result("2", "2"),
            "U2",
        ],
        [
            "U",
            ("f", {"a": 1}, "T"),
            ("f", '{"result":1}'),
            ("g", {}, ""),
            ("g", '{"result":2}'),
            ("f", {}, ""),
            ("f", '{"result":3}'),
            "U2",
        ],
        [UNROLLED],
    ),
    (
        "several results in one turn",
        ["U", [call("1"), call("2", "g")], [result("1", "1"), result("2", "2")]],
        ["U", ("f", {}, ""), ("f", '{"result":1}'), ("g", {}, ""), ("g", '{"result":2}')],
        [UNROLLED],
    ),
    ("a call without a result", ["U", call("1"), "U2"], ["U", ("f", {}, ""), ("f", LOST), "U2"], [lost("messages[1]")]),
    ("a call at the end", ["U", call("1")], ["U", ("f", {}, ""), ("f", LOST)], [lost("messages[1]")]),
    (
        "ids that repeat in later turns",
        ["U", call("1"), result("1", "1"), call("1"), result("1", "2")],
        ["U", ("f", {}, ""), ("f", '{"result":1}'), ("f", {}, ""), ("f", '{"result":2}')],
        [],
    ),
    (
        "ids that repeat in one turn",
        ["U", [call("1"), call("1")], result("1", "1"), result("1", "2")],
        ["U", ("f", {}, ""), ("f", '{"result":1}'), ("f", {}, ""), ("f", '{"result":2}')],
        [UNROLLED],
    ),
    (
        "ids that repeat in turns side by side",
        ["U", call("1"), call("1"), result("1", "1"), result("1", "2")],
        ["U", ("f", {}, ""), ("f", '{"result":1}'), ("f", {}, ""), ("f", '{"result":2}')],
        [],
    ),
    (
        "a call that was given up, its id used again",
        ["U", call("1"), "U2", call("1"), result("1", "2")],
        ["U", ("f", {}, ""), ("f", LOST), "U2", ("f", {}, ""), ("f", '{"result":2}')],
        [lost("messages[1]")],
    ),
    (
        "a result that comes late",
        ["U", call("1"), "U2", result("1", "1")],
        ["U", ("f", {}, ""), ("f", '{"result":1}'), "U2"],
        [],
    ),
    (
        "a result before its call",
        ["U", result("1", "1", "f"), call("1")],
        ["U", '[tool result] f: {"result":1}', ("f", {}, ""), ("f", LOST)],
        [stray("messages[1]"), lost("messages[2]")],
    ),
    (
        "a second result",
        ["U", call("1"), result("1", "1"), result("1", "2")],
        ["U", ("f", {}, ""), ("f", '{"result":1}'), '[tool result] {"result":2}'],
        [stray("messages[3]")],
    ),
    ("a result alone", [result("1", "да")], ['[tool result] {"result":"да"}'], [stray("messages[0]")]),
    (
        "a tool's words without an id",
        ["U", Turn("tool", [Text("x")], "")],
        ["U", "[tool result] x"],
        [stray("messages[1]")],
    ),
    (
        "calls without ids",
        ["U", [call("", "f"), call("", "g")], result("", "2", "g"), result("", "1", "f")],
        ["U", ("f", {}, ""), ("f", '{"result":1}'), ("g", {}, ""), ("g", '{"result":2}')],
        [UNROLLED],
    ),
    (
        "results in a user's message",
        ["U", call("1"), Turn("user", [result("1", "1"), Text("и ещё")], "")],
        ["U", ("f", {}, ""), ("f", '{"result":1}'), "и ещё"],
        [],
    ),
    (
        "a user's message of nothing but a result",
        ["U", call("1"), Turn("user", [result("1", "1")], ""), "U2"],
        ["U", ("f", {}, ""), ("f", '{"result":1}'), "U2"],
        [],
    ),
    (
        "a late system message between call and result",
        ["U", call("1"), Turn("system", [Text("S")], ""), result("1", "1")],
        ["U", ("f", {}, ""), ("f", '{"result":1}'), "[system] S"],
        [Note("adapted", "system->user", "messages[2]")],
    ),
    (
        "a system message after a call",
        [call("1"), result("1", "1"), Turn("system", [Text("S")], "")],
        [("f", {}, ""), ("f", '{"result":1}'), "[system] S"],
        [Note("adapted", "system->user", "messages[2]")],
    ),
    (
        "thoughts",
        ["U", [Thought("t"), Text("A")], [Thought("t"), call("1")], result("1", "1")],
        ["U", {"assistant": "A"}, ("f", {}, ""), ("f", '{"result":1}')],
        [Note("equivalent", "turns.reasoning", f"messages[{index}]") for index in (1, 2)],
    ),
    ("a call of ours", ["U", call(OURS), result(OURS, "1")], ["U", ("f", {}, "", STATE), ("f", '{"result":1}')], []),
    (
        "a known state",
        ["U", Call("1", "f", {}, STATE), result("1", "1")],
        ["U", ("f", {}, "", STATE), ("f", '{"result":1}')],
        [],
    ),
    (
        "a foreign state",
        ["U", Call("1", "f", {}, "abc"), result("1", "1")],
        ["U", ("f", {}, ""), ("f", '{"result":1}')],
        [],
    ),
]


@pytest.mark.parametrize(
    ("given_", "expected", "told"), [row[1:] for row in HISTORIES], ids=[row[0] for row in HISTORIES]
)
def test_calls_become_pairs(given_: list[Any], expected: list[Any], told: list[Note]) -> None:
    """Every call has its result behind it, in the calls' order; what is lost on the way is told."""
    messages, notes = write(*given_)
    assert messages == expected
    assert notes == told


def test_the_state_is_echoed_where_it_is_wanted() -> None:
    """Else the same messages go without."""
    assert write("U", call(OURS), result(OURS, "1"), state_echo=False)[0] == ["U", ("f", {}, ""), ("f", '{"result":1}')]


def test_names_of_the_past_are_mapped() -> None:
    """A call and its result bear the same legal name, told once."""
    messages, notes = write("U", call("1", "имя"), result("1", "1"), call("2", "имя"), result("2", "2"))
    legal = messages[1][0]
    assert legal.startswith("imya_")
    assert [one[0] for one in messages[1:]] == [legal] * 4
    assert notes == [Note("equivalent", "function.renamed", "messages[1]")]


# turns, messages in short
INSTRUCTED: list[tuple[list[Any], list[Any]]] = [
    (["U"], [{"system": "I"}, "U"]),
    ([Turn("system", [Text("S")], ""), "U"], [{"system": "S\n\nI"}, "U"]),
]


@pytest.mark.parametrize(("given_", "expected"), INSTRUCTED)
def test_an_instruction_ends_the_system_message(given_: list[Any], expected: list[Any]) -> None:
    """Where there is none it is one."""
    assert write(*given_, instruction="I") == (expected, [])


@pytest.mark.parametrize("given_", [[Turn("tool", [], "")], [[Thought("t")]], [""]])
def test_nothing_to_answer_is_refused(given_: list[Any]) -> None:
    """An instruction of the gateway's own is no question either."""
    with pytest.raises(GatewayError, match="nothing to answer"):
        write(*given_, instruction="I")


def test_an_empty_result_is_something_to_answer() -> None:
    """A call and what came of it make a conversation."""
    assert write(call("1"), Result("1", None, [])) == ([("f", {}, ""), ("f", '{"result":""}')], [])


@examples(max_examples=300)
@given(TURNS)
def test_any_history_is_accepted(given_: list[Turn]) -> None:
    """Whatever the calls and results, GigaChat takes it, no word is lost and no turn is altered."""
    request, notes = Request("m", given_, Sampling()), list[Note]()
    before = repr(given_)
    parts = [part for turn in given_ for part in turn.parts]
    if not any(isinstance(part, Call | Result) or (isinstance(part, Text) and part.text.strip()) for part in parts):
        with pytest.raises(GatewayError, match="nothing to answer"):
            history.write(request, FunctionNames(request), notes)
        return
    messages = history.write(request, FunctionNames(request), notes)
    assert repr(given_) == before
    check_history(messages)
    unnamed = sum(note.rule == "call.unnamed->user" for note in notes)
    assert sum("function_call" in one for one in messages) + unnamed == sum(isinstance(part, Call) for part in parts)
    quoted = sum(note.rule == "result->user" for note in notes)
    results_ = sum(isinstance(part, Result) for part in parts)
    lost_ = sum(note.rule == "call.no_result" for note in notes)
    strays = quoted - sum(turn.role == "tool" and not any(isinstance(p, Result) for p in turn.parts) for turn in given_)
    said_so = [one["content"] for one in messages if one["content"].startswith("[tool call] ")]
    strays += sum("\n[tool result] " in words for words in said_so)
    assert sum(one["role"] == "function" for one in messages) - lost_ == results_ - strays
    said = "\n".join(one["content"] for one in messages)
    assert all(part.text in said for part in parts if isinstance(part, Text))


@pytest.mark.long
@pytest.mark.parametrize("same", [True, False])
def test_many_calls_take_linear_time(same: bool) -> None:
    """20,000 calls, of one id or of many, in one turn or in many, cost what their number costs."""
    ids = ["1" if same else str(index) for index in range(10_000)]
    together: list[Part] = [call(one) for one in ids]
    apart = [part for one in ids for part in (call(one), result(one))]
    started = time.process_time()
    messages, _ = write("U", together, *(result(one) for one in reversed(ids)), *apart)
    assert len(messages) == 40_001
    assert time.process_time() - started < 5  # under coverage
