"""Arguments as they stand in histories: objects, what can be repaired, and words that are kept."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from app.translate import big_integers, call_arguments
from app.translate.call_arguments import KEPT_RAW, REPAIRED


def each(*values: Any) -> tuple[Any, ...]:
    """Values of any type."""
    return values


PLAIN: list[tuple[Any, dict[str, Any]]] = [
    *((nothing, {}) for nothing in each("{}", "", " \n", "null", None, {}, [], "[]")),
    ('{"account": 40817810099910004312, "x": 1.5}', {"account": 40817810099910004312, "x": 1.5}),
    ({"город": "Тула"}, {"город": "Тула"}),
    ('{"a": 1, "b": [null, {"c": "д"}]}', {"a": 1, "b": [None, {"c": "д"}]}),
    (' {"a": "\\u0434"}\n', {"a": "д"}),
]


@pytest.mark.parametrize(("given", "meant"), PLAIN)
def test_an_object_stays(given: Any, meant: dict[str, Any]) -> None:
    """In a string or as itself; nothing at all is an empty one."""
    assert call_arguments.read(given) == (meant, None)


REPAIRS: dict[str, tuple[str, dict[str, Any]]] = {
    "a raw line end": ('{"body": "первая\nвторая"}', {"body": "первая\nвторая"}),
    "a raw tab": ('{"a": "x\ty"}', {"a": "x\ty"}),
    "a fence": ('```json\n{"a": 1}\n```', {"a": 1}),
    "a fence without a name": ("```\n{}\n```", {}),
    "a fence in one line": ('```json {"a": 1} ```', {"a": 1}),
    "a fence without blanks": ('```{"a": 1}```', {"a": 1}),
    "a BOM": ('\ufeff{"a": 1}', {"a": 1}),
    "JSON in JSON": ('"{\\"a\\": 1}"', {"a": 1}),
    "thrice": (orjson.dumps(orjson.dumps('{"a":1}').decode()).decode(), {"a": 1}),
    "a trailing comma": ('{"a": [1, 2,], "b": "x,}",}', {"a": [1, 2], "b": "x,}"}),
    "NaN": ('{"a": NaN, "b": -Infinity}', {"a": None, "b": None}),
    "half a character": ('{"a": "\\ud83d"}', {"a": "\ufffd"}),
    "a long number beside it": ('{"a": 40817810099910004312,}', {"a": 40817810099910004312}),
}


@pytest.mark.parametrize(("given", "meant"), REPAIRS.values(), ids=REPAIRS)
def test_what_is_clear_is_repaired(given: str, meant: dict[str, Any]) -> None:
    """And told."""
    assert call_arguments.read(given) == (meant, REPAIRED)


WORDS = (
    *(
        '{"title": "Список", "body": "молоко, хле',
        '{"a":1}{"a":2}',
        "{'a': 1}",
        "записать",
        "{",
        "5",
        "true",
        '"a"',
        "[1]",
    ),
    *('[{"a": 1}]', "```json\n{\n```", "__import__('os')", '{"a": 1} и всё', '{"a":1', "NaN", '"'),
)


@pytest.mark.parametrize("given", WORDS)
def test_words_are_kept(given: str) -> None:
    """What is no object, whatever was meant, is not guessed: all of it goes along."""
    assert call_arguments.read(given) == ({"_raw": given}, KEPT_RAW)


@pytest.mark.parametrize(("given", "words"), [(5, "5"), (True, "true"), ([1, "а"], '[1,"а"]'), (1.5, "1.5")])
def test_values_that_are_no_text(given: Any, words: str) -> None:
    """As JSON."""
    assert call_arguments.read(given) == ({"_raw": words}, KEPT_RAW)


@pytest.mark.parametrize("levels", [200, 245, 251, 400, 900, 5000])
@pytest.mark.parametrize("as_text", [True, False])
def test_deep_ones_can_be_written(levels: int, as_text: bool) -> None:
    """In a payload, some levels down."""
    text = '{"a":' * levels + "1" + "}" * levels
    if not as_text and levels >= 1024:
        return
    found, _ = call_arguments.read(text if as_text else orjson.loads(text))
    assert orjson.dumps({"messages": [{"function_call": {"arguments": found}}]})


@pytest.mark.long
@pytest.mark.parametrize(
    "given",
    [
        *('"' * 2_000_000, '\\"' * 1_000_000, "," + " " * 2_000_000, "```" + "\n" * 2_000_000 + "```", "[" * 2_000_000),
        *('{"a":' * 400_000, ", " * 1_000_000, "```" * 600_000),
    ],
    ids=lambda text: text[:4],
)
def test_long_nonsense_takes_linear_time(given: str) -> None:
    """Megabytes of it are read in a moment."""
    started = time.process_time()
    assert call_arguments.read(given) == ({"_raw": given}, KEPT_RAW)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (42, "42"),
        ([{"a": "б"}], '[{"a":"б"}]'),
        ({"a": 1}, '{"result":{"a":1}}'),
        (False, "false"),
        (2**70, str(2**70)),
    ],
)
def test_data_as_a_result(value: Any, text: str) -> None:
    """An object is told from the wrapper; the rest is wrapped by whoever writes results."""
    assert call_arguments.write_result(value) == text


def test_data_too_deep_for_words() -> None:
    """A place is kept."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert "too deep" in call_arguments.write(deep)
    assert call_arguments.read(deep) == ({"_raw": ""}, KEPT_RAW)
    assert big_integers.dumps([1]) == b"[1]"
