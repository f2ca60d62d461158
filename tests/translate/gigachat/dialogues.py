"""Turns, made shortly, and strategies for whole dialogues with calls."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from app.translate.dialogue import (
    Call,
    Choice,
    Format,
    Part,
    Request,
    Result,
    Sampling,
    Text,
    Thought,
    Tool,
    Turn,
)
from tests.translate.schemas.strategies import DOCUMENTS


def user(text: str, path: str = "messages[0]") -> Turn:
    """A user's message."""
    return Turn("user", [Text(text)], path)


def call(call_id: str, name: str = "f", **arguments: Any) -> Call:
    """A call."""
    return Call(call_id, name, arguments)


def result(call_id: str, text: str = "{}", name: str | None = None) -> Result:
    """A result of one text."""
    return Result(call_id, name, [Text(text)])


def turns(*given: Turn | list[Part] | Part | str) -> list[Turn]:
    """Turns by what they hold: a string is a user's, results are a tool's, all else is an assistant's."""
    made: list[Turn] = []
    for index, one in enumerate(given):
        path = f"messages[{index}]"
        if isinstance(one, Turn):
            made.append(Turn(one.role, one.parts, path))
        elif isinstance(one, str):
            made.append(user(one, path))
        else:
            parts = one if isinstance(one, list) else [one]
            role = "tool" if all(isinstance(part, Result) for part in parts) else "assistant"
            made.append(Turn("tool" if role == "tool" else "assistant", parts, path))
    return made


TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
IDS = st.sampled_from(["", "1", "2", "call_3", "7f1d2c3a111142228333944445555666-v1-0"])
NAMES = st.sampled_from(["f", "g", "погода", "text2image", "1st", "", "a b", "x" * 80])
_STATES = st.sampled_from([None, "7f1d2c3a-1111-4222-8333-944445555666", "abc", ""])
_OBJECTS = st.dictionaries(TEXT, st.integers(-9, 9) | TEXT | st.none(), max_size=2)
_RESULTS = st.sampled_from(["", "{}", '{"a": "\\u043f"}', "[1]", '"{}"', "да", "5", "{"])
_CALLS = st.builds(Call, IDS, NAMES, _OBJECTS, _STATES)
_GIVEN = st.builds(Result, IDS, st.none() | NAMES, st.lists(st.builds(Text, _RESULTS | TEXT), max_size=2))
_WORDS = st.builds(Text, TEXT)
TURNS = st.lists(
    st.one_of(
        st.builds(Turn, st.sampled_from(["system", "user"]), st.lists(_WORDS, max_size=2), st.just("messages[0]")),
        st.builds(Turn, st.just("user"), st.lists(_WORDS | _GIVEN, max_size=3), st.just("messages[1]")),
        st.builds(Turn, st.just("tool"), st.lists(_GIVEN, min_size=1, max_size=2), st.just("messages[2]")),
        st.builds(Turn, st.just("tool"), st.lists(_WORDS, max_size=1), st.just("messages[3]")),
        st.builds(
            Turn,
            st.just("assistant"),
            st.lists(_WORDS | _CALLS | st.builds(Thought, TEXT), max_size=4),
            st.just("messages[4]"),
        ),
    ),
    min_size=1,
    max_size=8,
)
_EXTRAS: dict[str, st.SearchStrategy[Any]] = {
    "few_shot_examples": st.lists(st.fixed_dictionaries({"request": TEXT, "params": _OBJECTS}), max_size=2),
    "return_parameters": DOCUMENTS,
}
TOOLS = st.lists(
    st.builds(
        Tool,
        NAMES,
        st.none() | TEXT,
        st.none() | DOCUMENTS,
        st.just("tools[0]"),
        st.fixed_dictionaries({}, optional=_EXTRAS),
    ),
    max_size=3,
    unique_by=lambda tool: tool.name,
)
FORMATS = st.none() | st.builds(Format, st.none() | DOCUMENTS, st.none() | st.booleans(), NAMES)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Any request that a protocol's reader may hand over."""
    tools = draw(TOOLS)
    modes = ["auto", "none", "required", "named"] if tools else ["auto"]
    mode = draw(st.sampled_from(modes))
    name = draw(st.sampled_from([tool.name for tool in tools])) if mode == "named" else None
    return Request(
        model="GigaChat-2-Max",
        turns=draw(TURNS),
        sampling=Sampling(draw(st.none() | st.floats(0, 2))),
        stream=draw(st.booleans()),
        max_tokens=draw(st.none() | st.integers(1, 99)),
        tools=tools,
        choice=Choice(mode, name),  # type: ignore[arg-type]
        format=draw(FORMATS),
        reasoning=draw(st.sampled_from([None, "low", "medium", "high"])),
    )
