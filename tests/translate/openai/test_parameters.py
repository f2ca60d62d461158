"""The table of parameters: each row's fate, its neutral values and its check."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from app.errors import GatewayError
from app.translate.openai.parameters import DROPPABLE, IDENTITIES, PARAMETERS, Fate, sift

# key, value that is passed, how it is passed
PASSED: list[tuple[str, Any, Any]] = [
    ("repetition_penalty", 1.1, 1.1),
    ("update_interval", 0, 0),
    ("profanity_check", False, False),
    ("flags", ["a", "b"], ["a", "b"]),
    ("function_ranker", {"enabled": True, "top_n": 5.0}, {"enabled": True, "top_n": 5}),
    ("function_ranker", {"top_n": 1}, {"top_n": 1}),
    ("function_ranker", {"enabled": None}, {}),
    ("function_ranker", [], {}),
]
# key, value that means something
DROPPED: list[tuple[str, Any]] = [
    ("seed", 7),
    ("seed", -1),
    ("logit_bias", {"50256": -100}),
    ("logprobs", True),
    ("top_logprobs", 5),
    ("presence_penalty", -0.5),
    ("frequency_penalty", 2),
    ("prediction", {"type": "content", "content": "a"}),
    ("service_tier", "flex"),
    ("store", True),
    ("modalities", ["text", "audio"]),
    ("audio", {"voice": "alloy"}),
    ("verbosity", "low"),
    ("web_search_options", {}),
    ("prompt_cache_retention", "24h"),
    ("moderation", {}),
]
# key, value that asks for nothing
NEUTRAL: list[tuple[str, Any]] = [
    ("logit_bias", {}),
    ("logit_bias", []),
    ("logprobs", False),
    ("top_logprobs", 0),
    ("presence_penalty", 0),
    ("frequency_penalty", 0.0),
    ("frequency_penalty", -0.0),
    ("service_tier", "auto"),
    ("service_tier", "default"),
    ("store", False),
    ("modalities", ["text"]),
    ("verbosity", "medium"),
]
# Rows whose values are read and checked elsewhere: the body goes there as it is.
CARRIED: list[tuple[str, Any]] = [
    ("tools", [{"type": "function", "function": {"name": "f"}}]),
    ("tool_choice", "required"),
    ("parallel_tool_calls", False),
    ("functions", [{"name": "f"}]),
    ("function_call", {"name": "f"}),
    ("response_format", {"type": "json_object"}),
    ("n", 2),
    ("stop", ["END"]),
    ("reasoning_effort", "low"),
    ("messages", []),
    ("model", "m"),
]
# key, value of the wrong type or out of bounds, field that is named
WRONG: list[tuple[str, Any, str]] = [
    ("repetition_penalty", -1, "repetition_penalty"),
    ("repetition_penalty", "1", "repetition_penalty"),
    ("update_interval", True, "update_interval"),
    ("profanity_check", "no", "profanity_check"),
    ("flags", "a", "flags"),
    ("flags", ["a", 1], "flags[1]"),
    ("function_ranker", [1], "function_ranker"),
    ("function_ranker", {"enabled": 1}, "function_ranker.enabled"),
    ("function_ranker", {"top_n": 0}, "function_ranker.top_n"),
    ("function_ranker", {"x": [[[]]]}, "function_ranker"),
    ("user", 5, "user"),
    ("safety_identifier", {}, "safety_identifier"),
    ("prompt_cache_key", [], "prompt_cache_key"),
    ("metadata", "a", "metadata"),
    ("seed", "7", "seed"),
    ("seed", 1.5, "seed"),
    ("seed", True, "seed"),
    ("seed", 1e300, "seed"),
    ("logit_bias", [1], "logit_bias"),
    ("logprobs", 0, "logprobs"),
    ("top_logprobs", -1, "top_logprobs"),
    ("presence_penalty", 2.1, "presence_penalty"),
    ("presence_penalty", False, "presence_penalty"),
    ("frequency_penalty", float("nan"), "frequency_penalty"),
    ("service_tier", 1, "service_tier"),
    ("store", "yes", "store"),
    ("modalities", "text", "modalities"),
]


def told(body: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The notes of a body, as tuples."""
    return [(note.kind, note.rule, note.path) for note in sift(body)[1]]


@pytest.mark.parametrize(("key", "value", "passed"), PASSED)
def test_gigachats_own_fields_are_passed(key: str, value: Any, passed: Any) -> None:
    """They go to GigaChat as they are, without a note."""
    assert sift({key: value}) == ({key: passed}, [])


@pytest.mark.parametrize(("key", "value"), DROPPED)
def test_what_gigachat_lacks_is_dropped_and_told(key: str, value: Any) -> None:
    """A dropped parameter is named once, by our own table's name."""
    assert sift({key: value})[0] == {}
    assert told({key: value}) == [("dropped", key, key)]


@pytest.mark.parametrize(("key", "value"), NEUTRAL)
def test_neutral_values_are_silent(key: str, value: Any) -> None:
    """A value that asks for nothing is no loss: SDKs send many of them."""
    assert sift({key: value}) == ({}, [])


@pytest.mark.parametrize("key", [*PARAMETERS, "foo"])
def test_null_is_silent(key: str) -> None:
    """Null asks for nothing, whatever the field."""
    assert sift({key: None}) == ({}, [])


@pytest.mark.parametrize(("key", "value"), CARRIED)
def test_what_is_carried_is_left_to_its_readers(key: str, value: Any) -> None:
    """It is neither passed on as it is nor told as lost."""
    assert PARAMETERS[key].fate == "carried"
    assert sift({key: value}) == ({}, [])


@pytest.mark.parametrize(("key", "value", "param"), WRONG)
def test_wrong_values_are_named(key: str, value: Any, param: str) -> None:
    """A client's mistake is a 400 with the field's name, even where the field would be dropped."""
    with pytest.raises(GatewayError) as caught:
        sift({key: value})
    assert (caught.value.kind.name, caught.value.param) == ("invalid_value", param)


@pytest.mark.parametrize("key", IDENTITIES)
def test_identities_are_not_sent(key: str) -> None:
    """They name a conversation or a user, which is no loss."""
    value: Any = {} if key == "metadata" else "x"
    assert sift({key: value})[0] == {}
    assert told({key: value}) == [("equivalent", key, key)]


def test_unknown_keys_are_counted() -> None:
    """Each unknown key is a note of the rule `unknown`, whose path only that client sees."""
    assert told({"foo": 1, "bar": [0], "baz": None, "empty": []}) == [
        ("dropped", "unknown", "foo"),
        ("dropped", "unknown", "bar"),
    ]


def test_every_row_is_tried_here() -> None:
    """A new row needs its line in these tables."""
    tried = {key for key, *_ in [*PASSED, *DROPPED, *NEUTRAL, *WRONG]} | set(IDENTITIES)
    assert tried == {row.name for row in PARAMETERS.values() if row.fate != "carried"}
    assert {row.fate for row in PARAMETERS.values()} == set(get_args(Fate))
    assert {key for key, _ in DROPPED} == set(DROPPABLE)


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_row_says_what_becomes_of_it(name: str) -> None:
    """A reader's table is made of these words: one short line, which a cell can hold."""
    what = PARAMETERS[name].what
    assert 5 < len(what) < 100
    assert what.isprintable()
    assert "|" not in what
