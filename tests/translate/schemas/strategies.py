"""JSON Schemas as clients send them, and as they should not: for tests that hold for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(
    ["a", "b", "c", "kind", "type", "properties", "$ref", "__proto__", "required", "имя", "", "e f"]
)
_REFS = st.sampled_from(
    ["#/$defs/A", "#/$defs/B", "#/definitions/C", "#", "#/$defs/x~1y%25", "#/$defs/None", "https://a.example/b", "#c"]
)
_TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"]
_JUNK = st.sampled_from([None, [], {}, 7, "a", True, [1], {"a": 1}, [None], -1.5])
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(-2, 2), st.sampled_from(["x", "y", ""]))

_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "type": st.one_of(st.sampled_from([*_TYPES, "INTEGER", "float"]), st.lists(st.sampled_from(_TYPES), max_size=3)),
    "enum": st.lists(VALUES | st.lists(VALUES, max_size=2), min_size=1, max_size=4),
    "const": VALUES,
    "description": st.sampled_from(["Город", "a"]),
    "format": st.sampled_from(["date", "uri", "int32"]),
    "required": st.lists(NAMES, max_size=2),
    "default": VALUES,
    "minimum": st.integers(0, 3),
    "minLength": st.integers(0, 3),
    "nullable": st.booleans(),
    "$ref": _REFS,
    "$schema": st.just("http://json-schema.org/draft-07/schema#"),
}
_ONE = ["items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else"]
_MANY = ["anyOf", "oneOf", "allOf", "prefixItems", "items"]


def _grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keywords: dict[str, st.SearchStrategy[Any]] = {
        **_SCALARS,
        "properties": st.dictionaries(NAMES, inner, max_size=3),
        "patternProperties": st.dictionaries(st.sampled_from(["^x", "y"]), inner, max_size=2),
        "dependentSchemas": st.dictionaries(NAMES, inner, max_size=1),
        **dict.fromkeys(_ONE, inner),
    }
    many = st.fixed_dictionaries({}, optional={key: st.lists(inner, max_size=3) for key in _MANY})
    return st.one_of(
        st.fixed_dictionaries({}, optional=keywords),
        st.builds(lambda one, two: {**one, **two}, st.fixed_dictionaries({}, optional=_SCALARS), many),
        st.fixed_dictionaries({"type": st.just("object"), "properties": keywords["properties"]}),
    )


_LEAVES = st.one_of(st.booleans(), st.fixed_dictionaries({}, optional=_SCALARS))
SCHEMAS = st.recursive(_LEAVES, _grown, max_leaves=8)


def _document(root: dict[str, Any], a: Any, b: Any, c: Any) -> dict[str, Any]:
    return {**root, "$defs": {"A": a, "B": b, "x/y%": {"type": "integer"}}, "definitions": {"C": c}}


_ROOTS = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(NAMES, SCHEMAS, max_size=4)},
    optional={
        "allOf": st.lists(SCHEMAS, max_size=2),
        "anyOf": st.lists(SCHEMAS, max_size=2),
        "required": st.just(["a"]),
    },
)
DOCUMENTS = st.builds(_document, _ROOTS, SCHEMAS, SCHEMAS, SCHEMAS)
# Wrong types at every keyword.
_KEYS = st.sampled_from([*_SCALARS, *_ONE, *_MANY, "properties", "$defs"])
BROKEN = st.recursive(_JUNK, lambda inner: st.dictionaries(_KEYS, inner, max_size=4))


def properties(schema: Any) -> Iterator[str]:
    """The names of all properties that a schema describes, by whatever way; `if` and `not` describe none."""
    waiting, known = [schema], set()
    while waiting:
        one = waiting.pop()
        if not isinstance(one, dict) or id(one) in known:
            continue
        known.add(id(one))
        waiting.append(_target(schema, one.get("$ref")))
        for key in _MANY:
            waiting.extend(one[key] if isinstance(one.get(key), list) else [])
        waiting.extend(one.get(key) for key in _INNER)
        for key in ("properties", "patternProperties", "dependentSchemas"):
            if isinstance(one.get(key), dict):
                waiting.extend(one[key].values())
                yield from one[key] if key == "properties" else ()


_INNER = ("items", "additionalProperties", "contains", "then", "else")


def _target(root: dict[str, Any], reference: Any) -> Any:
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    target: Any = root
    for step in reference.split("/")[1:]:
        target = target.get(step) if isinstance(target, dict) else None
    return target


_WORDS = st.sampled_from(["x", "y", "z"])
_ENUMS = st.lists(_WORDS | st.none() | st.booleans() | st.integers(-3, 3) | st.just(0.5), min_size=1, max_size=4)
_PLAIN = st.sampled_from([{"type": kind} for kind in ("string", "integer", "number", "boolean")])


def _wrapped(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.builds(lambda one: {"type": "object", "properties": one}, st.dictionaries(_WORDS, inner, max_size=3)),
        st.builds(lambda one: {"type": "object", "additionalProperties": one}, inner),
        st.builds(lambda one: {"type": "array", "items": one}, inner),
        st.builds(lambda one, two: {"anyOf": [one, two]}, inner, inner),
        st.builds(lambda one: {"oneOf": [one, {"type": "null"}]}, inner),
        st.builds(lambda one: {"allOf": [one], "description": "d"}, inner),
    )


_TYPED = st.recursive(
    st.one_of(
        _PLAIN,
        _ENUMS.map(lambda values: {"enum": values}),
        _ENUMS.map(lambda values: {"const": values[0]}),
        st.just({"$ref": "#/$defs/A"}),
    ),
    _wrapped,
    max_leaves=8,
)
_PLAINLY: dict[str, st.SearchStrategy[Any]] = {
    "string": _WORDS,
    "integer": st.integers(-3, 3),
    "number": st.just(0.5),
    "boolean": st.booleans(),
    "null": st.none(),
}


def _instance(draw: st.DrawFn, schema: dict[str, Any], target: dict[str, Any]) -> Any:
    """A value that fits a schema."""
    if "enum" in schema or "const" in schema:
        return draw(st.sampled_from(schema.get("enum") or [schema["const"]]))
    branches = next((schema[key] for key in ("anyOf", "oneOf", "allOf") if key in schema), None)
    if "$ref" in schema or branches:
        return _instance(draw, draw(st.sampled_from(branches)) if branches else target, target)
    if schema["type"] == "array":
        return [_instance(draw, schema["items"], target) for _ in range(draw(st.integers(0, 2)))]
    if schema["type"] == "object":
        named = schema.get("properties") or {"w": schema.get("additionalProperties", {"type": "null"})}
        return {name: _instance(draw, one, target) for name, one in named.items() if draw(st.booleans())}
    return draw(_PLAINLY[schema["type"]])


@st.composite
def calls(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A function's schema, and arguments that fit it."""
    target = {"enum": draw(_ENUMS)}
    named = draw(st.dictionaries(_WORDS, _TYPED, min_size=1, max_size=3))
    schema = {"type": "object", "properties": named, "$defs": {"A": target}}
    return schema, {name: _instance(draw, one, target) for name, one in named.items()}
