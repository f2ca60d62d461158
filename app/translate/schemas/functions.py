"""The dialect of GigaChat's functions: `parameters` and `return_parameters`.

What needs no repair is recognised in one quick look and given back as it came, the same object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.errors import INVALID_VALUE, GatewayError
from app.translate.dialogue import Note
from app.translate.schemas.endless import shut
from app.translate.schemas.memory import remembered
from app.translate.schemas.parts import Gathering, cost
from app.translate.schemas.repair import Repair
from app.translate.schemas.rules import (
    BUDGET,
    DEFINITIONS,
    DEPTH,
    FORMATS,
    KEYWORDS,
    LIMIT,
    NESTED,
    REFERENCES,
    REQUEST_BUDGET,
    TRIES,
    TYPES,
    UNIONS,
    Place,
    Schema,
    Told,
    shallow,
)

_LEVELS = DEPTH + 3  # what is cut at DEPTH still gets a plain schema there, and its items
_LOOSE = ("additionalProperties", "unevaluatedProperties", "unevaluatedItems")
_STRICT = ("propertyNames", "contains")
_REPAIRED = ("allOf", "const", "nullable", "prefixItems", "additionalItems", "not", "if", "then", "else")


def shared_growth(count: int) -> int:
    """What references may add to each of so many schemas of one request."""
    return min(BUDGET, REQUEST_BUDGET // max(1, count))


@remembered
def function_parameters(schema: Any, path: str, growth: int = BUDGET) -> tuple[Schema, list[Note]]:
    """A function's schema as GigaChat takes it; `path` is where it stood in the client's body.

    `growth`: what references may add to its own size. Its root must be an object, since arguments are: anything else
    is a 400, as it is at OpenAI.
    """
    if _ready(schema, _LEVELS) and schema["type"] == "object":
        return schema, []
    if schema is None or schema == []:
        return {"type": "object", "properties": {}}, []
    if not isinstance(schema, dict):
        raise _refused(path, "must be a JSON Schema, which is an object.")
    budget = min(growth + 2 * cost(schema), LIMIT)
    told = Told(path)
    for depth, nested in TRIES:
        if nested < NESTED and depth == DEPTH and "schema.ref" not in told:
            continue  # what is large by itself has nothing to nest less
        told = Told(path)
        repair = Repair(Gathering(schema, budget, nested, told), depth)
        repaired = repair.repaired([_object(schema)], Place(0, (id(schema),), None), "object")
        if not repair.spent:
            break
    if repaired["type"] != "object":
        raise _refused(path, "must be a JSON Schema of an object: arguments have names.")
    shut(repaired, repair.origins.was_cut)
    return repaired, told.notes()


def _object(schema: Schema) -> Schema:
    """A root that says null, or an object among others, means an object."""
    kind = schema.get("type")
    if isinstance(kind, list):
        said = "object" in kind
    else:
        said = isinstance(kind, str) and kind.lower() in ("null", "none", "")
    return {**schema, "type": "object"} if said else schema


def _refused(path: str, message: str) -> GatewayError:
    return GatewayError(INVALID_VALUE, f"'{path}' {message}", param=path)


def _ready(schema: Any, left: int) -> bool:
    """Whether a schema is as a repair would leave it."""
    if schema.__class__ is not dict or not left:
        return False
    kind = schema.get("type")
    if kind.__class__ is not str or kind not in TYPES:
        return False
    if kind == "object":
        properties = schema.get("properties")
        if properties.__class__ is not dict:
            return False
        for one in properties.values():
            if not _ready(one, left - 1):
                return False
    elif "properties" in schema or (kind == "array" and "items" not in schema):
        return False
    for key, value in schema.items():
        if key not in _SEEN and not _CHECKS.get(key, _shallow)(value, left):
            return False
    return "enum" not in schema or kind == "string"


def _inner(value: Any, left: int) -> bool:
    return _ready(value, left - 1)


def _loose(value: Any, left: int) -> bool:
    return value is True or value is False or _ready(value, left - 1)


def _map(value: Any, left: int) -> bool:
    return isinstance(value, dict) and all(_loose(one, left) for one in value.values())


def _text(value: Any, _: int) -> bool:
    return value.__class__ is str


def _texts(value: Any, _: int) -> bool:
    return value.__class__ is list and all(one.__class__ is str for one in value)


def _enum(value: Any, left: int) -> bool:
    return bool(value) and _texts(value, left)


def _shallow(value: Any, _: int) -> bool:
    return shallow(value)


def _format(value: Any, _: int) -> bool:
    return value in FORMATS


def _never(_: Any, __: int) -> bool:
    return False


def _plain(check: Callable[[Any], bool]) -> Callable[[Any, int], bool]:
    return lambda value, _: check(value)


_SEEN = frozenset({"type", "properties"})
_CHECKS: dict[str, Callable[[Any, int], bool]] = {
    **{key: _plain(check) for key, check in KEYWORDS.items()},
    **dict.fromkeys(("description", "title", "pattern"), _text),
    **dict.fromkeys(("items", *_STRICT), _inner),
    **dict.fromkeys(_LOOSE, _loose),
    **dict.fromkeys((*REFERENCES, *DEFINITIONS, *UNIONS, *_REPAIRED, "dependentSchemas", "dependencies"), _never),
    "patternProperties": _map,
    "required": _texts,
    "enum": _enum,
    "format": _format,
}
