"""Types of schemas: their names and aliases, and the one type that a schema of GigaChat's functions must have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean"})
# Names that people give to types, in lower case. Sources: JSON Schema, Gemini's enum of types, Python's names.
TYPE_ALIASES = {
    **{name: name for name in (*TYPES, "null")},
    **dict.fromkeys(("str", "text"), "string"),
    **dict.fromkeys(("int", "long"), "integer"),
    **dict.fromkeys(("float", "double"), "number"),
    **dict.fromkeys(("dict", "map"), "object"),
    **dict.fromkeys(("list", "tuple"), "array"),
    "bool": "boolean",
    "none": "null",
}
# Which keywords are about which type. Source: JSON Schema, validation: keywords by instance type.
_KEYWORDS_OF_TYPES = (
    ("object", {"properties", "required", "additionalProperties", "patternProperties", "propertyNames"}),
    ("object", {"minProperties", "maxProperties", "dependentRequired", "unevaluatedProperties"}),
    ("array", {"items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains", "unevaluatedItems"}),
    ("string", {"minLength", "maxLength", "pattern", "format", "contentEncoding"}),
    ("number", {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
)
_WIDEST = ("array", "string", "number")  # the first of these can say more than the others; objects are found before
_TYPES_OF_VALUES = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}


def declared_types(schema: dict[str, Any]) -> list[str]:
    """The types that a schema declares, by JSON Schema's names; unknown names stay."""
    declared = schema.get("type")
    names = declared if isinstance(declared, list) else [declared]
    return [TYPE_ALIASES.get(name.lower(), name) for name in names if isinstance(name, str)]


def type_of_value(value: Any) -> str:
    """The type of a JSON value."""
    return _TYPES_OF_VALUES.get(type(value), "object")


def guess_type(keywords: Iterable[str]) -> str | None:
    """The type that these keywords are about; None where they are about none."""
    return next((kind for kind, about in _KEYWORDS_OF_TYPES if not about.isdisjoint(keywords)), None)


def choose_widest_type(types: Sequence[str]) -> str:
    """The one of these types that stands for all of them.

    A text does for a boolean and a number: what it says is turned back in a call's arguments.
    """
    if "array" not in types and "boolean" in types and not {"number", "integer"}.isdisjoint(types):
        return "string"
    return next((kind for kind in _WIDEST if kind in types), types[0])


def find_scalar_type(schemas: Iterable[Any]) -> str | None:
    """The first type of a scalar that one of these schemas declares."""
    declared = (schema.get("type") for schema in schemas if isinstance(schema, dict))
    kinds = (TYPE_ALIASES.get(kind.lower()) for kind in declared if isinstance(kind, str))
    return next((kind for kind in kinds if kind in ("string", "number", "integer", "boolean")), None)


def make_consistent(schema: dict[str, Any]) -> dict[str, Any]:
    """Make the type, properties, items and enum of a schema agree, and leave an empty `required` out, in place.

    Gives the same schema.
    """
    if schema.get("properties") or schema["type"] == "object":
        schema["type"] = "object"
        schema.setdefault("properties", {})
    else:
        schema.pop("properties", None)
    if schema["type"] == "array" and not isinstance(schema.get("items"), dict):
        schema["items"] = {"type": "string"}
    if "items" in schema and not isinstance(schema["items"], dict):
        del schema["items"]
    if not schema.get("required", True):
        del schema["required"]
    if "enum" in schema:
        if schema["type"] in ("object", "array"):
            del schema["enum"]
        else:
            schema["type"] = "string"
    return schema
