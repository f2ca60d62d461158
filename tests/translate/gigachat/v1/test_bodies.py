"""What whole answers and chunks have in common."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.dialogue import Finish
from app.translate.gigachat.v1 import bodies

# GigaChat's word, with a call, without one
FINISHES: list[tuple[object, Finish, Finish]] = [
    ("stop", "calls", "stop"),
    ("function_call", "calls", "stop"),
    ("length", "calls", "length"),
    ("blacklist", "filtered", "filtered"),
    ("eos", "calls", "stop"),
    (None, "calls", "stop"),
    ({}, "calls", "stop"),
]


@pytest.mark.parametrize(("raw", "called", "plain"), FINISHES)
def test_a_call_decides_how_an_answer_ended(raw: object, called: Finish, plain: Finish) -> None:
    """A call wants to be answered whatever GigaChat says beside it; without one there is nothing to answer."""
    assert bodies.decide_finish(bodies.read_finish(raw), called=True, answered=False) == called
    assert bodies.decide_finish(bodies.read_finish(raw), called=False, answered=True) == plain
    uncalled = "uncalled" if raw == "function_call" else plain
    assert bodies.decide_finish(bodies.read_finish(raw), called=False, answered=False) == uncalled


@pytest.mark.parametrize("body", [None, [], {}, {"choices": []}, {"choices": [1]}, {"choices": {"0": {}}}])
def test_no_choice_is_none(body: object) -> None:
    """What has no choice is no answer."""
    assert bodies.find_choice(body) is None


# usage as GigaChat might tell it -> prompt, completion, total, cached
USAGES: list[tuple[dict[str, Any], tuple[int, int, int, int | None]]] = [
    ({"prompt_tokens": 17, "completion_tokens": 3, "total_tokens": 20}, (17, 3, 20, None)),
    (
        {"prompt_tokens": 17, "completion_tokens": 3, "precached_prompt_tokens": None},
        (17, 3, 20, None),
    ),
    ({"prompt_tokens": 17, "completion_tokens": 3, "precached_prompt_tokens": 17}, (34, 3, 37, 17)),
    ({"prompt_tokens": 17, "completion_tokens": 3, "total_tokens": 20, "precached_prompt_tokens": 0}, (17, 3, 20, 0)),
    ({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13, "precached_prompt_tokens": "3"}, (12, 4, 16, 3)),
    ({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13, "precached_prompt_tokens": -3}, (9, 4, 13, 0)),
    ({"prompt_tokens": None, "precached_prompt_tokens": 3}, (3, 0, 3, 3)),
    ({"prompt_tokens": 17, "completion_tokens": 3, "precached_prompt_tokens": 18}, (35, 3, 38, 18)),
    ({"prompt_tokens": 1, "completion_tokens": 4, "total_tokens": 5, "precached_prompt_tokens": 37}, (38, 4, 42, 37)),
    ({"prompt_tokens": 17, "completion_tokens": 3}, (17, 3, 20, None)),
    ({}, (0, 0, 0, None)),
    ({"prompt_tokens": "17", "completion_tokens": 3.0, "total_tokens": 20.0}, (17, 3, 20, None)),
    ({"prompt_tokens": -5, "completion_tokens": [], "total_tokens": "x"}, (0, 0, 0, None)),
    ({"prompt_tokens": 1e308, "completion_tokens": float("inf"), "total_tokens": 7}, (2**53 - 1, 0, 7, None)),
]


@pytest.mark.parametrize(("raw", "expected"), USAGES)
def test_usage_has_one_meaning(raw: dict[str, Any], expected: tuple[int, int, int, int | None]) -> None:
    """The prompt contains the cached; the raw numbers stay; a number that JSON can't carry does not come."""
    usage = bodies.read_usage(raw)
    assert usage is not None
    assert (usage.prompt, usage.completion, usage.total, usage.cached) == expected
    assert usage.raw is raw
    assert (usage.cached or 0) <= usage.prompt


# what GigaChat says of prompt, total and cached tokens, what it means where the prompt contains the cached ones
CONTAINED: list[tuple[tuple[int, int, int], tuple[int, int, int]]] = [
    ((17, 20, 2), (17, 20, 2)),
    ((17, 20, 17), (17, 20, 17)),
    ((17, 20, 18), (35, 38, 18)),
    ((1, 4, 37), (38, 41, 37)),
]


@pytest.mark.parametrize(("told", "expected"), CONTAINED)
def test_the_other_reading_of_cached_tokens(told: tuple[int, int, int], expected: tuple[int, int, int]) -> None:
    """They are in the prompt already, unless they are more than it."""
    raw = {
        "prompt_tokens": told[0],
        "completion_tokens": 3,
        "total_tokens": told[1],
        "precached_prompt_tokens": told[2],
    }
    usage = bodies.read_usage(raw, cached_contained=True)
    assert usage is not None
    assert (usage.prompt, usage.total, usage.cached) == expected


@pytest.mark.parametrize("raw", [None, 5, "x", []])
def test_no_usage_is_none(raw: object) -> None:
    """What is no object tells nothing."""
    assert bodies.read_usage(raw) is None
