"""What JSON a format wants, and whether a whole text is that."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.translate.dialogue import Format
from app.translate.wanted_json import find_json, wanted_json

SCORE = {"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"]}
LIST = {"type": "array", "items": {}}

# schema, text, verdict, JSON where it is not the text
TEXTS: list[tuple[dict[str, Any], str, str, str | None]] = [
    (SCORE, '{"score": 5}', "json", None),
    (SCORE, ' {"other": 5}\n', "json", None),
    (SCORE, '```json\n{"score": 5}\n```', "json", '{"score": 5}'),
    (SCORE, 'Вот: {"score": 5}.', "json", '{"score": 5}'),
    (SCORE, 'Вот:\n```\n{\n "score": 5}\n```\nok', "json", '{\n "score": 5}'),
    (SCORE, 'f() {} and {"a": 1} give {"score": 1}', "json", '{"score": 1}'),
    (SCORE, '"{\\"score\\": 5}"', "json", '{"score": 5}'),
    (SCORE, '{"score": "a\nb\tc\x01"}', "json", '{"score": "a\\nb\\tc\\u0001"}'),
    (SCORE, '\ufeff{"score": 1}', "json", '{"score": 1}'),
    (SCORE, '{"score": 1}{"score": 2}', "json", '{"score": 1}'),
    (SCORE, '```{"other": 1}```', "json", '{"other": 1}'),
    (SCORE, '{"score": "\\ud83d"}', "json", None),
    (SCORE, '{"score": 5', "broken", None),
    (SCORE, '{"score": NaN}', "broken", None),
    (SCORE, '[{"score": 5}]', "broken", None),
    (SCORE, '```json\n[{"score": 5}]\n```', "broken", None),
    (SCORE, "", "broken", None),
    (SCORE, " \n", "broken", None),
    (SCORE, "null", "broken", None),
    (SCORE, "5", "broken", None),
    (SCORE, "{'score': 5}", "prose", None),
    (SCORE, "{name} says no", "prose", None),
    (SCORE, "no JSON at all", "prose", None),
    (LIST, "[1, 2]", "json", None),
    (LIST, "```json\n[1]\n```", "json", "[1]"),
    (LIST, 'Вот ["a"].', "json", '["a"]'),
    (LIST, "See [1].", "prose", None),
    (LIST, '{"a": [1]}', "broken", None),
    ({"enum": ["a", 1]}, "1", "json", None),
    ({"enum": ["a", 1]}, "a", "prose", None),
    ({"type": "number"}, "1", "json", None),
    ({"type": ["string", "null"]}, "null", "json", None),
    ({}, "[1]", "json", None),
    ({}, "1", "broken", None),
    ({"$ref": "#/$defs/x", "$defs": {"x": LIST}}, "[1]", "json", None),
    ({"$ref": "#"}, '{"a": 1}', "json", None),
    ({"anyOf": [{"type": "null"}, SCORE]}, '{"a": null}', "json", None),
    ({"properties": {"a": {}}}, "[1]", "broken", None),
]


@pytest.mark.parametrize(("schema", "text", "verdict", "json"), TEXTS)
def test_what_a_text_is(schema: dict[str, Any], text: str, verdict: str, json: str | None) -> None:
    """JSON of the wanted kind; what was meant to be that; or words. In prose an object must have what is required."""
    assert find_json(text, wanted_json(Format(schema))) == (verdict, text if json is None else json)


def test_without_a_schema_an_object_is_wanted() -> None:
    """As OpenAI's `json_object` has it."""
    assert wanted_json(Format(None)).kinds == {"object"}
    assert not wanted_json(Format(None)).is_scalar
    assert wanted_json(Format({"type": "string"})).is_scalar


@pytest.mark.parametrize("piece", ['{"', '{"a":', "x", "```", '{"a" 1}', "{ ", "[{", "[["])
def test_linear_time(piece: str) -> None:
    """Megabytes of beginnings are looked through a few times at most."""
    began = time.process_time()
    find_json(piece * 20_000, wanted_json(Format(SCORE)))
    assert time.process_time() - began < 2
