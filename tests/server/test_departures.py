"""Clients that leave: GigaChat is let go at once, and nothing stays behind."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from typing import Any

import aiohttp
import orjson
import pytest
from prometheus_client import REGISTRY
from yarl import URL

from app.server import streaming
from tests.running import GatewayStarter, Running, SandboxStarter, eventually

CHAT = "/v1/chat/completions"


def asking(text: str, *, stream: bool = True) -> dict[str, Any]:
    """A chat request."""
    return {"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": text}]}


def value(name: str, **labels: str) -> float:
    """A sample of this process's metrics."""
    return REGISTRY.get_sample_value(f"gpt2giga_proxy_{name}", labels) or 0.0


def request_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The log lines of finished requests."""
    return [record.__dict__["gateway_fields"] for record in caplog.records if record.getMessage() == "request"]


class Client:
    """A client on a bare socket, which can leave in two ways."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    @classmethod
    async def post(cls, gateway: Running, body: dict[str, Any]) -> Client:
        """Send a chat request."""
        url, data = URL(gateway.url), orjson.dumps(body)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n"
        writer.write(head.encode() + data)
        return cls(reader, writer)

    def leave(self, *, rst: bool) -> None:
        """Close the connection, cleanly or with a reset."""
        if rst:
            sock = self._writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


# moment -> the request, and what the client has read by then
MOMENTS: dict[str, tuple[dict[str, Any], bytes]] = {
    "before the first byte": (asking("sandbox:wait 30"), b""),
    "in the middle": (asking("sandbox:long 500"), b'"content":'),
    "in a whole answer": (asking("sandbox:wait 30", stream=False), b""),
}


@pytest.mark.parametrize("rst", [True, False], ids=["reset", "clean"])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_gigachat_is_let_go_when_the_client_leaves(
    start_sandbox: SandboxStarter, start_gateway: GatewayStarter, moment: str, rst: bool
) -> None:
    """Within 100 ms of the client's end the request at GigaChat has ended as well."""
    sandbox = await start_sandbox(chunk_seconds=0.02, oauth_per_second=0)
    gateway = await start_gateway(sandbox)
    body, read = MOMENTS[moment]
    took = []
    for _ in range(3):  # the machine may be busy elsewhere for a moment
        client = await Client.post(gateway, body)
        await eventually(lambda: sandbox.state.chatting == 1)
        if read:
            await client.reader.readuntil(read)
        left = time.time()
        client.leave(rst=rst)
        await eventually(lambda: sandbox.state.requests.of("chat")[-1].ended is not None)
        record = sandbox.state.requests.of("chat")[-1]
        assert record.outcome == "client_gone"
        took.append((record.ended or 0.0) - left)
    assert min(took) < 0.1


@pytest.mark.long
async def test_a_thousand_departures_leave_nothing_behind(
    start_sandbox: SandboxStarter, start_gateway: GatewayStarter, caplog: pytest.LogCaptureFixture
) -> None:
    """No connection in use, no task, no traceback; each is one line and one count of 499, nobody's fault."""
    caplog.set_level("INFO", "gpt2giga")
    sandbox = await start_sandbox(chunk_seconds=0.02, oauth_per_second=0)
    gateway = await start_gateway(sandbox, GPT2GIGA_COMMIT_SECONDS="0.01", GPT2GIGA_KEEPALIVE_SECONDS="0.01")
    names = [f"requests_total/{stream}" for stream in ("true", "false")]
    before, tasks = _counts(), asyncio.all_tasks()
    caplog.clear()
    for batch in range(20):
        chosen = [list(MOMENTS.values())[(batch + number) % 3] for number in range(50)]
        clients = await asyncio.gather(*(Client.post(gateway, body) for body, _ in chosen))
        await eventually(lambda: sandbox.state.chatting == 50)
        await asyncio.gather(
            *(one.reader.readuntil(read) for one, (_, read) in zip(clients, chosen, strict=True) if read)
        )
        for number, client in enumerate(clients):
            client.leave(rst=number % 2 == 0)
        await eventually(lambda: sandbox.state.chatting == 0)
    await eventually(lambda: len(request_lines(caplog)) == 1000)
    await eventually(
        lambda: not [one for one in asyncio.all_tasks() - tasks if "RequestHandler.start" not in repr(one)]
    )
    await eventually(lambda: sandbox.state.connections <= 2)
    assert [record for record in caplog.records if record.exc_info or record.levelname != "INFO"] == []
    lines = request_lines(caplog)
    assert {(line["status"], line["aborted_by"], line["error_type"]) for line in lines} == {
        (499, "client", "client_closed")
    }
    streams = sum(line["stream"] for line in lines)
    added = {name: now - before[name] for name, now in _counts().items()}
    assert added == {names[0]: streams, names[1]: 1000 - streams, "aborts": streams, "excluded": 1000, "in_flight": 0}


def _counts() -> dict[str, float]:
    return {
        "requests_total/true": value("requests_total", endpoint="chat", stream="true", code="499"),
        "requests_total/false": value("requests_total", endpoint="chat", stream="false", code="499"),
        "aborts": value("stream_aborts_total", endpoint="chat", side="client"),
        "excluded": value("slo_events_total", slo="availability", result="excluded"),
        "in_flight": value("in_flight_requests", endpoint="chat"),
    }


@pytest.mark.long
async def test_a_client_that_never_reads(
    start_sandbox: SandboxStarter, start_gateway: GatewayStarter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not hold GigaChat's stream: after a bounded time it counts as gone, and the generation ends."""
    monkeypatch.setattr(streaming, "STUCK_SECONDS", 0.3)
    sandbox = await start_sandbox(oauth_per_second=0)
    gateway = await start_gateway(sandbox, GPT2GIGA_KEEPALIVE_SECONDS="0.1")
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    url, data = URL(gateway.url), orjson.dumps(asking("sandbox:long 200000"))
    with sock:
        sock.connect((url.host, url.port))
        sock.sendall(f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
        await eventually(
            lambda: any(record.outcome == "client_gone" for record in sandbox.state.requests.of("chat")), 30
        )


@pytest.mark.parametrize("told", ["1e-300", "1e-9", "0.001"])
async def test_no_read_timeout_makes_a_flood(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession, told: str
) -> None:
    """However little patience a client tells, comments keep their distance and others are served meanwhile."""
    gateway = await start_gateway()
    headers = {"x-stainless-read-timeout": told}
    body = asking("sandbox:wait 0.6\nsandbox:say x")
    async with http.post(gateway.url + CHAT, json=body, headers=headers) as response:
        async with http.get(gateway.url + "/livez") as alive:
            assert alive.status == 200
        text = await response.text()
    assert text.count(": keep-alive") <= 7
    assert text.endswith("[DONE]\n\n")
