"""Schemas as real clients send them, and one for each repair: of functions, and of answers in both ways."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tests.wire.cases import Case, Group, Json, ask, both, case, distinct, tool

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "schemas"
STRICT = {"X-Gateway-Strict": "1"}


def _deep(depth: int) -> Json:
    schema: Json = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


# One property each that GigaChat's functions do not know.
PROPERTIES: dict[str, Json] = {
    "union": {"anyOf": [{"type": "string"}, {"type": "object", "properties": {"b": {"type": "integer"}}}]},
    "one of": {"oneOf": [{"type": "integer"}, {"type": "null"}]},
    "all of": {"allOf": [{"type": "object", "properties": {"b": {"type": "integer"}}}, {"required": ["b"]}]},
    "types": {"type": ["string", "integer", "null"]},
    "null": {"type": "array", "items": {"type": ["string", "null"]}},
    "tuple": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
    "const": {"const": 5},
    "enum": {"enum": [1, 2, None, "x"]},
    "enum of objects": {"enum": [{"a": 1}, [2]]},
    "enum with an object": {"type": "string", "enum": ["a", {"b": 1}]},
    "no items": {"type": "array"},
    "any": {},
    "true": True,  # type: ignore[dict-item]
    "word": {"type": "INTEGER"},
    "format": {"type": "string", "format": "email"},
    "a date": {"type": "string", "format": "date"},
    "condition": {"type": "object", "if": {"properties": {"b": {"const": 1}}}, "then": {"required": ["b"]}},
    "not": {"type": "string", "not": {"const": "x"}},
    "nowhere": {"$ref": "#/$defs/None"},
    "cycle": {"$ref": "#"},
    "deep": _deep(80),
    "map": {"type": "object", "additionalProperties": {"type": "integer"}},
}


def _growing(levels: int = 14) -> Json:
    """References that double at each level."""
    definitions: Json = {f"L{levels}": {"type": "string"}}
    for level in range(levels):
        below = {"$ref": f"#/$defs/L{level + 1}"}
        definitions[f"L{level}"] = {"type": "object", "properties": {"a": below, "b": below}}
    return {"type": "object", "properties": {"a": {"$ref": "#/$defs/L0"}}, "$defs": definitions}


def _all() -> Iterator[tuple[str, Json]]:
    for path in sorted(SAMPLES.glob("*.json")):
        yield path.stem, json.loads(path.read_text("utf-8"))["in"]
    for name, inner in PROPERTIES.items():
        yield name, {"type": "object", "properties": {"a": inner}, "required": ["a"]}
    yield "growing", _growing()
    yield "empty", {}


def _functions() -> tuple[Case, ...]:
    found: list[Case] = []
    for name, schema in _all():
        given = {"type": "function", "function": {"name": "f", "parameters": schema}}
        found += both(name, ask(f"{name}\nsandbox:call f", tools=[given]))
        found.append(case(f"{name}, strict mode", ask("x", tools=[given]), headers=STRICT))
    several = [tool(f"f{number}", {"a": one}) for number, one in enumerate(PROPERTIES.values())]
    found.append(case("many tools", ask("sandbox:call f0", tools=several)))
    return tuple(found)


def _answers() -> tuple[Case, ...]:
    found: list[Case] = []
    for name, schema in _all():
        wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
        found.append(case(name, ask(f"{name}?", response_format=wanted)))
    return tuple(found)


GROUPS = (
    Group("schemas of functions", distinct(_functions())),
    *(
        Group(f"schemas of answers, {way}", distinct(_answers()), {"GPT2GIGA_STRUCTURED_OUTPUT": way})
        for way in ("native", "function")
    ),
)
