"""The payload for contract v1: every rule of messages and sampling, and what writing it cost."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.errors import GatewayError
from app.translate.dialogue import (
    Call,
    Choice,
    Format,
    Part,
    Request,
    Role,
    Sampling,
    Text,
    Thought,
    Tool,
    Turn,
)
from app.translate.field_names import FieldNames
from app.translate.gigachat.v1 import chat_request

SHORT: dict[str, Role] = {"s": "system", "u": "user", "a": "assistant"}


def turns(*given: tuple[str, str | list[str | Part]]) -> list[Turn]:
    """Turns from (role's first letter, text or parts)."""
    made = []
    for index, (role, said) in enumerate(given):
        parts = [said] if isinstance(said, str) else said
        made.append(Turn(SHORT[role], [Text(p) if isinstance(p, str) else p for p in parts], f"messages[{index}]"))
    return made


def write(*given: tuple[str, str | list[str | Part]], **more: Any) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """The payload and the notes as tuples."""
    payload, notes = chat_request.write(Request("GigaChat", turns(*given), **{"sampling": Sampling(), **more}))
    return payload, [(note.kind, note.rule, note.path) for note in notes]


JOINED = ("equivalent", "system.joined", "messages[0]")

# name, turns, messages as (role's first letter, content), notes
MESSAGES: list[tuple[str, list[tuple[str, Any]], list[tuple[str, str]], list[tuple[str, str, str]]]] = [
    ("a plain one", [("u", "Привет")], [("u", "Привет")], []),
    ("one system", [("s", "S"), ("u", "U")], [("s", "S"), ("u", "U")], []),
    ("two systems", [("s", "S1"), ("s", "S2"), ("u", "U")], [("s", "S1\n\nS2"), ("u", "U")], [JOINED]),
    ("a system at index 1", [("u", "U"), ("s", "S")], [("s", "S"), ("u", "U")], [JOINED]),
    (
        "systems around users",
        [("s", "S1"), ("u", "U1"), ("s", "S2"), ("u", "U2"), ("a", "A")],
        [("s", "S1\n\nS2"), ("u", "U1"), ("u", "U2"), ("a", "A")],
        [JOINED],
    ),
    (
        "late systems",
        [("s", "S"), ("u", "U"), ("a", "A"), ("s", "L1"), ("u", "U2"), ("s", "L2")],
        [("s", "S"), ("u", "U"), ("a", "A"), ("u", "[system] L1"), ("u", "U2"), ("u", "[system] L2")],
        [("adapted", "system->user", "messages[3]"), ("adapted", "system->user", "messages[5]")],
    ),
    (
        "a system after a greeting",
        [("a", "A"), ("s", "S"), ("u", "U")],
        [("a", "A"), ("u", "[system] S"), ("u", "U")],
        [("adapted", "system->user", "messages[1]")],
    ),
    ("an empty system", [("s", ""), ("u", "U")], [("u", "U")], [("equivalent", "system.empty", "messages[0]")]),
    (
        "an empty late system",
        [("u", "U"), ("a", "A"), ("s", []), ("u", "U2")],
        [("u", "U"), ("a", "A"), ("u", "U2")],
        [("equivalent", "system.empty", "messages[2]")],
    ),
    ("a system alone", [("s", "S")], [("s", "S")], []),
    ("parts of a user", [("u", ["a", "b", "c"])], [("u", "a\nb\nc")], []),
    ("parts of a system", [("s", ["a", "b"]), ("u", "U")], [("s", "a\nb"), ("u", "U")], []),
    ("parts of an assistant", [("u", "U"), ("a", ["x = (", "1)"])], [("u", "U"), ("a", "x = (1)")], []),
    ("a refusal", [("u", "U"), ("a", [Text("No.")])], [("u", "U"), ("a", "No.")], []),
    ("text and refusal", [("u", "U"), ("a", ["Hm. ", Text("No.")])], [("u", "U"), ("a", "Hm. No.")], []),
    ("no content of an assistant", [("u", "U"), ("a", [])], [("u", "U"), ("a", "")], []),
    (
        "an empty user among others",
        [("u", "U"), ("a", "A"), ("u", "")],
        [("u", "U"), ("a", "A"), ("u", " ")],
        [("adapted", "user.empty->space", "messages[2]")],
    ),
    (
        "a user without parts",
        [("s", "S"), ("u", [])],
        [("s", "S"), ("u", " ")],
        [("adapted", "user.empty->space", "messages[1]")],
    ),
    ("neighbours of one role", [("u", "a"), ("u", "b")], [("u", "a"), ("u", "b")], []),
    ("an assistant first", [("a", "A"), ("u", "U")], [("a", "A"), ("u", "U")], []),
    ("blanks are kept", [("u", " a\n")], [("u", " a\n")], []),
]


@pytest.mark.parametrize(
    ("given", "expected", "told"), [row[1:] for row in MESSAGES], ids=[name for name, *_ in MESSAGES]
)
def test_messages_become_v1s(
    given: list[tuple[str, Any]], expected: list[tuple[str, str]], told: list[tuple[str, str, str]]
) -> None:
    """One system at most, first; strings only; nothing lost that is not told."""
    payload, notes = write(*given)
    assert payload == {
        "model": "GigaChat",
        "messages": [{"role": SHORT[role], "content": content} for role, content in expected],
    }
    assert notes == told


EMPTY: list[list[tuple[str, Any]]] = [
    [("u", "")],
    [("u", [])],
    [("u", " \n\t")],
    [("u", ["", ""])],
    [("s", "")],
    [("a", "")],
    [("s", ""), ("a", ""), ("u", "")],
]


@pytest.mark.parametrize("given", EMPTY)
def test_a_request_without_a_word_is_refused(given: list[tuple[str, Any]]) -> None:
    """There is nothing to answer: a 400 that names the first message, nothing is paid."""
    with pytest.raises(GatewayError) as caught:
        write(*given)
    assert (caught.value.kind.name, caught.value.param) == ("invalid_value", "messages[0]")


TINY = ("equivalent", "temperature=0", "temperature")

# request's fields, what stands in the payload beside model and messages, notes
SAMPLING: list[tuple[dict[str, Any], dict[str, Any], list[tuple[str, str, str]]]] = [
    ({}, {}, []),
    ({"sampling": Sampling(temperature=0.7, top_p=0.5)}, {"temperature": 0.7, "top_p": 0.5}, []),
    ({"sampling": Sampling(temperature=0)}, {"temperature": 0.0001}, [TINY]),
    ({"sampling": Sampling(temperature=0.0, top_p=0.9)}, {"temperature": 0.0001, "top_p": 0.9}, [TINY]),
    ({"sampling": Sampling(temperature=-0.0)}, {"temperature": 0.0001}, [TINY]),
    ({"sampling": Sampling(temperature=2)}, {"temperature": 2}, []),
    ({"sampling": Sampling(top_p=0)}, {"top_p": 0}, []),
    ({"max_tokens": 5}, {"max_tokens": 5}, []),
    ({"stream": True}, {"stream": True}, []),
    ({"session": "user:1"}, {}, []),
    ({"reasoning": "low"}, {"reasoning_effort": "low"}, []),
    ({"n": 2, "stop": ["a"]}, {}, []),
    ({"extra": {"repetition_penalty": 1, "flags": []}}, {"repetition_penalty": 1, "flags": []}, []),
]


@pytest.mark.parametrize(("fields", "expected", "told"), SAMPLING)
def test_sampling_and_limits(
    fields: dict[str, Any], expected: dict[str, Any], told: list[tuple[str, str, str]]
) -> None:
    """What was asked for is sent; 0 becomes deterministic and leaves top_p alone; the rest is not sent."""
    payload, notes = write(("u", "U"), **fields)
    assert {key: value for key, value in payload.items() if key not in ("model", "messages")} == expected
    assert notes == told


@pytest.mark.parametrize("value", [0, 0.0, -0.0])
def test_a_repetition_penalty_of_zero_is_refused(value: float) -> None:
    """GigaChat takes positive ones only."""
    with pytest.raises(GatewayError) as caught:
        write(("u", "U"), extra={"repetition_penalty": value})
    assert (caught.value.kind.name, caught.value.param) == ("invalid_value", "repetition_penalty")


def test_notes_name_parts_as_the_client_does() -> None:
    """What a protocol calls its fields stands in the rules and in the paths."""
    fields = FieldNames(turns="contents", choice="mode", format="shape", schema="shape.is", temperature="heat")
    tools = [Tool("f", None, None, "tools[0]"), Tool("g", None, None, "tools[1]")]
    required: dict[str, Any] = {"tools": tools, "choice": Choice("required"), "format": Format({}), "fields": fields}
    said: list[tuple[str, str | list[str | Part]]] = [("u", "U"), ("a", ["A", Thought("hm")])]
    assert write(*said, sampling=Sampling(0), **required)[1] == [
        ("equivalent", "contents.reasoning", "messages[1]"),
        ("equivalent", "heat=0", "heat"),
        ("adapted", "mode=required->auto", "mode"),
        ("equivalent", "schema.empty", "shape.is"),
    ]
    assert ("equivalent", "shape.unused", "shape") in [
        (note.kind, note.rule, note.path)
        for note in chat_request.write(Request("m", turns(*said), Sampling(), **required), as_function=True)[1]
    ]


def test_writing_changes_no_request() -> None:
    """A request may be written again for another attempt: the same payload comes."""
    request = Request("GigaChat", turns(("s", "a"), ("s", "b"), ("u", "")), Sampling(temperature=0))
    assert chat_request.write(request) == chat_request.write(request)


def test_many_turns_take_linear_time() -> None:
    """20,000 messages, systems among them, cost what their number costs."""
    many = [("s" if index % 3 == 0 else "u", "слово " * 10) for index in range(20_000)]
    started = time.process_time()
    payload, _ = write(*many)
    assert len(payload["messages"]) == 13_334
    assert time.process_time() - started < 3  # under coverage


def test_the_state_goes_back_or_not() -> None:
    """By the caller's word; the rest is the same."""
    request = Request("GigaChat", turns(("u", "U")), Sampling())
    number = "7f1d2c3a111142228333944445555666-v1-0"
    request.turns += [Turn("assistant", [Call(number, "f", {})], "messages[1]")]
    echoed, silent = (chat_request.write(request, state_echo=echo)[0]["messages"] for echo in (True, False))
    assert echoed[1].pop("functions_state_id") == "7f1d2c3a-1111-4222-8333-944445555666"
    assert echoed == silent


def test_a_payload_with_everything_has_a_fixed_order() -> None:
    """The same request makes the same bytes, so that GigaChat's prompt cache knows it."""
    request = Request(
        "GigaChat",
        turns(("u", "U")),
        Sampling(0.5, 0.9),
        stream=True,
        max_tokens=5,
        tools=[Tool("f", None, None, "tools[0]")],
        choice=Choice("named", "f"),
        format=Format(None),
        reasoning="high",
        extra={"flags": []},
    )
    expected = ["model", "messages", "temperature", "top_p", "max_tokens", "response_format", "functions"]
    assert list(chat_request.write(request)[0]) == [*expected, "function_call", "reasoning_effort", "flags", "stream"]
