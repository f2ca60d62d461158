"""A required call in two steps: what is asked, and what is read of it."""

from __future__ import annotations

from app.exchange.required_calls import ask_for_call, ask_for_choice, find_choice, must_choose
from app.translate.dialogue import Call, Choice, Request, Sampling, Text, Tool, Turn


def required(*names: str, history: tuple[str, ...] = ()) -> Request:
    """A request for a call of one of these."""
    turns = [Turn("user", [Text("x")], "m"), *(Turn("assistant", [Call("1", one, {})], "m") for one in history)]
    return Request(
        "m", turns, Sampling(), tools=[Tool(one, None, None, "t") for one in names], choice=Choice("required")
    )


def test_only_one_among_several_must_be_chosen() -> None:
    """One function, be it given twice, is forced as it is."""
    assert must_choose(required("a", "b"))
    assert not must_choose(required("a"))
    assert not must_choose(required("a", "a"))
    assert not must_choose(ask_for_call(required("a", "b"), "a"))


def test_the_choice_is_an_enum_of_the_names() -> None:
    """It is forced, under a name that nothing in the request has; the functions stay, so that they are known."""
    asked = ask_for_choice(required("a", "choose_function", history=("choose_function_2",)))
    assert [tool.name for tool in asked.tools] == ["a", "choose_function", "choose_function_3"]
    assert asked.choice == Choice("named", "choose_function_3", insisted=True)
    schema = asked.tools[-1].parameters
    assert schema is not None
    assert schema["properties"]["name"]["enum"] == ["a", "choose_function"]
    assert schema["required"] == ["name"]


def test_what_was_chosen() -> None:
    """A name of the client's, wherever the model put it; else nothing."""
    request = required("a", "b")
    for arguments, name in (({"name": "b"}, "b"), ({"function": "a"}, "a"), ({"name": "c"}, None), ({"name": 1}, None)):
        assert find_choice(request, [Text("x"), Call("1", "choose_function", arguments)]) == name
    assert find_choice(request, [Call("1", "b", {"x": "a"})]) == "b"
    assert find_choice(request, [Text("a")]) is None
