"""What is no HTTP, or none that is taken: one answer in the envelope, a closed connection, a line and a count."""

from __future__ import annotations

import logging
import re
import time
from typing import Any

import aiohttp
import orjson
import pytest

from app.sandbox import server
from app.server import refusals
from tests.running import GatewayStarter, Running
from tests.watching import CHAT, ask, everything, raw, saying, tally, told

HOST = "Host: localhost\r\n"
SECRET = "sk-secret-of-a-client"
BODY = orjson.dumps(saying("hi")).decode()
POST = f"POST {CHAT} HTTP/1.1\r\n{HOST}Authorization: Bearer {SECRET}\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
LENGTH = f"Content-Length: {len(BODY)}\r\n"
END = "0\r\n\r\n"


def get(head: str = "", line: str = "GET /livez HTTP/1.1", host: str = HOST) -> str:
    """A request without a body."""
    return f"{line}\r\n{host}{head}\r\n"


INVALID: dict[str, str] = {
    "a TLS hello": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "a" * 200,
    "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": f"GET /livez?key={SECRET}\r\n\r\n",
    "HTTP/3.0": get(line=f"GET /{SECRET} HTTP/3.0"),
    "HTTP/1.2": get(line="GET /livez HTTP/1.2"),
    "CONNECT": get(line=f"CONNECT {SECRET}:443 HTTP/1.1"),
    "no method": get(line=f"{SECRET} / HTTP/1.1"),
    "a method in small letters": get(line="get /livez HTTP/1.1"),
    "no path": get(line="GET  HTTP/1.1"),
    "a path without a slash": get(line=f"GET {SECRET} HTTP/1.1"),
    "no host in an absolute path": get(line="GET http://[ HTTP/1.1"),
    "tabs": get(line="GET\t/livez\tHTTP/1.1"),
    "a NUL first": "\0",
    "a NUL in the path": get(line=f"GET /{SECRET}\0 HTTP/1.1"),
    "a NUL in a name": get(f"A\0: {SECRET}\r\n"),
    "a NUL in a value": get(f"A: {SECRET}\0\r\n"),
    "bare line feeds": "GET /livez HTTP/1.1\nHost: x\n\n",
    "bare carriage returns": "GET /livez HTTP/1.1\rHost: x\r\r",
    "a folded header": get(f"A: b\r\n {SECRET}\r\n"),
    "a header without a colon": get(f"{SECRET}\r\n"),
    "a header without a name": get(f": {SECRET}\r\n"),
    "a space before a colon": get(f"A : {SECRET}\r\n"),
    "no Host": get(host=""),
    "two Hosts": get("Host: other\r\n"),
    "two lengths that agree": f"{POST}{LENGTH}{LENGTH}\r\n{BODY}",
    "two lengths": f"{POST}{LENGTH}Content-Length: 5\r\n\r\n{BODY}",
    "a list of lengths": f"{POST}Content-Length: 5, 5\r\n\r\n{BODY}",
    "a negative length": f"{POST}Content-Length: -5\r\n\r\n{BODY}",
    "a signed length": f"{POST}Content-Length: +5\r\n\r\n{BODY}",
    "a length in hex": f"{POST}Content-Length: 0x5\r\n\r\n{BODY}",
    "a length beyond 64 bits": f"{POST}Content-Length: {10**25}\r\n\r\n{BODY}",
    "a length and chunks": f"{POST}{LENGTH}{CHUNKED}\r\n{END}",
    "chunks and a length": f"{POST}{CHUNKED}{LENGTH}\r\n{END}",
    "gzip, chunked": f"{POST}Transfer-Encoding: gzip, chunked\r\n\r\n{END}",
    "GZIP,Chunked": f"{POST}Transfer-Encoding: GZIP,Chunked\r\n\r\n{END}",
    "chunked, gzip": f"{POST}Transfer-Encoding: chunked, gzip\r\n\r\n{END}",
    "identity": f"{POST}Transfer-Encoding: identity\r\n\r\n",
    "xchunked": f"{POST}Transfer-Encoding: xchunked\r\n\r\n{END}",
    "chunked twice": f"{POST}{CHUNKED}{CHUNKED}\r\n{END}",
    "chunked behind a vertical tab": f"{POST}Transfer-Encoding: \x0bchunked\r\n\r\n{END}",
    "chunked, of HTTP/1.0": f"{POST.replace('1.1', '1.0')}{CHUNKED}\r\n{END}",
    "a chunk of no size": f"{POST}{CHUNKED}\r\n5\r\n{BODY[:5]}\r\nzz\r\n",
    "a chunk without its line end": f"{POST}{CHUNKED}\r\n5\r\n{BODY[:7]}{END}",
    "a chunk beyond 64 bits": f"{POST}{CHUNKED}\r\n{'f' * 17}\r\n",
    "an old WebSocket": get(f"Sec-WebSocket-Key1: {SECRET}\r\n"),
}
TOO_LARGE: dict[str, str] = {
    "a header": get(f"A: {'b' * 66_000}\r\n"),
    "the path": get(line=f"GET /{'b' * 66_000} HTTP/1.1"),
    "all headers": get("".join(f"A{number}: {'b' * 60_000}\r\n" for number in range(5))),
    "all headers, unfinished": get("".join(f"A{number}: {'b' * 60_000}\r\n" for number in range(5)))[:-2],
    "empty lines before it": "\r\n" * 140_000,
    "too many": get("".join(f"A{number}: b\r\n" for number in range(200))),
}
TWICE = ("gzip\r\nContent-Encoding: gzip", "gzip\r\nContent-Encoding: x")
ENCODINGS = ("br", "zstd", "compress", "x-gzip", "gzip, gzip", "gzip, br", "identity, gzip", SECRET, *TWICE)


async def refused(gateway: Running, request: str, status: int, code: str) -> dict[str, Any]:
    """Send it; the error of the one answer, after which the connection ended."""
    begun = time.monotonic()
    answer = await raw(gateway, request.encode("latin-1"))
    assert time.monotonic() - begun < 3
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    assert re.match(rf"HTTP/\d\.\d {status} ", lines[0]), answer
    assert "Server: gpt2giga-proxy" in lines
    assert "x-should-retry: false" in lines
    assert "Content-Type: application/json" in lines
    found = orjson.loads(body)
    assert list(found) == ["error"]
    error: dict[str, Any] = found["error"]
    assert {**error, "message": ""} == {"message": "", "type": "invalid_request_error", "param": None, "code": code}
    assert SECRET not in answer.decode("latin-1")
    assert b"aiohttp" not in answer
    assert len(body) < 300
    return error


@pytest.mark.parametrize("request_", INVALID.values(), ids=INVALID)
async def test_what_is_no_http(
    request_: str,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A 400; a line and a count of a request; nothing that came is said again, nor logged; GigaChat is not asked."""
    caplog.set_level(logging.INFO, "gpt2giga")
    before = await tally(http, gateway)
    error = await refused(gateway, request_, 400, "invalid_http")
    assert "HTTP" in error["message"] or "chunked" in error["message"]
    line = await told(caplog)
    assert (line["status"], line["endpoint"], line["error_type"]) == (400, line["endpoint"], "invalid_request")
    assert line["error"].startswith("invalid_http")
    assert (await tally(http, gateway)).since(before) == ({"invalid_request": 1}, {"excluded": 1})
    assert SECRET not in everything(caplog)
    assert "Traceback" not in everything(caplog)
    assert not sandbox.state.requests.of("chat")


@pytest.mark.parametrize("request_", TOO_LARGE.values(), ids=TOO_LARGE)
async def test_what_is_too_large(request_: str, gateway: Running, caplog: pytest.LogCaptureFixture) -> None:
    """A 431, which its client can read though it still sends."""
    caplog.set_level(logging.INFO, "gpt2giga")
    await refused(gateway, request_, 431, "headers_too_large")
    line = await told(caplog)
    assert (line["status"], line["error_type"], line["error"]) == (431, "invalid_request", "headers_too_large")


async def test_what_is_just_not_too_large(gateway: Running, http: aiohttp.ClientSession) -> None:
    """A header of nearly 64 KB, and four of them."""
    for headers in ({"A": "b" * 65_000}, {f"A{number}": "b" * 60_000 for number in range(4)}):
        assert (await ask(http, gateway, saying("hi"), headers=headers)).content == "hi"


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_an_encoding_that_is_not_known(
    encoding: str, sandbox: server.Running, gateway: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """A 415 that says which ones are, whatever libraries there are."""
    caplog.set_level(logging.INFO, "gpt2giga")
    request = f"{POST}{LENGTH}Content-Encoding: {encoding}\r\n\r\n{BODY}"
    await refused(gateway, request, 415, "unsupported_encoding")
    assert b"Accept-Encoding: gzip, deflate\r\n" in await raw(gateway, request.encode())
    assert (await told(caplog, 2))["error"] == "unsupported_encoding"
    assert SECRET not in everything(caplog)
    assert not sandbox.state.requests.of("chat")


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
async def test_no_encoding(encoding: str, gateway: Running, http: aiohttp.ClientSession) -> None:
    """It may be called by its name."""
    assert (await ask(http, gateway, saying("hi"), headers={"Content-Encoding": encoding})).content == "hi"


async def test_what_the_parser_says_is_told_where_it_is_its_own(gateway: Running) -> None:
    """A client's author finds the reason; words of the client are not among it."""
    for request, words in (
        (get(host=""), "Missing 'Host' header in request"),
        (INVALID["two lengths"], "Duplicate Content-Length"),
        (INVALID["a folded header"], "Unexpected whitespace after header value"),
        (INVALID["a TLS hello"], "use http://"),
        (INVALID["HTTP/2"], "not HTTP/2"),
    ):
        assert words in (await refused(gateway, request, 400, "invalid_http"))["message"]


@pytest.mark.parametrize("fault", [None, ValueError(SECRET), aiohttp.http_exceptions.BadHttpMessage(SECRET * 9)])
def test_a_fault_of_another_kind(fault: Exception | None) -> None:
    """Its words are not said again."""
    error = refusals.of_fault(fault, b"")
    assert error.kind.name == "invalid_http"
    assert SECRET not in error.message + str(error.detail)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Can not decode content-encoding: brotli (br). Please install `Brotli`", "unsupported_encoding"),
        ("Can not decode content-encoding: gzip", "invalid_json"),
        ("deflate", "invalid_json"),
    ],
)
def test_an_encoding_that_fails(words: str, kind: str) -> None:
    """Where a library is missing another one has to be taken; where the bytes are wrong, other bytes."""
    assert refusals.of_fault(aiohttp.http_exceptions.ContentEncodingError(words), b"POST").kind.name == kind


def test_how_a_request_may_begin() -> None:
    """With a method in capitals, or with an empty line."""
    assert all(refusals.can_begin(data) for data in (b"GET /", b"POST", b"\r\nGET /", b"\nG", b"O"))
    assert not any(refusals.can_begin(data) for data in (b"\0", b"\x16\x03", b"get /", b" GET", b"{}", b"\xff"))


async def test_it_is_counted_of_the_port_alone(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """Under the endpoint `other`, as paths that are not served."""
    gateway = await start_gateway()
    before = await tally(http, gateway)
    for _ in range(3):
        await refused(gateway, "\0", 400, "invalid_http")
    assert (await tally(http, gateway)).since(before) == ({"invalid_request": 3}, {"excluded": 3})
