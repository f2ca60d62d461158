"""Names of functions: legal, distinct, and named back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.translate.dialogue import Call, Request, Sampling, Tool, Turn
from app.translate.gigachat.names import MAX_LENGTH, FunctionNames
from tests.examples import examples

LEGAL = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


def names(*tools: str, called: tuple[str, ...] = ()) -> FunctionNames:
    """The names of a request with these tools, and these calls in its history."""
    turns = [Turn("assistant", [Call("1", name, {}) for name in called], "messages[0]")]
    return FunctionNames(Request("m", turns, Sampling(), tools=[Tool(name, None, None, "tools[0]") for name in tools]))


@pytest.mark.parametrize("name", ["f", "get_weather", "mcp__files__read-all", "a.b-c_1", "A" * MAX_LENGTH])
def test_a_legal_name_stays(name: str) -> None:
    """What GigaChat takes is not touched."""
    assert names(name).legal(name) == names(name).own(name) == name


# the client's, the beginning of GigaChat's
RENAMED = [
    ("1st", "st_"),
    ("_private", "private_"),
    ("get weather", "get_weather_"),
    ("a/b:c", "a_b_c_"),
    ("погода_в_Омске", "pogoda_v_omske_"),
    ("天気", "function_"),
    ("", "function_"),
    ("...", "function_"),
    ("text2image", "text2image_"),
    *((name, f"{name}_") for name in ("text2model3d", "web_search", "code_interpreter", "image_generate", "memory")),
    *((name, f"{name}_") for name in ("model_3d_generate", "url_content_extraction", "get_datetime")),
    ("a" * 65, "a" * 55 + "_"),
    ("mcp__server__" + "x" * 1000, "mcp__server__" + "x" * 42 + "_"),
    ("имя\n", "imya_"),
]


@pytest.mark.parametrize(("name", "stem"), RENAMED)
def test_an_illegal_name_is_mapped_and_named_back(name: str, stem: str) -> None:
    """It keeps what can be kept of it, and the same comes out each time, beside whatever else."""
    legal = names(name).legal(name)
    assert re.fullmatch(re.escape(stem) + "[0-9a-f]{8}", legal)
    assert len(legal) <= MAX_LENGTH
    assert names("other", name).legal(name) == names("z", called=(name,)).legal(name) == legal
    assert names(name).own(legal) == name


def test_a_name_that_was_taken_already_is_not_taken_twice() -> None:
    """A client's own name may be what another one would be mapped to."""
    taken = names("a b").legal("a b")
    both = names("a b", taken)
    assert both.legal(taken) == taken
    assert both.legal("a b") not in ("a b", taken)
    assert both.own(both.legal("a b")) == "a b"


def test_a_strangers_name_stays() -> None:
    """A function that nobody gave is named as GigaChat names it."""
    assert names("f").own("g") == "g"
    assert names().legal("g") == "g"


def test_an_unused_name_is_no_functions() -> None:
    """For a function of the gateway's own: the name itself if it is free."""
    assert names("f").unused("answer") == "answer"
    found = names("answer", called=("Ответ",))
    assert found.unused("answer") not in ("answer", "Ответ")
    assert LEGAL.fullmatch(found.unused("Ответ"))
    assert found.unused("Ответ") != found.legal("Ответ")


def test_what_is_offered_is_a_tool() -> None:
    """A name of the history alone is not."""
    found = names("f", called=("g",))
    assert (found.offered("f"), found.offered("g")) == (True, False)


@examples()
@given(
    st.lists(st.text(st.characters(), max_size=70), max_size=8, unique=True), st.lists(st.text(max_size=9), max_size=4)
)
def test_any_names_are_told_apart(tools: list[str], called: list[str]) -> None:
    """Each name has one legal name, no two the same, and the way back leads to it."""
    found = names(*tools, called=tuple(called))
    given_ = list(dict.fromkeys([*tools, *called]))
    legal = [found.legal(name) for name in given_]
    assert all(LEGAL.fullmatch(name) and len(name) <= MAX_LENGTH for name in legal)
    assert len(set(legal)) == len(given_)
    assert [found.own(name) for name in legal] == given_
