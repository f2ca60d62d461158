"""Invents values that fit a JSON Schema. The same schema always gets the same value.

Supported: types and lists of types, enum, const, required and optional properties, arrays and tuples, anyOf and oneOf
(the first branch that is possible and not null), allOf (merged), local `$ref` (keys beside it are ignored), bounds,
multipleOf, lengths, `format`, simple patterns. A recursive schema is cut off: a property is left out, an array is
empty, a branch is null.

Source: docs/gigachat-api.md, "Functions" and "Structured output".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote

from app.sandbox.scalars import SCALARS, Schema, find_type

ITEMS = 2  # the items of an array, unless the schema says otherwise
_NODES = 3_000  # the objects and arrays of a value; more are left out if the schema allows it
_DEPTH = 24
_NESTED = 2  # how often a reference may be nested in itself
_MAX_ITEMS = 100


class _NoValue(Exception):
    """There is no value: the schema is recursive, refers to nothing, or is too large."""


def invent(schema: Schema, *, full: bool = True) -> Any:
    """Invent a value. `full`: with optional properties. If no finite value fits, the value is an empty object."""
    for whole in dict.fromkeys((full, False)):
        try:
            return _Inventor(schema, full=whole).value(schema, "", 0)
        except (_NoValue, RecursionError):
            continue
    return {}


def resolve(schema: Any, root: Schema) -> Any:
    """Follow the schema's local `$ref` to the end; None if it refers to nothing."""
    seen = set()
    while isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        pointer = schema["$ref"]
        if pointer in seen:
            return None
        seen.add(pointer)
        schema = _follow_pointer(pointer, root)
    return schema


def _follow_pointer(pointer: str, root: Schema) -> Any:
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
    """Invents the value of one schema. `_open_references`: the references around the current position."""

    __slots__ = ("_depth", "_full", "_left", "_open_references", "_root")

    def __init__(self, root: Schema, *, full: bool) -> None:
        self._root = root
        self._full = full
        self._left = _NODES
        self._depth = 0
        self._open_references: list[str] = []

    def value(self, schema: Any, name: str, index: int) -> Any:
        """A value for a schema. `name` (of the property) and `index` (in an array) make texts and numbers differ."""
        pointer = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(pointer, str):
            return self._invent_resolved(schema, name, index)
        if self._open_references.count(pointer) >= _NESTED:
            raise _NoValue
        self._open_references.append(pointer)
        try:
            return self._invent_resolved(resolve(schema, self._root), name, index)
        finally:
            self._open_references.pop()

    def _invent_resolved(self, schema: Any, name: str, index: int) -> Any:
        if schema is False:
            raise _NoValue
        if not isinstance(schema, dict):
            schema = {}
        if isinstance(schema.get("allOf"), list):
            schema = self._merge_all_of(schema)
        if "const" in schema:
            return schema["const"]
        if values := _list(schema.get("enum")):
            return values[index % len(values)]
        branches = _list(schema.get("anyOf")) or _list(schema.get("oneOf"))
        if branches and "properties" not in schema:
            return self._invent_branch(branches, schema, name, index)
        kind = find_type(schema)
        return SCALARS[kind](schema, name, index) if kind in SCALARS else self._invent_nested(kind, schema, name, index)

    def _invent_branch(self, branches: Sequence[Any], schema: Schema, name: str, index: int) -> Any:
        """The value of the first possible branch. Null branches are tried last if `full`, else first."""
        around = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
        for branch in sorted(branches, key=lambda one: _is_null(one) is self._full):
            own = isinstance(branch, dict) and "$ref" not in branch
            try:
                return self.value({**around, **branch} if own else branch, name, index)
            except _NoValue:
                continue
        raise _NoValue

    def _invent_nested(self, kind: str, schema: Schema, name: str, index: int) -> Any:
        """An object or an array, within the limits of size and depth."""
        self._left -= 1
        if self._left < 0 or self._depth >= _DEPTH:
            raise _NoValue
        self._depth += 1
        try:
            return self._invent_array(schema, name) if kind == "array" else dict(self._invent_properties(schema, index))
        finally:
            self._depth -= 1

    def _invent_properties(self, schema: Schema, index: int) -> Iterator[tuple[str, Any]]:
        properties = _dict(schema.get("properties"))
        required = [one for one in _list(schema.get("required")) if isinstance(one, str)]
        others = _dict(schema.get("additionalProperties"))
        for name, inner in (properties | {name: others for name in required if name not in properties}).items():
            if name not in required and not self._full:
                continue
            try:
                yield name, self.value(inner, name, index)
            except _NoValue:
                if name in required:
                    raise

    def _invent_array(self, schema: Schema, name: str) -> list[Any]:
        first, rest = _list(schema.get("prefixItems")), schema.get("items", {})
        if isinstance(rest, list):  # the tuples of older dialects
            first, rest = rest, False
        least, most = (
            value if type(value := schema.get(key)) is int else default
            for key, default in (("minItems", 0), ("maxItems", _MAX_ITEMS))
        )
        wanted = len(first) or (ITEMS if self._full else 0)
        items: list[Any] = []
        try:
            for index in range(min(max(least, min(wanted, most)), _MAX_ITEMS)):
                items.append(self.value(first[index] if index < len(first) else rest, name, index))  # noqa: PERF401
        except _NoValue:
            if len(items) < least:
                raise
        if schema.get("uniqueItems") is True:
            items = [item for place, item in enumerate(items) if item not in items[:place]]
        return items

    def _merge_all_of(self, schema: Schema) -> Schema:
        """Merge `allOf` into the schema: `properties` and `required` are united; of other keys the last one counts."""
        merged = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            inner = resolve(part, self._root)
            if not isinstance(inner, dict):
                continue
            if isinstance(inner.get("allOf"), list):
                inner = self._merge_all_of(inner)
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
