"""Bodies that parsers disagree about, schemas without end, odd embeddings: refused with a reason, or answered."""

from __future__ import annotations

import io
from typing import Any

import aiohttp
import pytest

from app.sandbox import server
from tests.running import GatewayStarter, Running
from tests.server.test_bad_input import EMBEDDINGS, Rows, deep, each, refused, shaped
from tests.watching import CHAT, ask, asking, everything, saying

HI = saying("hi")
MESSAGES = b'"messages":[{"role":"user","content":"sandbox:say hi"}]'
# What is a number elsewhere, or to a parser that is too kind.
NO_NUMBERS = (
    *(b"NaN", b"nan", b"-nan", b"Infinity", b"-Infinity", b"inf", b"1e309", b"-1e400", b"9" * 400, b"01", b"+1"),
    *(b".5", b"1.", b"0x10", b"1_000", b"1,5", b"-", b"1e", b"'1'", b"True", b"undefined", b"\xd9\xa3"),
)
# Bodies that are no JSON -> what the error says.
NO_JSON: dict[str, tuple[bytes, str]] = {
    "a byte order mark behind it": (b"{" + MESSAGES + b"}\xef\xbb\xbf", "column"),
    "UTF-16 without a mark": ("{}".encode("utf-16-le"), "UTF-16"),
    "an overlong form": (b'{"a":"\xc0\xaf"}', "UTF-8"),
    "a cut character": (b'{"a":"\xd0"}', "UTF-8"),
    "a comment": (b"{/* a */}", "column 2"),
    "a comment behind it": (b"{}// a", "column 3"),
    "a NUL behind it": (b'{"a":1}\x00', "column 8"),
    "no value": (b'{"a":}', "column 6"),
    "a lone comma": (b"{,}", "column 2"),
    "an unknown escape": (b'{"a":"\\x41"}', "column 7"),
    "a short escape": (b'{"a":"\\u12"}', "column 7"),
    "a string without end": (b'{"a":"b', "column"),
    "half a word": (b'{"a":tru}', "column 6"),
    "no quotes": (b"{a:1}", "column 2"),
    "1,025 levels": (b'{"a":' + b"[" * 1025 + b"]" * 1025 + b"}", "depth"),
    "a page": (b"<html></html>", "column 1"),
    "a form of parts": (b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nx\r\n--b--\r\n', "column"),
    "two lines of JSON": (b'{"a":1}\n{"b":2}', "line 2, column 1"),
    "server-sent events": (b'data: {"a":1}\n\n', "column 1"),
}


async def is_no_json(http: aiohttp.ClientSession, gateway: Running, body: bytes, said: str, path: str) -> None:
    """A 400 with a place in the text, or what is wrong with it."""
    reply = await ask(http, gateway, path=path, data=body)
    refused(reply, "invalid_json", None)
    assert said in reply.error["message"], reply.text


@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS])
async def test_what_is_no_json(
    path: str,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing is guessed: what the standard does not allow is refused, nothing is paid or raised."""
    gateway = await start_gateway(ready=False)
    for body, said in NO_JSON.values():
        await is_no_json(http, gateway, body, said, path)
    for number in NO_NUMBERS:
        for key in (b"temperature", b"dimensions", b"unknown"):
            await is_no_json(http, gateway, b"{" + MESSAGES + b',"' + key + b'":' + number + b"}", "column", path)
    assert not sandbox.state.requests.of("chat") + sandbox.state.requests.of("embeddings")
    assert "Traceback" not in everything(caplog)


async def test_the_place_of_a_byte_that_is_no_utf_8(gateway: Running, http: aiohttp.ClientSession) -> None:
    """It is told where the byte is."""
    reply = await ask(http, gateway, data=b'{"model": "GigaChat",\n "user": "\xff"}')
    assert "line 2, column 11" in reply.error["message"]


async def test_the_colon_that_is_missing(gateway: Running, http: aiohttp.ClientSession) -> None:
    """It is told that a colon was expected."""
    reply = await ask(http, gateway, data=b'{"model" "GigaChat"}')
    assert "expected ':' after key at line 1, column 10" in reply.error["message"]


async def test_of_two_equal_keys_the_last_one_counts(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """As in every common parser: the value that is checked is the one that is sent."""
    for first, last, status in ((b'"abc"', b"0.5", 200), (b"0.5", b'"abc"', 400)):
        body = b"{" + MESSAGES + b',"temperature":' + first + b',"temperature":' + last + b"}"
        assert (await ask(http, gateway, data=body)).status == status
    assert [one.body["temperature"] for one in sandbox.state.requests.of("chat")] == [0.5]


WHOLE: dict[str, tuple[bytes, Any]] = {
    "max_tokens": (b"5.0", 5),
    "temperature": (b"1e-400", 0.0001),
    "top_p": (b"-0.0", 0.0),
}


@pytest.mark.parametrize("name", WHOLE)
async def test_odd_forms_of_a_number(
    name: str, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A number is its value, however it is written."""
    text, value = WHOLE[name]
    reply = await ask(http, gateway, data=b"{" + MESSAGES + b',"' + name.encode() + b'":' + text + b"}")
    assert reply.status == 200, reply.text
    assert sandbox.state.requests.of("chat")[0].body[name] == value


@pytest.mark.parametrize("kind", [None, "", "text/html", "application/xml", "application/json; charset=koi8-r", "x"])
async def test_the_content_type_is_no_reason(kind: str | None, gateway: Running, http: aiohttp.ClientSession) -> None:
    """JSON is UTF-8 JSON whatever the header says of it, in embeddings as well."""
    headers = {} if kind is None else {"Content-Type": kind}
    body = io.BytesIO('{"input": "при"}'.encode())
    reply = await ask(http, gateway, path=EMBEDDINGS, data=body, headers=headers)
    assert reply.status == 200, reply.text


async def test_embeddings_of_65_mib(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """They are too large, as a chat would be."""
    gateway = await start_gateway(ready=False)
    reply = await ask(http, gateway, path=EMBEDDINGS, data=io.BytesIO(b" " * (65 << 20)))
    assert (reply.status, reply.error["code"]) == (413, "request_too_large")


NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}}}
# Schemas that refer to themselves in every way.
ENDLESS: dict[str, dict[str, Any]] = {
    "the root": {"type": "object", "properties": {"a": {"$ref": "#"}}},
    "a node": {"type": "object", "properties": {"a": {"$ref": "#/$defs/N"}}, "$defs": {"N": NODE}},
    "nothing but itself": {"$ref": "#"},
    "a definition of itself": {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"$ref": "#/$defs/A"}}},
    "each other": {
        "properties": {"a": {"$ref": "#/$defs/A"}},
        "$defs": {"A": {"properties": {"b": {"$ref": "#/$defs/B"}}}, "B": {"items": {"$ref": "#/$defs/A"}}},
    },
    "allOf": {"type": "object", "allOf": [{"$ref": "#"}]},
    "anyOf": {"type": "object", "properties": {"a": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}},
    "its own items": {"properties": {"a": {"type": "array", "items": {"$ref": "#/properties/a"}}}},
    "additional": {"type": "object", "additionalProperties": {"$ref": "#"}},
    "wide": {"type": "object", "properties": {str(number): {"$ref": "#"} for number in range(60)}},
    "not": {"type": "object", "not": {"$ref": "#"}},
    "deep": deep(120),
}


@pytest.mark.parametrize("schema", ENDLESS.values(), ids=ENDLESS)
async def test_a_schema_without_end(
    schema: dict[str, Any],
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A function of it can be called; a format of it is taken, or refused by name where it is too deep to be sent."""
    tools = [{"type": "function", "function": {"name": "f", "parameters": schema}}]
    reply = await ask(http, gateway, asking("sandbox:call f", tools=tools))
    assert reply.choices[0]["message"]["tool_calls"][0]["function"]["name"] == "f"
    for strict in (False, True):
        reply = await ask(http, gateway, asking("x", response_format=shaped(schema, strict=strict)))
        if reply.status != 200:
            refused(reply, "invalid_value", "response_format.json_schema.schema")
            assert schema is ENDLESS["deep"]
    assert {one.status for one in sandbox.state.requests.of("chat")} == {200}
    assert "Traceback" not in everything(caplog)


@pytest.mark.parametrize(
    "schema", ['{"type":"object","default":%s}', '{"type":"object","properties":{"a":{"default":%s}}}']
)
async def test_two_tools_that_nest_without_end(
    schema: str,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The same name twice, with values nested as deeply as JSON is read: the first one serves."""
    function = '{"type":"function","function":{"name":"f","parameters":%s}}' % (schema % ("[" * 1000 + "]" * 1000))
    body = f'{{"messages":[{{"role":"user","content":"sandbox:call f"}}],"tools":[{function},{function}]}}'
    reply = await ask(http, gateway, data=body.encode())
    assert reply.choices[0]["message"]["tool_calls"][0]["function"]["name"] == "f"
    assert "tools.duplicate" in reply.headers["x-gateway-dropped"]
    assert "Traceback" not in everything(caplog)


ODD: Rows = [
    *each(lambda value: {"input": value}, "input[0]", [{}], [None], [1.5], [""]),
    *each(lambda value: {"input": ["a", value]}, "input[1]", ["b"], {}, True, 7),
    *each(lambda value: {"input": value}, "input", [True], [[]], {"text": "a"}, 1.5, [[1], "a"]),
    *each(lambda value: {"dimensions": value}, "dimensions", True, "8", 1.5, -1, 2**63, [], {}),
    *each(lambda value: {"encoding_format": value}, "encoding_format", "", "BASE64", [], {}, 1, True),
    *each(lambda value: {"model": value}, "model", [], {}, True, " ", "openai/"),
]


async def test_odd_embeddings(
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each is a 400 for its field, unpaid."""
    gateway = await start_gateway(ready=False)
    for change, param in ODD:
        refused(await ask(http, gateway, {"input": "a", **change}, path=EMBEDDINGS), "invalid_value", param)
    refused(await ask(http, gateway, {"model": "Embeddings"}, path=EMBEDDINGS), "missing_required_parameter", "input")
    assert not sandbox.state.requests.of("embeddings")
    assert "Traceback" not in everything(caplog)


@pytest.mark.parametrize(("name", "value"), [("user", 5), ("safety_identifier", []), ("metadata", "x")])
async def test_the_user_of_embeddings(name: str, value: Any, gateway: Running, http: aiohttp.ClientSession) -> None:
    """The same field of the wrong type is the same 400 on both routes."""
    refused(await ask(http, gateway, {**HI, name: value}), "invalid_value", name)
    refused(await ask(http, gateway, {"input": "a", name: value}, path=EMBEDDINGS), "invalid_value", name)


def wide(number: int, count: int = 100) -> dict[str, Any]:
    """A function of many properties of its own."""
    properties = {f"p{number}_{index}": {"type": ["string", "null"], "title": "x" * 20} for index in range(count)}
    return {"name": f"f{number}", "parameters": {"type": "object", "properties": properties}}


@pytest.mark.long
@pytest.mark.parametrize("legacy", [False, True])
async def test_more_schemas_than_a_model_reads(
    legacy: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """To work on them would hold up everybody: they are refused by size, and what may be of use is not."""
    for count, status in ((60, 200), (120, 400)):
        functions = [wide(number) for number in range(count)]
        given = (
            {"functions": functions} if legacy else {"tools": [{"type": "function", "function": f} for f in functions]}
        )
        reply = await ask(http, gateway, asking("x", **given))
        assert reply.status == status
    refused(reply, "invalid_value", "functions" if legacy else "tools")
    assert len(sandbox.state.requests.of("chat")) == 1
