"""What can't be given, since it would go on without end: what demands it falls with it, what may do without is mended.

A reference that contains itself is cut off at some level (rule `schema.cycle`), and what stands there means nothing.
Here the finished schema is gone through from its leaves: an array of such things is an empty one, and a property that
may be left out is. Upper levels stay whole, and no property's name is lost: the last place that has one keeps it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from app.translate.schemas.rules import MAPS, ONE, Schema

_LOOSE = ("additionalProperties", "unevaluatedProperties", "unevaluatedItems")


def shut(root: Schema, was_cut: Callable[[Schema], bool]) -> None:
    """Mend a schema, in place. `was_cut`: whether one of those in it stands where a reference was cut off."""
    levels = [root]
    for schema in levels:  # which grows: all of them, upper levels first
        levels.extend(_inside(schema))
    if any(map(was_cut, levels)):
        mending = _Mending(levels, was_cut)
        for schema in reversed(levels):
            mending.mend(schema)


def _inside(schema: Schema) -> Iterator[Schema]:
    """The schemas that stand directly in this one."""
    for key in MAPS:
        yield from (one for one in schema.get(key, {}).values() if isinstance(one, dict))
    for key in ONE:
        if isinstance(schema.get(key), dict):
            yield schema[key]


def _names(schema: Schema) -> Counter[str]:
    """How often each property is named in a schema."""
    found: Counter[str] = Counter()
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        found.update(one.get("properties", {}).keys())
        waiting.extend(_inside(one))
    return found


class _Mending:
    """One pass from the leaves to the root. Schemas are known by their identity."""

    def __init__(self, levels: list[Schema], was_cut: Callable[[Schema], bool]) -> None:
        self._was_cut = was_cut
        self._names = Counter(name for schema in levels for name in schema.get("properties", ()))
        self._empty: set[int] = set()  # no value can stand there
        self._kept: set[int] = set()  # has a name that stands nowhere else

    def mend(self, schema: Schema) -> None:
        """Mend a schema whose inner ones are mended."""
        empty = [self._was_cut(schema), self._properties(schema), self._items(schema)]
        for key in _LOOSE:
            if self._is_empty(schema.get(key)) and self._spared(schema[key]):
                schema[key] = False
        empty.append(self._too_few(schema))
        if any(empty):
            self._empty.add(id(schema))
        if any(id(one) in self._kept for one in _inside(schema)):
            self._kept.add(id(schema))

    def _is_empty(self, schema: object) -> bool:
        return id(schema) in self._empty

    def _properties(self, schema: Schema) -> bool:
        """Leave out what may be; whether something can't be that is demanded."""
        needed = schema.get("required", ())
        for key in MAPS:
            for name in [name for name, one in schema.get(key, {}).items() if self._is_empty(one)]:
                if (key != "properties" or name not in needed) and self._spared(schema[key][name], key, name):
                    del schema[key][name]
        return any(self._is_empty(one) for name, one in schema.get("properties", {}).items() if name in needed)

    def _items(self, schema: Schema) -> bool:
        if not self._is_empty(schema.get("items")):
            return False
        if schema.get("minItems", 0) > 0:
            return True
        schema["maxItems"] = 0
        return False

    def _too_few(self, schema: Schema) -> bool:
        closed = schema.get("additionalProperties") is False and not schema.get("patternProperties")
        return closed and schema.get("minProperties", 0) > len(schema.get("properties", ()))

    def _spared(self, schema: Schema, key: str = "", name: str = "") -> bool:
        """Whether all names in a schema that is to go, and its own, stand elsewhere too; then it counts as gone."""
        if id(schema) in self._kept:
            return False
        names = _names(schema)
        if key == "properties":
            names[name] += 1
        if any(self._names[one] <= count for one, count in names.items()):
            self._kept.add(id(schema))
            return False
        self._names.subtract(names)
        return True
