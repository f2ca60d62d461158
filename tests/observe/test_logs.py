"""Log lines: one JSON object each, text for people, no noise from strangers, never content and never a secret."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import pytest
from yarl import URL

from app.observe import logs
from app.observe.logs import LOGGER, JsonFormatter, fields
from app.observe.terminal import TextFormatter
from app.sandbox import server
from tests.dropped import DROPPED
from tests.running import GatewayStarter, Running, eventually

Reader = Callable[[], str]


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Reader]]:
    """Configure logging as the program does; what this gives reads all that was written so far."""
    root, aiohttps = logging.getLogger(), logging.getLogger("aiohttp.server")
    kept = root.handlers[:], root.level, LOGGER.level, aiohttps.filters[:]
    text: list[str] = []

    def read() -> str:
        text.append(capsys.readouterr().err)
        return "".join(text)

    def configure(level: str = "debug", form: str = "json") -> Reader:
        logs.configure(level, form)
        return read

    yield configure
    root.handlers[:] = kept[0]
    root.setLevel(kept[1])
    LOGGER.setLevel(kept[2])
    aiohttps.filters[:] = kept[3]


def record(event: str = "event", level: int = logging.INFO, name: str = "gpt2giga", **values: object) -> Any:
    """A log record of ours."""
    made = logging.LogRecord(name, level, "", 1, event, None, None)
    made.__dict__.update(fields(**values))
    return made


def test_a_line_is_one_json_object() -> None:
    """Time in UTC, level, event, then the fields that have a value; a line end in a value does not end the line."""
    line = JsonFormatter().format(record("request", status=200, model="Гига\nчат", error=None))
    assert "\n" not in line
    shown = json.loads(line)
    assert list(shown) == ["time", "level", "event", "status", "model"]
    assert shown["time"].endswith("Z")
    assert (shown["level"], shown["event"], shown["model"]) == ("info", "request", "Гига\nчат")


def test_fractions_are_rounded() -> None:
    """Milliseconds are enough; whole numbers, words and truths stay."""
    shown = json.loads(
        JsonFormatter().format(record(life=1799.987654321, count=7, whole=2.0, stream=True, word="1.23456"))
    )
    assert shown.items() >= {"life": 1799.988, "count": 7, "whole": 2.0, "stream": True, "word": "1.23456"}.items()


@pytest.mark.parametrize("value", ["half \ud83d", 2**70, object, {1: 2}, b"bytes"], ids=repr)
def test_no_value_loses_a_line(value: object) -> None:
    """Whatever stands in a field, the line is written and is JSON."""
    assert json.loads(JsonFormatter().format(record(value=value)))["event"] == "event"


def test_a_stranger_is_named_and_a_traceback_kept() -> None:
    """A line of another library bears its logger's name; an exception is in the line, not below it."""
    try:
        raise ValueError("boom")
    except ValueError:
        made = record("failed", logging.ERROR, "aiohttp.client")
        made.exc_info = sys.exc_info()
    shown = json.loads(JsonFormatter().format(made))
    assert shown["logger"] == "aiohttp.client"
    assert shown["traceback"].endswith("ValueError: boom")
    text = TextFormatter().format(made).splitlines()
    assert text[0].endswith("ERROR    failed         logger=aiohttp.client")
    assert text[-1] == "ValueError: boom"


@pytest.mark.parametrize(("form", "json_line"), [("json", True), ("text", False), ("auto", True)])
def test_the_format_is_the_operators_choice(written: Callable[..., Reader], form: str, json_line: bool) -> None:
    """JSON, text, or by the terminal, which is none here; the level is obeyed."""
    read = written("info", form)
    LOGGER.info("seen", extra=fields(status=200))
    LOGGER.debug("not seen")
    logging.getLogger("some.library").info("chatter")
    lines = read().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("{") is json_line


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03secret-marker\r\n\r\n", id="TLS to a plain port"),
        pytest.param(b"PXYS /v1?key=secret-marker HTTP/1.1\r\n\r\n", id="unknown method"),
        pytest.param(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nPXYS /?key=secret-marker HTTP/1.1\r\n\r\n", id="second"),
        pytest.param(b"GET /?key=secret-marker HTTP/9.x\r\n\r\n", id="bad version"),
        pytest.param(b"GET / HTTP/1.1\r\nHost x secret-marker\r\n\r\n", id="bad header"),
        pytest.param(b"GET /" + b"secret-marker" * 2000 + b" HTTP/1.1\r\n\r\n", id="endless line"),
        pytest.param(b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", id="bad length"),
        pytest.param(
            b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz secret-marker\r\n",
            id="bad chunk",
        ),
    ],
)
async def test_a_scanner_does_not_fill_the_error_log(
    gateway: Running, written: Callable[..., Reader], garbage: bytes
) -> None:
    """Bytes that are no HTTP get a 4xx or the end, and make no line above info, with nothing of theirs."""
    read = written()
    url = URL(gateway.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(garbage)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    assert b" 50" not in answer.partition(b"\r\n")[0]
    told = read()
    assert "secret-marker" not in told
    assert {json.loads(line)["level"] for line in told.splitlines()} <= {"debug", "info"}


async def test_nothing_that_is_written_holds_content_or_a_secret(
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    written: Callable[..., Reader],
) -> None:
    """Prompts, answers, metadata, keys and queries are sent with a mark, on good ways and bad; no line shows it.

    The name of a key of the body that nobody knows is none of these: whoever looks for a slip finds it.
    """
    read = written()
    gateway = await start_gateway(GPT2GIGA_API_KEY="marker-key")
    key = {"Authorization": "Bearer marker-key"}
    good: dict[str, Any] = {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "sandbox:say marker-said"}],
        "user": "marker-user",
        "metadata": {"marker-name": "marker-value"},
        "field_of_another_api": "marker",
        **DROPPED,
    }
    bad = {**good, "messages": [{"role": "marker-role", "content": "marker"}]}
    sent = 0
    for fault in (None, "status", "html_200", "cut", "event_error", "garbage"):
        for body in (good, {**good, "stream": True}, bad, {**good, "temperature": "marker"}):
            for headers in (key, {"Authorization": "Bearer marker-wrong", "x-api-key": "marker-other"}):
                sandbox.state.faults.clear()
                if fault is not None:
                    extra = {"message": "marker-upstream"} if fault in {"status", "event_error"} else {}
                    sandbox.state.faults.add(fault, where="chat", times=None, **extra)
                url = f"{gateway.url}/v1/chat/completions?key=marker-query"
                async with http.post(url, json=body, headers=headers) as response:
                    await response.read()
                sent += 1
    async with http.post(f"{gateway.url}/v1/marker-path?key=marker", data=b'{"marker', headers=key) as response:
        assert response.status == 404
    async with http.post(f"{gateway.url}/v1/chat/completions", data=b'{"marker', headers=key) as response:
        assert response.status == 400
    await eventually(lambda: read().count('"event":"request"') == sent + 2)
    told = read()
    assert "marker" not in told
    assert "field_of_another_api" in told
    assert sandbox.state.settings.key.rstrip("=") not in told
    assert (await gateway.gateway.keeper.get()).value not in told
    assert "/v1/chat/completions" in told


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_bug_is_found_by_the_requests_id(
    gateway: Running,
    http: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    stream: bool,
) -> None:
    """The traceback's line bears the id that the client got, be the bug before the first byte or inside the stream."""
    broken = "chat_stream.StreamWriter.finish" if stream else "chat_answer.write"

    def bug(*_: object, **__: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(f"app.translate.openai.{broken}", bug)
    body = {"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": "x"}]}
    async with http.post(f"{gateway.url}/v1/chat/completions", json=body) as response:
        assert "internal_error" in await response.text()
        request_id = response.headers["x-request-id"]
    found = [one for one in caplog.records if one.getMessage() == "a bug of the gateway's own"]
    assert [one.__dict__["gateway_fields"] for one in found] == [{"request_id": request_id}]
    assert found[0].exc_info is not None
