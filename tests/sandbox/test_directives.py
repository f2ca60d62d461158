"""Directives: how they are read."""

from __future__ import annotations

import pytest

from app.sandbox.directives import DIRECTIVES, WantedCall, Wishes, read


def _read(text: str) -> Wishes:
    return read([{"role": "system", "content": "sandbox:say нет"}, {"role": "user", "content": text}])


def test_each_directive_is_explained() -> None:
    """The page of the sandbox names the directives that the module obeys."""
    assert [name.partition(":")[2].split()[0] for name in DIRECTIVES] == [
        "say",
        "long",
        "finish",
        "reasoning",
        "think",
        "wait",
        "call",
    ]


def test_all_at_once() -> None:
    """Each stands at the beginning of a line; what is left is what was said; `say` takes all that follows."""
    text = (
        "Привет\nsandbox:call f\nsandbox:finish error\nsandbox:reasoning\nsandbox:think Хм\nsandbox:wait 0.5\n"
        "sandbox:long 3\nsandbox:say Да.\nsandbox:wait 9"
    )
    assert _read(text) == Wishes(
        said="Привет\n",
        say="Да.\nsandbox:wait 9",
        long=3,
        finish="error",
        reasoning=True,
        think="Хм",
        wait=0.5,
        calls=(WantedCall("f"),),
    )


def test_nonsense_is_no_wish() -> None:
    """An unknown directive is text, an unknown finish none, what is no number 0."""
    wishes = _read("sandbox:sing\nsandbox:finish soon\nsandbox:wait long\nsandbox:long many")
    assert wishes == Wishes("sandbox:sing\n", long=0)
    assert not _read("но sandbox:say здесь").worded


@pytest.mark.parametrize(
    ("line", "calls"),
    [
        ("a", [("a", None)]),
        (
            'get.weather-2 {"city": "Омск; call b", "n": {"x": 1}}',
            [("get.weather-2", {"city": "Омск; call b", "n": {"x": 1}})],
        ),
        ('a {"x": 1}; call b; c {}', [("a", {"x": 1}), ("b", None), ("c", {})]),
        ("a; call", [("a", None), ("call", None)]),
        ('a; b {"x": ; c', [("a", None)]),
        ('a {"x": "\\ud83d"}; b', []),
        ('a {"x": NaN}', []),
        ("погода", []),
        ("", []),
    ],
)
def test_calls(line: str, calls: list[tuple[str, object]]) -> None:
    """Names in a row, each with arguments or without; what can't be read ends the row."""
    assert [(one.name, one.arguments) for one in _read(f"sandbox:call {line}").calls] == calls


def test_calls_on_several_lines() -> None:
    """Lines of calls add up."""
    assert [one.name for one in _read("sandbox:call a\nи ещё\nsandbox:call b; a").calls] == ["a", "b", "a"]
