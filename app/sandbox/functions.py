"""The table of v1's rules for `functions` and `function_call`.

Source: docs/gigachat-api.md, "Functions".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.sandbox.wire import Refused

BUILT_IN = ("text2image", "text2model3d")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_SCHEMAS = ("parameters", "return_parameters")
_NAMED = ("properties", "patternProperties", "$defs", "definitions")  # keys that hold schemas by name
_INNER = ("anyOf", "oneOf", "items", "prefixItems", "additionalProperties", "not")  # a schema, or several in a row

Function = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FunctionRule:
    """A reason to refuse a function. `wrong`: whether it applies. The message may quote the function's name."""

    name: str
    wrong: Callable[[Function], bool]
    status: int
    message: str
    source: str


def check_functions(functions: Sequence[Any]) -> None:
    """Raise Refused for the first rule that the first bad function breaks."""
    for function in functions:
        if not isinstance(function, dict):
            raise Refused(422, "Invalid params: functions must be an array of objects")
        for rule in RULES:
            if rule.wrong(function):
                raise Refused(rule.status, rule.message.format(name=function.get("name", "")))


def check_choice(choice: object, functions: Sequence[Function]) -> None:
    """Raise Refused if `function_call` is neither a documented word nor the name of a known function."""
    if choice in ("none", "auto"):
        return
    if not isinstance(choice, dict) or not isinstance(choice.get("name"), str):
        raise Refused(422, 'Invalid params: function_call must be "none", "auto" or an object with a name')
    if choice["name"] not in (*BUILT_IN, *(function["name"] for function in functions)):
        raise Refused(422, f"Invalid params: function_call: unknown function {choice['name']}")


def _has_bad_name(function: Function) -> bool:
    name = function.get("name")
    return not isinstance(name, str) or not _NAME.fullmatch(name)


def _has_only_name(function: Function) -> bool:
    return function.keys() == {"name"}


def _has_bad_examples(function: Function) -> bool:
    examples = function.get("few_shot_examples", [])
    return not isinstance(examples, list) or not all(
        isinstance(one, dict) and isinstance(one.get("request"), str) and isinstance(one.get("params"), dict)
        for one in examples
    )


def _walk_schemas(function: Function) -> Iterator[Mapping[str, Any]]:
    """All schemas of a function, those that contain others first."""
    waiting = [function[name] for name in _SCHEMAS if name in function]
    while waiting:
        node = waiting.pop(0)
        if not isinstance(node, dict):
            continue
        yield node
        for name in _NAMED:
            inner = node.get(name)
            waiting.extend(inner.values() if isinstance(inner, dict) else ())
        for name in _INNER:
            inner = node.get(name)
            waiting.extend(inner if isinstance(inner, list) else (inner,))


def _has_open_object(function: Function) -> bool:
    """Whether a schema that must be an object's lacks `type` or `properties`. The outermost schemas must be."""
    outermost = [function[name] for name in _SCHEMAS if name in function]
    for node in _walk_schemas(function):
        kind = node.get("type")
        is_object = "object" in (kind if isinstance(kind, list) else [kind])
        must_be_object = is_object or "properties" in node or any(node is one for one in outermost)
        if must_be_object and not (is_object and isinstance(node.get("properties"), dict)):
            return True
    return False


def _has_bad_enum(function: Function) -> bool:
    enums = (node["enum"] for node in _walk_schemas(function) if "enum" in node)
    return any(not isinstance(enum, list) or not all(isinstance(one, str) for one in enum) for enum in enums)


RULES = (
    FunctionRule(
        "name",
        _has_bad_name,
        422,
        "Invalid params: Invalid function names. Names must be of Latin letters and not start with a digit: {name}",
        "[SPEC26] 5.4; `_`, `-`, `.` and later digits pass in practice",
    ),
    FunctionRule(
        "bare name",
        lambda function: _has_only_name(function) and function["name"] not in BUILT_IN,
        404,
        "Function schema for {name} not found",
        "[GM] 5.4: a bare name means a built-in function",
    ),
    FunctionRule(
        "parameters",
        lambda function: not _has_only_name(function) and not isinstance(function.get("parameters"), dict),
        422,
        "Invalid params: function {name} must have parameters",
        "[SPEC26] 5.4",
    ),
    FunctionRule(
        "description",
        lambda function: not isinstance(function.get("description", ""), str),
        422,
        "Invalid params: description of function {name} must be a string",
        "[SPEC26] 5.4",
    ),
    FunctionRule(
        "examples",
        _has_bad_examples,
        422,
        "Invalid params: few_shot_examples of function {name} must have request and params",
        "[SPEC26] 5.4",
    ),
    FunctionRule(
        "return parameters",
        lambda function: not isinstance(function.get("return_parameters", {}), dict),
        422,
        "Invalid params: return_parameters of function {name} must be a schema",
        "[SPEC26] 5.4",
    ),
    FunctionRule(
        "allOf",
        lambda function: any("allOf" in node for node in _walk_schemas(function)),
        422,
        "Invalid params: allOf in function {name} is not supported",
        "[G2G] 5.4",
    ),
    FunctionRule(
        "open object",
        _has_open_object,
        422,
        "Invalid params: an object in function {name} has no type or no properties",
        "[G2G] 5.4",
    ),
    FunctionRule(
        "enum",
        _has_bad_enum,
        422,
        "Invalid params: an enum in function {name} has values that are not strings",
        "[G2G] 5.4",
    ),
)
