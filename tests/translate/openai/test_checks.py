"""Checks of a client's values: the value back, or a 400 that names the field and what came."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from app.errors import GatewayError
from app.translate.openai import checks

NUMBER = partial(checks.number, low=0)
RATIO = partial(checks.number, low=0, high=1)
COUNT = partial(checks.integer, low=0)

Check = Callable[[Any, str], Any]

ACCEPTED: list[tuple[Check, Any, Any]] = [
    (NUMBER, 0, 0),
    (NUMBER, -0.0, 0),
    (NUMBER, 5e-324, 5e-324),
    (NUMBER, 1.5, 1.5),
    (RATIO, 1, 1),
    (COUNT, 0, 0),
    (COUNT, 5.0, 5),
    (COUNT, 2**63 - 1, 2**63 - 1),
    (checks.boolean, True, True),
    (checks.string, "", ""),
    (checks.obj, {}, {}),
    (checks.array, [], []),
    (checks.strings, ["a", ""], ["a", ""]),
]
# check, value, what the message says
REFUSED: list[tuple[Check, Any, str]] = [
    (NUMBER, True, "must be a number, not a boolean"),
    (NUMBER, "0.7", "must be a number, not a string"),
    (NUMBER, None, "must be a number, not null"),
    (NUMBER, -0.1, "must be at least 0"),
    (NUMBER, math.nan, "must be at least 0"),
    (NUMBER, math.inf, "must be at least 0"),
    (RATIO, 1.01, "must be between 0 and 1"),
    (RATIO, math.inf, "must be between 0 and 1"),
    (COUNT, True, "must be an integer, not a boolean"),
    (COUNT, 1.5, "must be an integer, not a number"),
    (COUNT, math.nan, "must be an integer, not a number"),
    (COUNT, math.inf, "must be an integer, not a number"),
    (COUNT, "5", "must be an integer, not a string"),
    (COUNT, -1, "must be at least 0"),
    (COUNT, -1.0, "must be at least 0"),
    (COUNT, 2**63, "must be at most 9223372036854775807"),
    (COUNT, 1e300, "must be at most 9223372036854775807"),
    (checks.boolean, 1, "must be a boolean, not an integer"),
    (checks.boolean, "true", "must be a boolean, not a string"),
    (checks.string, 1, "must be a string, not an integer"),
    (checks.string, 1.0, "must be a string, not a number"),
    (checks.obj, [], "must be an object, not an array"),
    (checks.array, {}, "must be an array, not an object"),
    (checks.strings, [["a"]], "must be a string, not an array"),
]


@pytest.mark.parametrize(("check", "value", "expected"), ACCEPTED)
def test_good_values_come_back(check: Check, value: Any, expected: Any) -> None:
    """The value is given back, a whole float as an int."""
    found = check(value, "field")
    assert found == expected
    assert isinstance(found, type(expected)) or expected == 0


@pytest.mark.parametrize(("check", "value", "message"), REFUSED)
def test_bad_values_are_refused(check: Check, value: Any, message: str) -> None:
    """The 400 names the field and what was wanted."""
    with pytest.raises(GatewayError) as caught:
        check(value, "field")
    assert caught.value.kind.status == 400
    assert caught.value.param in ("field", "field[0]")
    assert caught.value.message == f"'{caught.value.param}' {message}."


# a client's key, as it may be shown to that client
SHOWN = [("foo", "foo"), ("", "''"), ("a\r\nb\x00", "a??b?"), ("\u202eevil", "?evil"), ("x" * 65, "x" * 64 + "...")]


@pytest.mark.parametrize(("key", "expected"), SHOWN)
def test_keys_are_shown_in_one_short_line(key: str, expected: str) -> None:
    """What is not printable can't be seen, and can't be abused."""
    assert checks.shown(key) == expected


def test_the_makers_of_errors() -> None:
    """Each has its own code; all name the field."""
    made = [checks.missing("a", "b"), checks.invalid("a", "b"), checks.unsupported("a", "b")]
    assert [(error.kind.name, error.param) for error in made] == [
        ("missing_required_parameter", "a"),
        ("invalid_value", "a"),
        ("unsupported_parameter", "a"),
    ]
