"""Structured output: the native field, the forced function, the instruction, and what leads from one to the other.

The gateway remembers a model that answered prose, so cases of fallbacks have models, or gateways, of their own.
"""

from __future__ import annotations

from typing import Any

from tests.wire.cases import PACED, Case, Group, Json, ask, both, case, distinct, fault, tool

SCHEMA: Json = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "note": {"type": ["string", "null"]}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
LIST: Json = {"type": "array", "items": {"type": "string"}}
OBJECT: Json = {"response_format": {"type": "json_object"}}


def shaped(schema: Json = SCHEMA, **more: Any) -> Json:
    """A body's format."""
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "place", "schema": schema, **more}}}


NATIVE: dict[str, Json] = {
    "a schema": shaped(),
    "strict": shaped(strict=True),
    "not strict": shaped(strict=False),
    "flat": {"response_format": {"type": "json_schema", "name": "place", "schema": SCHEMA}},
    "a description": shaped(description="Где это."),
    "a description beside the schema's own": shaped({**SCHEMA, "description": "своё"}, description="чужое"),
    "an empty schema": shaped({}),
    "an array": shaped(LIST),
    "an enum": shaped({"type": "string", "enum": ["a", "b"]}),
    "references": shaped(
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "required": ["a"], "$defs": {"A": SCHEMA}}
    ),
    "unknown keys": {"response_format": {"type": "json_schema", "foo": 1, "json_schema": {"schema": SCHEMA, "bar": 2}}},
    "any object": OBJECT,
    "text": {"response_format": {"type": "text"}},
    "a schema with tools": {**shaped(), "tools": [tool("get_weather")]},
    "several choices": {**shaped(), "n": 3},
}
SAID = 'sandbox:say {"city": "Омск", "days": 2}'
PROSE = "sandbox:say Это Омск, два дня."
AROUND = 'sandbox:say Вот: ```json\n{"city": "Омск", "days": 2}\n``` Готово.'
# Each with the fault, or the words, that lead away from the native field.
REFUSED = fault("format_refused", times=None)
FALLBACKS: dict[str, tuple[Json, tuple[Json, ...]]] = {
    "refused": ({**ask("где?"), **shaped()}, (REFUSED,)),
    "refused, in strict words": ({**ask("где?"), **shaped(strict=True)}, (REFUSED,)),
    "refused for other reasons": (
        {**ask("где?"), **shaped()},
        (fault("status", status=422, message="Invalid params"),),
    ),
    "refused, 400": (
        {**ask("где?"), **shaped()},
        (fault("format_refused", status=400, message="json_schema is not supported", times=None),),
    ),
    "refused, with tools": ({**ask("где?"), **shaped(), "tools": [tool("get_weather")]}, (REFUSED,)),
    "refused, a required tool": (
        {**ask("где?"), **shaped(), "tools": [tool("get_weather")], "tool_choice": "required"},
        (REFUSED,),
    ),
    "refused, three choices": ({**ask("где?"), **shaped(), "n": 3}, (REFUSED,)),
    "refused, an array": ({**ask("где?"), **shaped(LIST)}, (REFUSED,)),
    "prose": ({**ask(PROSE), **shaped()}, ()),
    "prose by a fault": ({**ask("где?"), **shaped()}, (fault("ignore_format", times=None),)),
    "prose of three choices": ({**ask("где?"), **shaped(), "n": 3}, (fault("ignore_format", times=None),)),
    "prose with tools": ({**ask(PROSE), **shaped(), "tools": [tool("get_weather")]}, ()),
    "prose for any object": ({**ask(PROSE), **OBJECT}, ()),
    "JSON in prose for any object": ({**ask(AROUND), **OBJECT}, ()),
    "prose of three choices for any object": ({**ask(PROSE), **OBJECT, "n": 3}, ()),
    "prose and a stop": ({**ask(PROSE), **shaped(), "stop": ["дня"]}, ()),
    "fenced": ({**ask("где?"), **shaped()}, (fault("fenced_json", times=None),)),
}
STRICT = {"X-Gateway-Strict": "1"}


def _native() -> tuple[Case, ...]:
    found = [one for name, more in NATIVE.items() for one in both(name, {**ask(f"{name}: где?"), **more})]
    found += both("said", {**ask(SAID), **shaped()})
    found += both("thought before", {**ask(f"sandbox:think\n{SAID}"), **shaped()})
    found += both("reasoned before", {**ask(f"sandbox:reasoning\n{SAID}"), **shaped()})
    found.append(case("strict mode, a schema", {**ask("где?"), **shaped()}, headers=STRICT))
    found.append(case("strict mode, prose", {**ask(PROSE), **shaped()}, headers=STRICT))
    found.append(case("strict mode, refused", {**ask("где?"), **shaped()}, headers=STRICT, faults=(REFUSED,)))
    return tuple(found)


# GigaChat's models: each fallback has one, whole and streamed, that no other case of its gateway has spoilt.
_MODELS = ("GigaChat", "GigaChat-2", "GigaChat-2-Max", "GigaChat-2-Pro", "GigaChat-Max", "GigaChat-Pro")


def _fallbacks() -> tuple[Group, ...]:
    """One gateway for each few models; the streamed twin asks a preview, which is a model of its own."""
    groups: list[Group] = []
    names = list(FALLBACKS)
    for start in range(0, len(names), len(_MODELS)):
        found: list[Case] = []
        for name, model in zip(names[start : start + len(_MODELS)], _MODELS, strict=False):
            body, faults = FALLBACKS[name][0], (*FALLBACKS[name][1], PACED)
            whole, _ = both(name, {**body, "model": model}, faults=faults)
            _, streamed = both(name, {**body, "model": f"{model}-preview"}, faults=faults)
            found += [whole, streamed]
            found.append(case(f"{name}, and again", {**ask("где?"), **shaped(), "model": model}))
        groups.append(Group(f"format fallbacks {len(groups) + 1}", distinct(found)))
    return tuple(groups)


def _pinned(way: str) -> Group:
    found = [
        one for name in ("a schema", "an array", "any object") for one in both(name, {**ask("где?"), **NATIVE[name]})
    ]
    found.append(case("with tools", {**ask("где?"), **NATIVE["a schema with tools"]}))
    found.append(case("three choices", {**ask("где?"), **shaped(), "n": 3}))
    found.append(case("strict mode", {**ask("где?"), **shaped()}, headers=STRICT))
    found += both("prose", {**ask(PROSE), **shaped()}, faults=(PACED,))
    found += both("refused", {**ask("где?"), **shaped()}, faults=(REFUSED,))
    found.append(case("prose of a lite model", {**ask("где?"), **shaped(), "model": "GigaChat-Plus"}))
    return Group(f"formats, {way}", distinct(found), {"GPT2GIGA_STRUCTURED_OUTPUT": way})


GROUPS = (Group("formats", distinct(_native())), *_fallbacks(), _pinned("native"), _pinned("function"))
