"""Format, effort, stops and number of choices, read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.errors import GatewayError
from app.translate.dialogue import Format, Note
from app.translate.openai import formats

Told = list[tuple[str, str, str]]
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}
INNER = "response_format.json_schema"


def each(*values: Any) -> tuple[Any, ...]:
    """Values of any type."""
    return values


def nested(**inner: Any) -> dict[str, Any]:
    """A schema as OpenAI's chat has it."""
    return {"type": "json_schema", "json_schema": inner}


# value, format, notes
FORMATS: list[tuple[Any, Format | None, Told]] = [
    (None, None, []),
    ({"type": "text"}, None, []),
    ({"type": "json_object"}, Format(None), []),
    ({"type": "json_object", "json_schema": None}, Format(None), []),
    *((value, None, []) for value in each([], {})),
    ({"type": "json_object", "schema": SCHEMA}, Format(SCHEMA), []),
    ({"type": "json_object", "schema": SCHEMA, "strict": True, "name": "n"}, Format(SCHEMA, True, "n"), []),
    ({"type": "json_object", "json_schema": {"schema": SCHEMA, "strict": True}}, Format(SCHEMA, True), []),
    ({"type": "json_object", "json_schema": SCHEMA}, Format(SCHEMA), []),
    *(({"type": "json_object", "schema": value}, Format(None), []) for value in each(None, {}, [])),
    (
        {"type": "json_object", "mood": 1},
        Format(None),
        [("dropped", "response_format.unknown", "response_format.mood")],
    ),
    ({"schema": SCHEMA}, Format(SCHEMA), []),
    ({"json_schema": {"name": "n", "schema": SCHEMA}}, Format(SCHEMA, None, "n"), []),
    (nested(name="n", strict=True, **SCHEMA), Format(SCHEMA, True, "n"), []),
    (
        nested(**{"$ref": "#/$defs/A", "$defs": {"A": SCHEMA}}),
        Format({"$ref": "#/$defs/A", "$defs": {"A": SCHEMA}}),
        [],
    ),
    (nested(schema=[]), Format({}), []),
    (SCHEMA, Format(SCHEMA), []),
    ({"type": "json_schema", "json_schema": [], "schema": SCHEMA}, Format(SCHEMA), []),
    ({"type": "text", "mood": 1}, None, [("dropped", "response_format.unknown", "response_format.mood")]),
    (nested(name="n", schema=SCHEMA), Format(SCHEMA, None, "n"), []),
    (nested(name="n", schema=SCHEMA, strict=True), Format(SCHEMA, True, "n"), []),
    (nested(name="n", schema=SCHEMA, strict=False), Format(SCHEMA, False, "n"), []),
    (nested(schema=SCHEMA, strict=None, name=None, description=None), Format(SCHEMA), []),
    (nested(schema={}), Format({}), []),
    (
        nested(schema={}, description="a"),
        Format({}),
        [("dropped", "response_format.description", f"{INNER}.description")],
    ),
    (nested(schema=SCHEMA, description=""), Format(SCHEMA), []),
    (nested(schema=SCHEMA, description="Ответ"), Format({**SCHEMA, "description": "Ответ"}), []),
    (
        nested(schema={**SCHEMA, "description": "own"}, description="a"),
        Format({**SCHEMA, "description": "own"}),
        [("dropped", "response_format.description", f"{INNER}.description")],
    ),
    (
        nested(schema={**SCHEMA, "description": "a"}, description="a"),
        Format({**SCHEMA, "description": "a"}),
        [],
    ),
    (nested(schema=SCHEMA, mood=1), Format(SCHEMA), [("dropped", "response_format.unknown", f"{INNER}.mood")]),
    (
        {**nested(schema=SCHEMA), "strict": True},
        Format(SCHEMA),
        [("dropped", "response_format.unknown", "response_format.strict")],
    ),
    ({"type": "json_schema", "schema": SCHEMA, "strict": True, "name": "n"}, Format(SCHEMA, True, "n"), []),
    (
        {"type": "json_schema", "schema": SCHEMA, "json_schema": None, "mood": 1},
        Format(SCHEMA),
        [("dropped", "response_format.unknown", "response_format.mood")],
    ),
]


@pytest.mark.parametrize(("value", "found", "told"), FORMATS)
def test_a_format_is_read(value: Any, found: Format | None, told: Told) -> None:
    """Both forms of a schema; what GigaChat has no place for is told."""
    notes: list[Note] = []
    assert formats.read_format(value, notes) == found
    assert [(note.kind, note.rule, note.path) for note in notes] == told


def test_a_clients_schema_is_not_altered() -> None:
    """A description goes into a copy."""
    schema = dict(SCHEMA)
    formats.read_format(nested(schema=schema, description="a"), [])
    assert schema == SCHEMA


# value, code, the field that is named
BAD_FORMATS: list[tuple[Any, str, str]] = [
    *((value, "invalid_value", "response_format") for value in each("json_object", [1], 5, True)),
    *(({"type": kind}, "invalid_value", "response_format.type") for kind in each(None, 5, "secret", "grammar", "")),
    ({"type": "json_schema"}, "missing_required_parameter", f"{INNER}.schema"),
    ({"type": "json_schema", "json_schema": None}, "missing_required_parameter", f"{INNER}.schema"),
    ({"type": "json_schema", "json_schema": "secret"}, "invalid_value", INNER),
    ({"type": "json_schema", "json_schema": []}, "invalid_value", INNER),
    (nested(), "missing_required_parameter", f"{INNER}.schema"),
    (nested(name="n"), "missing_required_parameter", f"{INNER}.schema"),
    (nested(name="n", schema=None), "missing_required_parameter", f"{INNER}.schema"),
    *((nested(schema=value), "invalid_value", f"{INNER}.schema") for value in each("{}", [1], 5, True)),
    *((nested(schema=SCHEMA, strict=value), "invalid_value", f"{INNER}.strict") for value in each("yes", 1)),
    *((nested(schema=SCHEMA, name=value), "invalid_value", f"{INNER}.name") for value in each("", 5, [], "n" * 65)),
    *((nested(schema=SCHEMA, description=value), "invalid_value", f"{INNER}.description") for value in each(5, {})),
    ({"type": "json_schema", "schema": "secret"}, "invalid_value", "response_format.schema"),
    ({"type": "json_schema", "schema": SCHEMA, "name": 5}, "invalid_value", "response_format.name"),
]


@pytest.mark.parametrize(("value", "code", "param"), BAD_FORMATS)
def test_a_bad_format_is_named(value: Any, code: str, param: str) -> None:
    """A 400 names the very field, and repeats no value of the client's."""
    with pytest.raises(GatewayError) as caught:
        formats.read_format(value, [])
    assert (caught.value.kind.status, caught.value.kind.name, caught.value.param) == (400, code, param)
    assert "secret" not in caught.value.message


# effort, what GigaChat is asked for, rule that is told
EFFORTS: list[tuple[Any, str | None, str | None]] = [
    (None, None, None),
    ("low", "low", None),
    ("medium", "medium", None),
    ("high", "high", None),
    ("minimal", "low", "reasoning_effort=minimal->low"),
    ("xhigh", "high", "reasoning_effort=xhigh->high"),
    ("max", "high", "reasoning_effort=max->high"),
    ("none", None, "reasoning_effort=none->default"),
]


@pytest.mark.parametrize(("effort", "found", "rule"), EFFORTS)
def test_an_effort_is_read(effort: Any, found: str | None, rule: str | None) -> None:
    """GigaChat knows three; the nearest is taken and told."""
    notes: list[Note] = []
    assert formats.read_reasoning(effort, notes) == found
    assert notes == ([Note("adapted", rule, "reasoning_effort")] if rule else [])


# value, sequences
STOPS: list[tuple[Any, list[str]]] = [
    (None, []),
    ("", []),
    ([], []),
    ([""], []),
    ("КОНЕЦ", ["КОНЕЦ"]),
    ("\n", ["\n"]),
    (["a", "", "b"], ["a", "b"]),
    (["a", "b", "c", "d"], ["a", "b", "c", "d"]),
    (["b", "a", "b", "", "a"], ["b", "a"]),
    ([str(number) for number in range(16)], [str(number) for number in range(16)]),
    ([*"abc"] * 100 + [""] * 100, ["a", "b", "c"]),
]


@pytest.mark.parametrize(("value", "found"), STOPS)
def test_stops_are_read(value: Any, found: list[str]) -> None:
    """One or several, in order; an empty one asks for nothing."""
    assert formats.read_stop(value) == found


@pytest.mark.parametrize(("value", "found"), [(None, 1), (1, 1), (2.0, 2), (4, 4)])
def test_n_is_read(value: Any, found: int) -> None:
    """Up to four choices."""
    assert formats.read_n(value) == found


# field, value, the field that is named
BAD: list[tuple[str, Any, str]] = [
    *(("reasoning_effort", value, "reasoning_effort") for value in each(1, True, [], {}, "", "Low", "secret")),
    *(("stop", value, "stop") for value in each(5, True, {}, [str(number) for number in range(17)])),
    *(("stop", value, "stop[0]") for value in each("a" * 257, ["a" * 1_000_000])),
    *(("stop", ["a", value], "stop[1]") for value in each(None, 5, ["b"], {})),
    *(("n", value, "n") for value in each(0, -1, 5, 1.5, 10**30, "2", True, [], {})),
]


@pytest.mark.parametrize(("field", "value", "param"), BAD)
def test_a_bad_value_is_named(field: str, value: Any, param: str) -> None:
    """A 400 names the field, and repeats no value of the client's."""
    readers: dict[str, Callable[[Any], Any]] = {
        "reasoning_effort": lambda one: formats.read_reasoning(one, []),
        "stop": formats.read_stop,
        "n": formats.read_n,
    }
    with pytest.raises(GatewayError) as caught:
        readers[field](value)
    assert (caught.value.kind.name, caught.value.param) == ("invalid_value", param)
    assert "secret" not in caught.value.message
