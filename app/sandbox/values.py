"""Values that fit a JSON Schema: what the sandbox's model invents. The same schema always gets the same value.

Covered: types and lists of types, enum, const, required and optional properties, arrays and tuples, anyOf and oneOf
(the first branch that can be filled and is not null), allOf (merged), local `$ref` (its siblings are not enforced),
bounds, multipleOf, lengths, `format`, simple patterns. What recurses is cut: a property is left out, an array empty,
a branch null.

Source: gigachat-api, sections 5.4 and 5.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote

from app.sandbox.scalars import SCALARS, Schema, kind_of

ITEMS = 2  # what an array has, where the schema does not say otherwise
_NODES = 3_000  # a value of more objects and arrays than this is cut where it can be
_DEPTH = 24
_NESTED = 2  # how often one reference may lie within itself
_MOST_ITEMS = 100


class _Cut(Exception):
    """No value here: the schema recurses, leads nowhere, or has grown too large."""


def invent(schema: Schema, *, full: bool = True) -> Any:
    """A value; `full` has the optional properties too. A schema that nothing finite fits gets an empty object."""
    for whole in dict.fromkeys((full, False)):
        try:
            return _Inventor(schema, full=whole).value(schema, "", 0)
        except (_Cut, RecursionError):
            continue
    return {}


def resolve(schema: Any, root: Schema) -> Any:
    """What a schema stands for: its local `$ref` followed to the end; None where it leads nowhere."""
    seen = set()
    while isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        pointer = schema["$ref"]
        if pointer in seen:
            return None
        seen.add(pointer)
        schema = _pointed(pointer, root)
    return schema


def _pointed(pointer: str, root: Schema) -> Any:
    if not pointer.startswith("#"):
        return None
    found: Any = root
    for part in pointer[1:].split("/")[1:]:
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            found = found[int(name)] if name.isdecimal() and int(name) < len(found) else None
        else:
            found = found.get(name) if isinstance(found, dict) else None
    return found


class _Inventor:
    """Walks one schema; `_open` are the references that the present place lies within, `_depth` is how deep it lies."""

    __slots__ = ("_depth", "_full", "_left", "_open", "_root")

    def __init__(self, root: Schema, *, full: bool) -> None:
        self._root = root
        self._full = full
        self._left = _NODES
        self._depth = 0
        self._open: list[str] = []

    def value(self, schema: Any, name: str, turn: int) -> Any:
        """A value for a schema; `name` and `turn` (the place in an array) make texts and numbers differ."""
        pointer = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(pointer, str):
            return self._plain(schema, name, turn)
        if self._open.count(pointer) >= _NESTED:
            raise _Cut
        self._open.append(pointer)
        try:
            return self._plain(resolve(schema, self._root), name, turn)
        finally:
            self._open.pop()

    def _plain(self, schema: Any, name: str, turn: int) -> Any:
        if schema is False:
            raise _Cut
        if not isinstance(schema, dict):
            schema = {}
        if isinstance(schema.get("allOf"), list):
            schema = self._merged(schema)
        if "const" in schema:
            return schema["const"]
        if values := _list(schema.get("enum")):
            return values[turn % len(values)]
        branches = _list(schema.get("anyOf")) or _list(schema.get("oneOf"))
        if branches and "properties" not in schema:
            return self._first(branches, schema, name, turn)
        kind = kind_of(schema)
        return SCALARS[kind](schema, name, turn) if kind in SCALARS else self._filled(kind, schema, name, turn)

    def _first(self, branches: Sequence[Any], schema: Schema, name: str, turn: int) -> Any:
        """The first branch that can be filled; where all is wanted, those that are null come last, else first."""
        around = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
        for branch in sorted(branches, key=lambda one: _is_null(one) is self._full):
            own = isinstance(branch, dict) and "$ref" not in branch
            try:
                return self.value({**around, **branch} if own else branch, name, turn)
            except _Cut:
                continue
        raise _Cut

    def _filled(self, kind: str, schema: Schema, name: str, turn: int) -> Any:
        """An object or an array, while there is room."""
        self._left -= 1
        if self._left < 0 or self._depth >= _DEPTH:
            raise _Cut
        self._depth += 1
        try:
            return self._array(schema, name) if kind == "array" else dict(self._properties(schema, turn))
        finally:
            self._depth -= 1

    def _properties(self, schema: Schema, turn: int) -> Iterator[tuple[str, Any]]:
        properties = _dict(schema.get("properties"))
        required = [one for one in _list(schema.get("required")) if isinstance(one, str)]
        others = _dict(schema.get("additionalProperties"))
        for name, inner in (properties | {name: others for name in required if name not in properties}).items():
            if name not in required and not self._full:
                continue
            try:
                yield name, self.value(inner, name, turn)
            except _Cut:
                if name in required:
                    raise

    def _array(self, schema: Schema, name: str) -> list[Any]:
        first, rest = _list(schema.get("prefixItems")), schema.get("items", {})
        if isinstance(rest, list):  # the tuples of older dialects
            first, rest = rest, False
        least, most = (
            value if type(value := schema.get(key)) is int else default
            for key, default in (("minItems", 0), ("maxItems", _MOST_ITEMS))
        )
        wanted = len(first) or (ITEMS if self._full else 0)
        items: list[Any] = []
        try:
            for turn in range(min(max(least, min(wanted, most)), _MOST_ITEMS)):
                items.append(self.value(first[turn] if turn < len(first) else rest, name, turn))  # noqa: PERF401
        except _Cut:
            if len(items) < least:
                raise
        if schema.get("uniqueItems") is True:
            items = [item for place, item in enumerate(items) if item not in items[:place]]
        return items

    def _merged(self, schema: Schema) -> Schema:
        """A schema with its `allOf` taken in: properties and requirements united, of the rest the last wins."""
        merged = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            inner = resolve(part, self._root)
            if not isinstance(inner, dict):
                continue
            if isinstance(inner.get("allOf"), list):
                inner = self._merged(inner)
            united = {
                "properties": {**_dict(merged.get("properties")), **_dict(inner.get("properties"))},
                "required": [*_list(merged.get("required")), *_list(inner.get("required"))],
            }
            merged = {**merged, **inner, **{key: value for key, value in united.items() if value}}
        return merged


def _is_null(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "null"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
