"""Schema forms: what a reference means goes upstream, and a call's values come back in the client's own types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import aiohttp
import orjson
import pytest

from app.sandbox import server
from tests.openai_answers import parse
from tests.running import GatewayStarter, Running
from tests.watching import ask, asking

# each rule has its row in the tests of its module; this is the same over the wire
pytestmark = pytest.mark.long
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
CITY: dict[str, Any] = {"type": "string", "enum": ["Омск", "Тула"]}
BY_CITY = {"type": "object", "required": ["city"], "properties": {"city": {"$ref": "City"}}}


def refer(reference: str, **more: Any) -> dict[str, Any]:
    """An object whose property refers to a schema."""
    return {"type": "object", "required": ["city"], "properties": {"city": {"$ref": reference}}, **more}


def sent(sandbox: server.Running) -> dict[str, Any]:
    """The last body that GigaChat got."""
    body: dict[str, Any] = sandbox.state.requests.of("chat")[-1].body
    return body


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """All objects of a JSON value."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(inner)


# Each has a property `city` that is one of two.
REFERENCES: dict[str, dict[str, Any]] = {
    "pointer": refer("#/$defs/City", **{"$defs": {"City": CITY}}),
    "draft-07": refer("#/definitions/City", definitions={"City": CITY}),
    "$id": refer("City", **{"$defs": {"City": {**CITY, "$id": "City"}}}),
    "absolute $id": refer("https://a.example/city", **{"$defs": {"x": {**CITY, "$id": "https://a.example/city"}}}),
    "relative to the root": refer(
        "city.json", **{"$id": "https://a.example/root.json", "$defs": {"x": {**CITY, "$id": "city.json"}}}
    ),
    "bare name": refer("City", **{"$defs": {"City": CITY}}),
    "bare name of definitions": refer("City", definitions={"City": CITY}),
    "anchor": refer("#city", **{"$defs": {"x": {**CITY, "$anchor": "city"}}}),
    "draft-07 anchor": refer("#city", definitions={"x": {**CITY, "$id": "#city"}}),
    "TypeBox module": {
        "$defs": {
            "City": {"$id": "City", **CITY},
            "Query": {"$id": "Query", **BY_CITY},
        },
        "$ref": "Query",
    },
    "zod registry": refer(
        "__shared#/$defs/schema0", **{"$defs": {"__shared": {"$id": "__shared", "$defs": {"schema0": CITY}}}}
    ),
    "zod file": refer("schema.json#/$defs/x", **{"$id": "schema.json", "$defs": {"x": CITY}}),
    "zod file without a name": refer("schema.json#/$defs/x", **{"$defs": {"x": CITY}}),
    "inside of an $id": {
        "$defs": {"Query": {"$id": "https://a.example/q", **refer("#/$defs/c"), "$defs": {"c": CITY}}},
        "$ref": "https://a.example/q",
    },
    "FastAPI": refer("#/components/schemas/City", **{"$defs": {"City": CITY}}),
}


@both
@pytest.mark.parametrize("schema", REFERENCES.values(), ids=REFERENCES)
async def test_a_functions_reference_is_found(
    schema: dict[str, Any], stream: bool, sandbox: server.Running, gateway: Running
) -> None:
    """Its target stands in its place."""
    parsed = await parse(gateway, asking("f", tools=[{"name": "f", "input_schema": schema}], stream=stream))
    parameters = sent(sandbox)["functions"][0]["parameters"]
    assert parameters["properties"]["city"] == CITY
    assert parameters["required"] == ["city"]
    assert not [one for one in walk(parameters) if "$ref" in one or "$defs" in one]
    assert parsed.call == ("f", {"city": "Омск"})
    assert parsed.told == {}


@both
@pytest.mark.parametrize("schema", REFERENCES.values(), ids=REFERENCES)
async def test_a_formats_reference_is_found(
    schema: dict[str, Any], stream: bool, sandbox: server.Running, gateway: Running
) -> None:
    """It is a pointer from the root, which is all that GigaChat is known to follow."""
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}}
    parsed = await parse(gateway, asking("hello", response_format=form, stream=stream))
    upstream = sent(sandbox)["response_format"]["schema"]
    references = [one["$ref"] for one in walk(upstream) if "$ref" in one]
    assert references
    assert all(reference.startswith("#/") for reference in references)
    assert orjson.loads(parsed.message.content) == {"city": "Омск"}
    assert parsed.told == {}


NODE: dict[str, Any] = {"type": "object", "required": ["name", "children"]}
RECURSIVE: dict[str, dict[str, Any]] = {
    "TypeBox": {
        "type": "object",
        "required": ["tree"],
        "properties": {
            "tree": {**NODE, "$id": "T0", "properties": {"name": CITY, "children": {"items": {"$ref": "T0"}}}}
        },
    },
    "TypeBox root": {**NODE, "$id": "T0", "properties": {"name": CITY, "children": {"items": {"$ref": "T0"}}}},
    "module": {
        "$defs": {
            "Node": {**NODE, "$id": "Node", "properties": {"name": CITY, "children": {"items": {"$ref": "Node"}}}}
        },
        "$ref": "Node",
    },
    "anchor": {
        "$defs": {"x": {**NODE, "$anchor": "n", "properties": {"name": CITY, "children": {"items": {"$ref": "#n"}}}}},
        "$ref": "#n",
    },
    "two of them": {
        "$defs": {
            "A": {**NODE, "$id": "A", "properties": {"name": CITY, "children": {"items": {"$ref": "B"}}}},
            "B": {**NODE, "$id": "B", "properties": {"name": CITY, "children": {"items": {"$ref": "A"}}}},
        },
        "$ref": "A",
    },
}


@pytest.mark.parametrize("schema", RECURSIVE.values(), ids=RECURSIVE)
async def test_a_cycle_by_name_has_an_end(
    schema: dict[str, Any], sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """In functions it is cut and told, in formats it is a pointer."""
    reply = await ask(http, gateway, asking("f", tools=[{"name": "f", "inputSchema": schema}]))
    assert (reply.status, reply.headers["x-gateway-adapted"]) == (200, "schema.cycle")
    parameters = sent(sandbox)["functions"][0]["parameters"]
    assert any(one.get("enum") == CITY["enum"] for one in walk(parameters))
    assert len(orjson.dumps(parameters)) < 5000
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}}
    reply = await ask(http, gateway, asking("hello", response_format=form))
    assert reply.status == 200
    assert {one["$ref"][0] for one in walk(sent(sandbox)["response_format"]) if "$ref" in one} == {"#"}


async def test_names_that_multiply_are_bounded(gateway: Running, http: aiohttp.ClientSession) -> None:
    """Each schema refers to the next ten times, by its name."""
    names = {f"n{number}": refer(f"n{number + 1}") for number in range(40)}
    for number, schema in enumerate(names.values()):
        schema["$id"] = f"n{number}"
        schema["properties"] = {f"p{place}": {"$ref": f"n{number + 1}"} for place in range(10)}
    schema = {"$defs": {**names, "n40": {"$id": "n40", **CITY}}, "$ref": "n0"}
    reply = await ask(http, gateway, asking("hello", tools=[{"name": "f", "input_schema": schema}]))
    assert reply.status == 200
    assert "schema.size" in reply.headers["x-gateway-dropped"]


SCORE = {"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"]}
JSON_OBJECTS: dict[str, dict[str, Any]] = {
    "llama.cpp": {"type": "json_object", "schema": SCORE},
    "Together, named": {"type": "json_object", "schema": SCORE, "name": "n", "strict": True},
    "nested": {"type": "json_object", "json_schema": {"name": "n", "schema": SCORE}},
    "nested, bare": {"type": "json_object", "json_schema": SCORE},
    "no type": {"json_schema": {"name": "n", "schema": SCORE}},
    "bare": {"type": "json_schema", "json_schema": {"name": "n", "strict": True, **SCORE}},
}


@both
@pytest.mark.parametrize("form", JSON_OBJECTS.values(), ids=JSON_OBJECTS)
async def test_a_json_object_may_have_a_schema(
    form: dict[str, Any], stream: bool, sandbox: server.Running, gateway: Running
) -> None:
    """It is a json_schema then."""
    parsed = await parse(gateway, asking("hello", response_format=form, stream=stream))
    assert sent(sandbox)["response_format"]["schema"] == SCORE
    assert list(orjson.loads(parsed.message.content)) == ["score"]
    assert parsed.told == {}


EMPTY_REQUIRED: dict[str, dict[str, Any]] = {
    "root": {"type": "object", "properties": {"a": CITY}, "required": []},
    "property": {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": CITY}, "required": []}}},
    "items": {"type": "object", "properties": {"a": {"items": {"type": "object", "properties": {}, "required": []}}}},
    "PHP": {"type": "object", "properties": {"a": CITY}, "required": {}},
    "definition": refer("#/$defs/A", **{"$defs": {"A": {"type": "object", "properties": {"b": CITY}, "required": []}}}),
    "null taken out": {"type": "object", "properties": {"a": {"type": ["string", "null"]}}, "required": ["a"]},
    "branches": {
        "type": "object",
        "properties": {"a": {"anyOf": [{"type": "object", "properties": {"b": CITY}, "required": []}] * 2}},
    },
}


@pytest.mark.parametrize("schema", EMPTY_REQUIRED.values(), ids=EMPTY_REQUIRED)
async def test_no_empty_required_goes_upstream(
    schema: dict[str, Any], sandbox: server.Running, gateway: Running
) -> None:
    """At any depth, in functions and formats; it is no loss."""
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    for more in ({"tools": [{"name": "f", "input_schema": schema}]}, {"response_format": form}):
        parsed = await parse(gateway, asking("hello", **more))
        assert not [one for one in walk(sent(sandbox)) if "required" in one and not one["required"]]
        assert "dropped" not in parsed.told


INTEGER, WORD = {"type": "integer"}, {"type": "string"}
# a property's schema, what GigaChat gives, what the client gets
TYPED: dict[str, tuple[Any, Any, Any]] = {
    "tuple": ({"type": "array", "prefixItems": [WORD, INTEGER]}, ["1", "2"], ["1", 2]),
    "older tuple": (
        {"type": "array", "items": [INTEGER, WORD, {"type": "boolean"}]},
        ["1", "2", "true"],
        [1, "2", True],
    ),
    "map": ({"type": "object", "additionalProperties": INTEGER}, {"a": "1", "b": 2}, {"a": 1, "b": 2}),
    "patterns": (
        {"type": "object", "patternProperties": {"^n_": INTEGER, "^s_": WORD}},
        {"n_a": "1", "s_a": "1"},
        {"n_a": 1, "s_a": "1"},
    ),
    "union": ({"anyOf": [INTEGER, {"type": "boolean"}]}, "5", 5),
    "union with text": ({"anyOf": [INTEGER, WORD]}, "5", "5"),
    "list of types": ({"type": ["boolean", "number", "null"]}, "null", None),
    "enum": ({"enum": [1, 2]}, "2", 2),
    "const": ({"const": True}, "true", True),
    "number": ({"type": "number"}, "0.5", 0.5),
    "text of digits": (WORD, "5", "5"),
    "by a name": ({"$ref": "N"}, "5", 5),
    "object as a text": ({"type": "object", "properties": {"n": INTEGER}}, '{"n": "5"}', {"n": 5}),
    "array as a text": ({"type": "array", "items": INTEGER}, "[1, 2]", [1, 2]),
    "what is no number": (INTEGER, "many", "many"),
}


@both
@pytest.mark.parametrize(("schema", "given", "own"), TYPED.values(), ids=TYPED)
async def test_values_have_the_clients_types(schema: Any, given: Any, own: Any, stream: bool, gateway: Running) -> None:
    """Of a call, when they are not what GigaChat was told to give."""
    whole = {"type": "object", "properties": {"v": schema}, "$defs": {"N": INTEGER}}
    text = f"sandbox:call f {orjson.dumps({'v': given}).decode()}"
    parsed = await parse(gateway, asking(text, tools=[{"name": "f", "input_schema": whole}], stream=stream))
    assert repr(parsed.call) == repr(("f", {"v": own}))


@both
async def test_a_formats_function_has_the_clients_types(
    stream: bool, sandbox: server.Running, start_gateway: GatewayStarter
) -> None:
    """Where a function stands in for a format, its arguments are the answer."""
    gateway = await start_gateway(GPT2GIGA_STRUCTURED_OUTPUT="function")
    properties = {"pair": {"prefixItems": [WORD, INTEGER]}, "level": {"enum": [1, 2]}, "by": {"$ref": "N"}}
    schema = {"type": "object", "properties": properties, "$defs": {"N": INTEGER}}
    form = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    text = 'sandbox:call reply {"pair": ["1", "2"], "level": "2", "by": "3"}'
    parsed = await parse(gateway, asking(text, response_format=form, stream=stream))
    assert orjson.loads(parsed.message.content) == {"pair": ["1", 2], "level": 2, "by": 3}
    assert sent(sandbox)["function_call"] == {"name": "reply"}
