"""Requests as browsers send them, over raw sockets, and what came back.

What a browser sends is the Fetch standard's: a page's POST of text/plain goes out without a pre-flight, with `Origin`
(`null` for a page without one of its own: sandboxed frames, data URLs, files, cross-origin redirects, `no-referrer`).
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from tests.running import Running
from tests.watching import CHAT, raw, saying

EVIL = "https://evil.example"
_BODY = json.dumps(saying("spent")).encode()


async def send(gateway: Running, *headers: str, method: str = "POST", path: str = CHAT, host: str = "") -> bytes:
    """The answer to a request with these lines; `host` may say what no URL would."""
    host = host or f"Host: {urlsplit(gateway.url).netloc}"
    body = _BODY if method == "POST" else b""
    lines = [f"{method} {path} HTTP/1.1", host, "Connection: close", *headers]
    if body:
        lines += ["Content-Type: text/plain;charset=UTF-8", f"Content-Length: {len(body)}"]
    return await raw(gateway, "\r\n".join([line for line in lines if line] + ["", ""]).encode() + body)


def code(answer: bytes) -> str:
    """An answer's status and, of an error, the code in the envelope."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1].decode()
    return f"{status} {json.loads(body)['error']['code']}" if body.startswith(b'{"error"') else status
