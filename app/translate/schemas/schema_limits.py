"""How much work one schema may cause, and how large its repair may become.

The unit is a cost, which is about the size of a value: a schema costs 2, and its texts cost 1 for each 64 characters.
The limits of what references add are in `reference_inlining`.
"""

from __future__ import annotations

from typing import Any

# Limits a document's own cost and what references add to it, together: 8,000 schemas, or 1 MB of text. A model's
# context holds less.
MAX_COST = 16_000
COST_OF_SCHEMA = 2
MAX_DEPTH = 64  # schemas inside each other; each is two levels of JSON at most, and orjson writes 254 levels
MAX_VALUE_DEPTH = 32  # levels of JSON in a default, an example or an unknown keyword

_CHARACTERS_OF_ITEM = 16  # what an item of an array, or a member of an object, costs beside its texts
_CHARACTERS_OF_COST = 64


def measure_cost(value: Any) -> int:
    """The cost of a JSON value."""
    characters = 0
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            characters += len(item)
        elif isinstance(item, list):
            characters += _CHARACTERS_OF_ITEM * len(item)
            waiting.extend(item)
        elif isinstance(item, dict):
            characters += _CHARACTERS_OF_ITEM * len(item) + sum(map(len, item))
            waiting.extend(item.values())
    return characters // _CHARACTERS_OF_COST


def measure_visit(count: int) -> int:
    """The cost of going once through so many items: much less than the cost of writing them."""
    return count // _CHARACTERS_OF_ITEM


def is_shallow(value: Any, levels: int = MAX_VALUE_DEPTH) -> bool:
    """Whether a value that is no schema has no more levels than these."""
    if isinstance(value, dict):
        return levels > 0 and all(is_shallow(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels > 0 and all(is_shallow(item, levels - 1) for item in value)
    return True
