"""Web pages at a gateway without a key: no foreign page spends tokens; local pages and programs are served."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import urlsplit

import pytest

from app.sandbox import server
from tests.pages import EVIL, code, send
from tests.running import GatewayStarter
from tests.watching import CHAT, everything, told

OPEN_PATHS = ("/livez", "/readyz", "/health", "/metrics")
REFUSED_ORIGINS = (
    EVIL,
    "null",
    "http://evil.example:8090",
    "http://localhost.evil.example",
    "http://127.0.0.1.nip.io",
    "http://127.0.0.1.evil.example:8090",
    "http://evil-localhost",
    "http://notlocalhost:3000",
    "http://localhost@evil.example",
    "http://evil.localhost@evil.example",
    "http://evil.example#.localhost",
    "http://evil.example/.localhost",
    "http://evil.example\\.localhost",
    "http://localhost evil.example",
    "http://localhost, https://evil.example",
    "http://.localhost",
    "http://127.evil.example",
    "http://127.0.0.1.1",
    "http://127.0.0.256",
    "http://128.0.0.1",
    "http://0.0.0.0:8090",
    "http://192.168.1.5",
    "http://[::2]",
    "http://[::1",
    "http://[::1]evil.example",
    "http://::1",
    "http://localhost:port",
    "http://",
    "https://",
    "localhost",
    "//localhost",
    "file://",
    "ftp://localhost",
    "blob:https://evil.example/1",
    "chrome-extension",
    "chrome-extensions://abc",
    "https://app://x",
    "http://app.evil.example",
    "x-app://obsidian.md",
    "http://localhos\u212a",
    "https://" + "a." * 3000 + "localhost",
)
TAKEN_ORIGINS = (
    "http://localhost",
    "https://localhost:5173",
    "HTTP://LOCALHOST:3000",
    "http://localhost.:3000",
    "http://my.app.localhost:3000",
    "http://tauri.localhost",
    "http://127.0.0.1:8090",
    "https://127.8.9.255",
    "http://[::1]:3000",
    "app://obsidian.md",
    "app://.",
    "tauri://localhost",
    "capacitor://localhost",
    "vscode-webview://1k5o6gsjl1d2b3",
    "chrome-extension://ghbmnnjooekpmoecnnnilnnbdlolhkhi",
    "moz-extension://5b5ee9a5-6d3c-4c3b-8a7e-0c7a9ce6b3a1",
)


@pytest.mark.parametrize("listens", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - compose's
async def test_a_foreign_page_spends_nothing(
    listens: str, sandbox: server.Running, start_gateway: GatewayStarter
) -> None:
    """A page's POST that needs no pre-flight is a 403 wherever the gateway listens; GigaChat hears of none."""
    gateway = await start_gateway(ready=False, GPT2GIGA_HOST=listens)
    for origin in REFUSED_ORIGINS:
        answer = await send(gateway, f"Origin: {origin}", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors")
        assert code(answer) == "403 origin_not_allowed", origin
        assert b"access-control" not in answer.lower()
    assert not sandbox.state.requests.of("chat")


@pytest.mark.parametrize("origin", TAKEN_ORIGINS)
async def test_local_pages_and_programs_are_served(origin: str, start_gateway: GatewayStarter) -> None:
    """A page of this machine, and a program whose scheme no web page has, need no setting."""
    gateway = await start_gateway(ready=False)
    assert code(await send(gateway, f"Origin: {origin}")) == "200"


async def test_every_path_and_method_but_the_probes(start_gateway: GatewayStarter) -> None:
    """Models, the base path, unknown paths, pre-flights: all refused; probes and metrics answer whoever asks."""
    gateway = await start_gateway()
    for method, path in (
        ("POST", "/v1/embeddings"),
        ("POST", "/chat/completions"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/GigaChat"),
        ("GET", "/"),
        ("GET", "/v1/unknown"),
        ("PUT", "/v1/models"),
        ("OPTIONS", CHAT),
        ("GET", "/livez/x"),
        ("GET", "//livez"),
    ):
        answer = await send(gateway, f"Origin: {EVIL}", "Access-Control-Request-Method: POST", method=method, path=path)
        assert code(answer) == "403 origin_not_allowed", path
        assert b"access-control" not in answer.lower()
        assert code(await send(gateway, method=method, path=path, host="Host: evil.example")) == "403 host_not_allowed"
    for path in OPEN_PATHS:
        assert code(await send(gateway, f"Origin: {EVIL}", method="GET", path=path, host="Host: evil.example")) == "200"


async def test_several_origins(start_gateway: GatewayStarter) -> None:
    """Each of several headers has to be allowed, in either order."""
    gateway = await start_gateway(ready=False)
    for pair in (("http://localhost", EVIL), (EVIL, "http://localhost")):
        assert code(await send(gateway, *(f"Origin: {origin}" for origin in pair))) == "403 origin_not_allowed"


async def test_listed_origins(start_gateway: GatewayStarter) -> None:
    """The operator's origins are served, in any case, and no others; `*` lets all pages in."""
    listed = "https://App.example.org,https://other.example:8443"
    gateway = await start_gateway(ready=False, GPT2GIGA_CORS_ORIGINS=listed)
    for origin in ("https://app.example.org", "https://other.example:8443"):
        answer = await send(gateway, f"Origin: {origin}")
        assert code(answer) == "200"
        assert f"Access-Control-Allow-Origin: {origin}".encode() in answer
    for origin in ("http://app.example.org", "https://app.example.org:444", "https://other.example", "null", EVIL):
        assert code(await send(gateway, f"Origin: {origin}")) == "403 origin_not_allowed"
    gateway = await start_gateway(ready=False, GPT2GIGA_CORS_ORIGINS="*")
    for origin in (EVIL, "null"):
        assert code(await send(gateway, f"Origin: {origin}")) == "200"


async def test_a_key_is_all_that_is_asked_for(start_gateway: GatewayStarter) -> None:
    """A page does not know the key: with one set, neither header is judged."""
    gateway = await start_gateway(ready=False, GPT2GIGA_API_KEY="k")
    headers = (f"Origin: {EVIL}", "x-api-key: k")
    assert code(await send(gateway, *headers, host="Host: evil.example")) == "200"
    assert code(await send(gateway, headers[0], host="Host: evil.example")) == "401 invalid_api_key"


async def test_the_refusal_waits_for_no_body(start_gateway: GatewayStarter) -> None:
    """A page that announces 60 MB and sends none of it is refused at once, and takes no memory."""
    gateway = await start_gateway(ready=False)
    parts = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = f"POST {CHAT} HTTP/1.1\r\nHost: {parts.netloc}\r\nOrigin: {EVIL}\r\nContent-Length: 60000000\r\n\r\n"
    writer.write(head.encode())
    async with asyncio.timeout(2):
        assert b" 403 " in await reader.readline()
    writer.close()


async def test_the_log_names_what_was_refused(start_gateway: GatewayStarter, caplog: pytest.LogCaptureFixture) -> None:
    """Who was refused stands in the request's line, where it is an origin or a host, and nothing else does."""
    caplog.set_level(logging.INFO, "gpt2giga")
    gateway = await start_gateway(ready=False)
    for number, (line, host, detail) in enumerate(
        (
            (f"Origin: {EVIL}", "", f"origin_not_allowed: {EVIL}"),
            ("Origin: https://u:secret@x", "", "origin_not_allowed: a malformed Origin"),
            ("", "Host: evil.example:80", "host_not_allowed: evil.example"),
            ("", "Host: u:secret@x", "host_not_allowed: a malformed Host"),
        ),
        start=1,
    ):
        await send(gateway, line, host=host)
        shown = await told(caplog, number)
        assert (shown["status"], shown["error_type"], shown["error"]) == (403, "forbidden", detail)
    assert "secret" not in everything(caplog)
