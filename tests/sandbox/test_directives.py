"""Directives: how they are read."""

from __future__ import annotations

import pytest

from app.sandbox.directives import DIRECTIVES, BadDirective, Directive, Directives, WantedCall, parse_directives


def _read(text: str) -> Directives:
    return parse_directives([{"role": "system", "content": "sandbox:say нет"}, {"role": "user", "content": text}])


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
    assert _read(text) == Directives(
        said="Привет\n",
        say="Да.\nsandbox:wait 9",
        long=3,
        finish="error",
        reasoning=True,
        think="Хм",
        wait=0.5,
        calls=(WantedCall("f"),),
    )


@pytest.mark.parametrize("row", DIRECTIVES.values(), ids=list(DIRECTIVES))
def test_each_example_is_read(row: Directive) -> None:
    """It asks for something: it is more than text."""
    assert _read(row.example) != Directives(row.example)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sandbox:sing", "no directive is sandbox:sing. There are: sandbox:say, sandbox:long, "),
        ("Привет\nsandbox:longer 5", "no directive is sandbox:longer."),
        ("sandbox:say", "no directive is sandbox:say. There are: sandbox:say, "),
        ("sandbox:reasoning\nsandbox:спой", "no directive is sandbox:спой."),
        ("sandbox:" + "x" * 1000, f"no directive is sandbox:{'x' * 40}."),
        ("sandbox:finish soon", "sandbox:finish takes one of: stop, length, "),
        ("sandbox:finish", "sandbox:finish takes one of: "),
        ("sandbox:wait long", "sandbox:wait takes a number, such as: sandbox:wait 3"),
        ("sandbox:wait -1", "sandbox:wait takes a number"),
        ("sandbox:long", "sandbox:long takes a number"),
        ("sandbox:long ٣", "sandbox:long takes a number"),
        ("sandbox:call", "sandbox:call takes names of functions, such as: sandbox:call weather "),
        ("sandbox:call погода", "sandbox:call takes names of functions"),
        ("sandbox:call a; погода", "sandbox:call takes names of functions"),
        ('sandbox:call a; b {"x": ; c', "sandbox:call: the arguments of b are no JSON object"),
        ('sandbox:call a {"x": "\\ud83d"}; b', "sandbox:call: the arguments of a are no JSON object"),
        ('sandbox:call a {"x": NaN}', "sandbox:call: the arguments of a are no JSON object"),
    ],
)
def test_what_cannot_be_obeyed_is_refused(text: str, said: str) -> None:
    """An unknown directive, or a value that it does not take: the message says what there is."""
    with pytest.raises(BadDirective) as caught:
        _read(text)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("text", ["но sandbox:say здесь", "sandbox: true", "sandbox:", "sandbox:\n", "Sandbox:say x"])
def test_what_only_looks_like_one_is_text(text: str) -> None:
    """Inside a line, or with nothing behind the colon, as YAML has it."""
    assert _read(text) == Directives(text)


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
    ],
)
def test_calls(line: str, calls: list[tuple[str, object]]) -> None:
    """Names in a row, each with arguments or without."""
    assert [(one.name, one.arguments) for one in _read(f"sandbox:call {line}").calls] == calls


def test_calls_on_several_lines() -> None:
    """Lines of calls add up."""
    assert [one.name for one in _read("sandbox:call a\nи ещё\nsandbox:call b; a").calls] == ["a", "b", "a"]
