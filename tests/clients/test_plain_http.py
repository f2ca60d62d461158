"""Clients that are no SDK: httpx, curl, and those that speak HTTP in their own way. The bytes are what counts."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson
import pytest

from tests.clients.sdk import KEY, TALKATIVE, GatewayWith, Gigachat
from tests.running import Process

AUTHORIZED = {"Authorization": f"Bearer {KEY}"}
CHAT = "/v1/chat/completions"


def asking(text: str, **more: Any) -> dict[str, Any]:
    """The body of a request."""
    return {"model": "GigaChat-2", "messages": [{"role": "user", "content": text}], **more}


@pytest.fixture
def plain(served: Process) -> Iterator[HTTPConnection]:
    """One connection of the standard library's client: a second one would be an error."""
    with closing(HTTPConnection(urlsplit(served.url).netloc, timeout=10)) as connection:
        connection.connect()
        connection.auto_open = 0
        yield connection


def sent(connection: HTTPConnection, method: str, path: str, body: Any = None, **headers: str) -> HTTPResponse:
    """A request with nothing but what is given and the key."""
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    connection.request(method, path, data, AUTHORIZED | {name.replace("_", "-"): one for name, one in headers.items()})
    return connection.getresponse()


def code_of(response: HTTPResponse) -> tuple[int, str]:
    """Status and code of an error, which is in the envelope."""
    error = json.loads(response.read())["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return response.status, error["code"]


def expected(text: str, raw: bytes) -> bytes:
    """The stream that must have been sent for a text of one phrase, with the id that it had."""
    first = orjson.loads(raw.split(b"\n")[0].removeprefix(b"data: "))
    head = {name: first[name] for name in ("id", "object", "created", "model", "system_fingerprint")}
    deltas: list[tuple[dict[str, Any], str | None]] = [
        ({"role": "assistant", "content": "", "refusal": None}, None),
        ({"content": text}, None),
        ({}, "stop"),
    ]
    frames = [
        b"data: %b\n\n" % orjson.dumps({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
        for delta, finish in deltas
    ]
    return b"".join([*frames, b"data: [DONE]\n\n"])


def test_the_bytes_of_a_stream(served: Process) -> None:
    """Each event is one `data:` line and an empty one; text is UTF-8, not escaped; [DONE] is the end."""
    with (
        httpx2.Client(headers=AUTHORIZED) as client,
        client.stream("POST", served.url + CHAT, json=asking("sandbox:say Привет 👋", stream=True)) as response,
    ):
        raw = b"".join(response.iter_raw())
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in response.headers
    assert raw == expected("Привет 👋", raw)


def test_events_come_one_by_one(served: Process, gigachat: Gigachat) -> None:
    """What GigaChat said is with the client while GigaChat still speaks."""
    gigachat.fault("stall", after=2, seconds=0.5)
    with (
        httpx2.Client(headers=AUTHORIZED) as client,
        client.stream("POST", served.url + CHAT, json=asking("sandbox:long 3", stream=True)) as response,
    ):
        lines = response.iter_lines()
        while "Фраза 2" not in next(lines):
            pass
        assert gigachat.last()["chunks"] == 2
        assert sum("data: " in line for line in lines) == 3


def test_the_bytes_of_silence(gateway_with: GatewayWith) -> None:
    """While GigaChat is silent the client gets whole comments, and the stream is the same besides."""
    gateway = gateway_with(**TALKATIVE)
    with (
        httpx2.Client(headers=AUTHORIZED) as client,
        client.stream(
            "POST", gateway.url + CHAT, json=asking("sandbox:wait 0.6\nsandbox:say x", stream=True)
        ) as response,
    ):
        raw = b"".join(response.iter_raw())
    assert raw.startswith(b": keep-alive\n\n: keep-alive\n\n")
    rest = raw.replace(b": keep-alive\n\n", b"")
    assert rest == expected("x", rest)


def test_the_bytes_of_a_broken_stream(served: Process, gigachat: Gigachat) -> None:
    """The last event is the error; there is no finish reason and no [DONE]; the response itself ends cleanly."""
    gigachat.fault("cut", after=1)
    response = httpx2.post(served.url + CHAT, json=asking("sandbox:long 3", stream=True), headers=AUTHORIZED)
    events = response.text.removesuffix("\n\n").split("\n\n")
    assert response.status_code == 200
    assert [event[:6] for event in events] == ["data: "] * 3
    error = json.loads(events[-1][6:])
    assert set(error) == {"error"}
    assert error["error"]["code"] == "stream_truncated"
    assert '"finish_reason":"' not in response.text
    assert "[DONE]" not in response.text


@pytest.mark.parametrize("version", ["--http1.0", "--http1.1", "--http2"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_curl(served: Process, version: str, stream: bool) -> None:
    """curl, as pages and scripts have it: with its own content type for -d, in every version of HTTP."""
    command = ["curl", "-sS", "-N", "-f", "--max-time", "10", version, "-H", f"Authorization: Bearer {KEY}"]
    body = json.dumps(asking("sandbox:say Привет", stream=stream))
    ran = subprocess.run([*command, served.url + CHAT, "-d", body], capture_output=True, check=True, timeout=15)
    assert ran.stderr == b""
    if stream:
        assert ran.stdout == expected("Привет", ran.stdout)
    else:
        assert json.loads(ran.stdout)["choices"][0]["message"]["content"] == "Привет"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, asking("sandbox:say x")),
        ({"Content_Type": ""}, asking("sandbox:say x")),
        ({"Content_Type": "text/plain; charset=utf-16"}, asking("sandbox:say x")),
        ({"Content_Type": "application/x-www-form-urlencoded"}, asking("sandbox:say x")),
        ({"Content_Type": "multipart/form-data; boundary=x"}, asking("sandbox:say x")),
        ({"Connection": "close"}, asking("sandbox:say x")),
        ({"Expect": "100-continue"}, asking("sandbox:say x")),
        ({"Accept": "text/html", "Accept_Encoding": "gzip, br"}, asking("sandbox:say x")),
    ],
    ids=str,
)
def test_odd_headers_around_json(plain: HTTPConnection, headers: dict[str, str], body: Any) -> None:
    """JSON is JSON, whatever the headers call it."""
    response = sent(plain, "POST", CHAT, body, **headers)
    answer = json.loads(response.read())
    assert (response.status, answer["choices"][0]["message"]["content"]) == (200, "x")
    assert (response.headers["Content-Type"], response.headers["Content-Encoding"]) == ("application/json", None)
    assert response.will_close == (headers.get("Connection") == "close")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", CHAT, b"model=gpt-4o&messages=hi", 400, "invalid_json"),
        ("POST", CHAT, b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--x--', 400, "invalid_json"),
        ("POST", CHAT, b"", 400, "invalid_json"),
        ("POST", CHAT, None, 400, "invalid_json"),
        ("POST", CHAT, b"\xff\xfe{\x00}\x00", 400, "invalid_json"),
        ("POST", CHAT, '{"messages":"Привет"}'.encode("cp1251"), 400, "invalid_json"),
        ("POST", CHAT, b'{"messages": NaN}', 400, "invalid_json"),
        ("POST", CHAT, b'{"messages": ' + b"[" * 100_000, 400, "invalid_json"),
        ("POST", CHAT, b'"' + b"x" * 3_000_000 + b'"', 400, "invalid_json"),
        ("POST", "/V1/CHAT/COMPLETIONS", b"{}", 404, "unknown_url"),
        ("POST", "/v1/chat/completions/extra", b"{}" * 1_000_000, 404, "unknown_url"),
        ("GET", CHAT, None, 405, "method_not_allowed"),
        ("PUT", CHAT, b"{}" * 1_000_000, 405, "method_not_allowed"),
        ("DELETE", "/v1/models", None, 405, "method_not_allowed"),
    ],
)
def test_a_connection_outlives_an_error(
    plain: HTTPConnection, method: str, path: str, body: bytes | None, status: int, code: str
) -> None:
    """The envelope for every mistake, also with a body that nobody wanted; then the same connection serves on."""
    for _ in range(2):
        assert code_of(sent(plain, method, path, body)) == (status, code)
    response = sent(plain, "POST", CHAT, asking("sandbox:say x"))
    assert json.loads(response.read())["choices"][0]["message"]["content"] == "x"


@pytest.mark.parametrize("name", ["Authorization", "x-api-key"])
@pytest.mark.parametrize("value", ["", "Bearer", "Basic a2V5", "wrong", "Bearer wrong", "Bearer ключ"])
def test_a_wrong_key(plain: HTTPConnection, name: str, value: str) -> None:
    """Missing, malformed or wrong: 401 in the envelope, and the connection serves on with the right one."""
    plain.request("POST", CHAT, json.dumps(asking("x")).encode(), {name: value.encode()})
    assert code_of(plain.getresponse()) == (401, "invalid_api_key")
    assert sent(plain, "GET", "/v1/models").status == 200


def test_the_key_in_another_header(served: Process) -> None:
    """`x-api-key`, and a scheme in lower case, are taken too."""
    for headers in ({"x-api-key": KEY}, {"authorization": f"bearer {KEY}"}):
        assert httpx2.get(f"{served.url}/v1/models", headers=headers).status_code == 200


def test_requests_in_one_go(served: Process) -> None:
    """Pipelined requests are answered in their order, on the connection they came on."""
    parts = urlsplit(served.url)
    requests = b""
    for text in ("one", "two", "three"):
        body = json.dumps(asking(f"sandbox:say {text}")).encode()
        head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
        requests += head.encode() + body
    requests += b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as sock:
        sock.sendall(requests)
        with sock.makefile("rb") as answers:
            raw = answers.read()
    assert raw.count(b"HTTP/1.1 200 OK") == 4
    places = [raw.index(f'"content":"{text}"'.encode()) for text in ("one", "two", "three")]
    assert places == sorted(places) < [raw.index(b'"live":true')]


def test_a_body_in_pieces(served: Process) -> None:
    """A chunked body without a length, as proxies send it."""
    whole = json.dumps(asking("sandbox:say Привет"), ensure_ascii=False).encode()
    pieces = (whole[place : place + 7] for place in range(0, len(whole), 7))
    response = httpx2.post(served.url + CHAT, content=pieces, headers=AUTHORIZED)
    assert response.json()["choices"][0]["message"]["content"] == "Привет"


def test_somebody_is_there(plain: HTTPConnection) -> None:
    """HEAD and GET on the base path answer, without a key."""
    for method in ("HEAD", "GET"):
        plain.request(method, "/")
        response = plain.getresponse()
        assert (response.status, response.read() == b"") == (200, method == "HEAD")
