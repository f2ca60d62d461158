"""HTTP that is refused or taken, by both of aiohttp's parsers and on both loops: one envelope, one line, one count."""

from __future__ import annotations

import gzip
import re
import socket
import time
import urllib.request
import zlib
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson
import pytest

from app.sandbox.state import SandboxSettings
from tests.running import Process, ProcessStarter, wait_ready
from tests.watching import CHAT, saying

BODY = orjson.dumps(saying("hi"))
POST = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\n"
LENGTH = f"Content-Length: {len(BODY)}\r\n\r\n"
GZIP, DEFLATE, CHUNKED = "Content-Encoding: gzip\r\n", "Content-Encoding: deflate\r\n", "Transfer-Encoding: chunked\r\n"
RAW = zlib.compressobj(wbits=-15)
RAW_DEFLATED = RAW.compress(BODY) + RAW.flush()
INVALID_HTTP, TOO_LARGE, UNKNOWN = (400, "invalid_http"), (431, "headers_too_large"), (415, "unsupported_encoding")
NO_JSON, TAKEN = (400, "invalid_json"), (200, "")


class Case(NamedTuple):
    """What a client sends, in one packet or several, and what it is told: the status and the error's code."""

    pieces: tuple[bytes, ...]
    said: tuple[int, str]


def given(said: tuple[int, str], head: str, body: bytes = b"", *later: bytes) -> Case:
    """A request whose head says all about its body but how long it is."""
    return Case((head.encode("latin-1") + body, *later), said)


def sized(said: tuple[int, str], headers: str, body: bytes = BODY) -> Case:
    """A chat with these headers."""
    return given(said, f"{POST}{headers}Content-Length: {len(body)}\r\n\r\n", body)


def cookies(*sizes: int) -> str:
    """So many headers of these lengths."""
    return "".join(f"Cookie-{at}: {'b' * (size - 10)}\r\n" for at, size in enumerate(sizes))


CASES: dict[str, Case] = {
    "a TLS hello": given(INVALID_HTTP, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "a NUL": given(INVALID_HTTP, "\0"),
    "small letters": given(INVALID_HTTP, "get /livez HTTP/1.1\r\nHost: x\r\n\r\n"),
    "HTTP/2": given(INVALID_HTTP, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "no path": given(INVALID_HTTP, "GET  HTTP/1.1\r\nHost: x\r\n\r\n"),
    "a header without a colon": given(INVALID_HTTP, f"{POST}secret\r\n{LENGTH}", BODY),
    "two lengths": given(INVALID_HTTP, f"{POST}Content-Length: 3\r\n{LENGTH}", BODY),
    "a length that is none": given(INVALID_HTTP, f"{POST}Content-Length: x\r\n\r\n", BODY),
    "a length and chunks": given(INVALID_HTTP, f"{POST}{CHUNKED}{LENGTH}", b"0\r\n\r\n"),
    "a bad chunk": given(INVALID_HTTP, f"{POST}{CHUNKED}\r\n", b"zz\r\n"),
    "a bad chunk, later": given(INVALID_HTTP, f"{POST}{CHUNKED}\r\n", b"5\r\n" + BODY[:5] + b"\r\n", b"zz\r\n"),
    "a chunk too long": given(INVALID_HTTP, f"{POST}{CHUNKED}\r\n", b"5\r\n" + BODY[:5] + b"\r\n", b"5\r\nabcdefgh"),
    "a negative chunk": given(INVALID_HTTP, f"{POST}{CHUNKED}\r\n", b"", b"-5\r\n"),
    "one header": given(TOO_LARGE, f"{POST}{cookies(70_000)}{LENGTH}", BODY),
    "one header, unfinished": given(TOO_LARGE, f"{POST}Cookie: {'b' * 300_000}"),
    "all headers": given(TOO_LARGE, f"{POST}{cookies(*[60_000] * 5)}{LENGTH}", BODY),
    "all headers, unfinished": given(TOO_LARGE, f"{POST}{cookies(*[60_000] * 5)}"),
    "empty lines without end": given(TOO_LARGE, "\r\n" * 140_000),
    "too many headers": given(TOO_LARGE, f"{POST}{cookies(*[20] * 200)}{LENGTH}", BODY),
    "one large header": sized(TAKEN, cookies(65_000)),
    "large headers": sized(TAKEN, cookies(*[65_000] * 4)),
    "many headers": sized(TAKEN, cookies(*[2_000] * 120)),
    "br": sized(UNKNOWN, "Content-Encoding: br\r\n"),
    "zstd": sized(UNKNOWN, "Content-Encoding: zstd\r\n"),
    "gzip, br": sized(UNKNOWN, "Content-Encoding: gzip, br\r\n"),
    "gzip twice": sized(UNKNOWN, GZIP + GZIP),
    "another encoding": sized(UNKNOWN, "Content-Encoding: secret\r\n"),
    "gzip": sized(TAKEN, GZIP, gzip.compress(BODY)),
    "gzip in capitals": sized(TAKEN, GZIP.upper(), gzip.compress(BODY)),
    "gzip in two members": sized(TAKEN, GZIP, gzip.compress(BODY[:9]) + gzip.compress(BODY[9:])),
    "deflate": sized(TAKEN, DEFLATE, zlib.compress(BODY)),
    "deflate without zlib's head": sized(TAKEN, DEFLATE, RAW_DEFLATED),
    "identity": sized(TAKEN, "Content-Encoding: identity\r\n"),
    "an empty encoding": sized(TAKEN, "Content-Encoding:\r\n"),
    "gzip, cut": sized(NO_JSON, GZIP, gzip.compress(BODY)[:30]),
    "gzip, broken": sized(NO_JSON, GZIP, gzip.compress(BODY)[:-8] + b"12345678"),
    "gzip that is none": sized(NO_JSON, GZIP),
    "gzip of nothing": sized(NO_JSON, GZIP, gzip.compress(b"")),
    "deflate, cut": sized(NO_JSON, DEFLATE, zlib.compress(BODY)[:-9]),
    "deflate that is none": sized(NO_JSON, DEFLATE, b"\0\1\2"),
}


@pytest.fixture(params=["uvloop, C", "asyncio, C", "uvloop, Python", "asyncio, Python"])
def served(
    request: pytest.FixtureRequest, sandbox_process: str, start_process: ProcessStarter, tmp_path: Path
) -> Process:
    """A gateway with this loop and this parser."""
    loop, _, parser = request.param.partition(", ")
    if loop == "asyncio":
        (tmp_path / "uvloop.py").write_text("raise ImportError('not installed')\n")
    else:
        pytest.importorskip("uvloop")
    env = {"GIGACHAT_BASE_URL": f"{sandbox_process}/v1", "GIGACHAT_AUTH_URL": f"{sandbox_process}/api/v2/oauth"}
    env |= {"GIGACHAT_CREDENTIALS": SandboxSettings().key, "AIOHTTP_NO_EXTENSIONS": "1" if parser == "Python" else ""}
    process = start_process(env=env)
    wait_ready(process.url)
    return process


def talk(url: str, pieces: tuple[bytes, ...]) -> tuple[bytes, bytes, float]:
    """Head and body of the one answer, and the seconds that it took behind the last piece."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port or 0), timeout=5) as client:
        for at, piece in enumerate(pieces):
            if at:
                time.sleep(0.05)
            client.sendall(piece)
        begun, came = time.monotonic(), b""
        while (found := re.search(rb"Content-Length: (\d+)[^\0]*?\r\n\r\n", came)) is None or (
            len(came) < found.end() + int(found[1])
        ):
            more = client.recv(65536)
            assert more, came
            came += more
    head, _, body = came.partition(b"\r\n\r\n")
    return head, body, time.monotonic() - begun


def errors(url: str) -> int:
    """How many errors of clients were counted."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:  # noqa: S310 - a URL of this test's own
        text = answer.read().decode()
    found = re.findall(r'^gpt2giga_proxy_errors_total\{.*error_type="invalid_request".*\} (\S+)$', text, re.MULTILINE)
    return int(sum(map(float, found)))


@pytest.mark.samples("asyncio, Python")
def test_http(served: Process) -> None:
    """Each is answered at once and told, counted and logged once; nothing that came stands in an answer or the log."""
    before, expected = errors(served.url), Counter(case.said for case in CASES.values())
    for name, case in CASES.items():
        head, body, seconds = talk(served.url, case.pieces)
        status, code = int(head[9:12]), (orjson.loads(body).get("error") or {}).get("code", "")
        assert (status, code) == case.said, name
        assert seconds < 1, name
        assert (b"Accept-Encoding: gzip, deflate" in head) is (status == 415), name
        assert b"secret" not in head + body
    refused = len(CASES) - expected.pop(TAKEN)
    assert errors(served.url) - before == refused
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and len(lines := _requests(served)) < len(CASES):
        time.sleep(0.02)
    logged = Counter((line["status"], line["error"].partition(":")[0]) for line in lines if line["status"] != 200)
    assert logged == expected
    assert "secret" not in served.log.read_text("utf-8")


def _requests(served: Process) -> list[dict[str, Any]]:
    return [line for line in served.lines() if line["event"] == "request"]


@pytest.mark.samples("uvloop, C")
def test_what_a_cut_body_is_told(served: Process) -> None:
    """That it may have been cut off, and how it came."""
    _, body, _ = talk(served.url, CASES["gzip, cut"].pieces)
    assert "packed" in orjson.loads(body)["error"]["message"]
    _, body, _ = talk(served.url, CASES["deflate, cut"].pieces)
    assert "cut off" in orjson.loads(body)["error"]["message"]
