"""The control side."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from app.sandbox.faults import KINDS
from app.sandbox.file_store import Owner
from app.sandbox.server import Running
from app.sandbox.tokens import TokenStatus
from tests.sandbox.specimens import TEXT, png, upload


async def test_page_explains(session: aiohttp.ClientSession) -> None:
    """One page tells what this is, all directives and all faults."""
    async with session.get("/sandbox") as response:
        shown = await response.json()
        assert response.headers["X-Sandbox"] == "gpt2giga-proxy"
    assert shown["faults"].keys() == KINDS.keys()
    assert "sandbox:say <text>" in shown["directives"]
    assert shown["now"]["connections"] == 1
    assert shown["files"]["image/png"] == {"kind": "image", "most_bytes": 15_000_000}
    assert shown["settings"]["token_ttl"]["is"] == 1800
    assert not {"key", "password"} & shown["settings"].keys()


async def test_faults(running: Running, session: aiohttp.ClientSession) -> None:
    """Faults are added, listed and cleared."""
    wish = {"where": "chat", "kind": "slow", "times": None, "seconds": 0.5}
    async with session.post("/sandbox/faults", json=wish) as response:
        assert await response.json() == {**wish, "fired": 0}
    async with session.get("/sandbox/faults") as response:
        assert await response.json() == [{**wish, "fired": 0}]
    async with session.delete("/sandbox/faults") as response:
        assert await response.json() == []
    assert len(running.state.faults) == 0


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (b"{", "the body must be a JSON object, such as {"),
        (b"[]", "the body must be a JSON object"),
        (b'"down"', "the body must be a JSON object"),
        (b"", "kind must be one of: status, html_200, "),
        (b"{}", "kind must be one of: status, html_200, "),
        (b'{"times":2}', "kind must be one of: "),
        (b'{"kind":"nonsense"}', "kind must be one of: "),
        (b'{"kind":[]}', "kind must be one of: "),
        (b'{"kind":null}', "kind must be one of: "),
        (b'{"kind":"down","where":[]}', "where must be one of: oauth, chat, "),
        (b'{"kind":"down","times":{}}', "times must be a positive number, or null"),
        (b'{"kind":"down","self":1}', "down has no 'self'. It takes, besides where and times: "),
        (b'{"kind":"slow","second":1}', """slow has no 'second'. It takes, besides where and times: {"seconds":1.0}"""),
        (b'{"kind":"bom","a":1}', "bom has no 'a'. It takes, besides where and times: no parameters"),
        (b'{"kind":"status","status":"429"}', "status must be of the same type as its default, 500"),
        (b'{"kind":"status","status":0}', "status must be between 200 and 999"),
        (b'{"kind":"status","headers":{"a":1}}', "headers must be an object of names and strings, such as {"),
        (b'{"kind":"call_pieces","how":"x"}', "how must be one of: string, named, "),
    ],
)
async def test_bad_fault(running: Running, session: aiohttp.ClientSession, wish: bytes, said: str) -> None:
    """A fault that no row has is refused, and told what there is, not in Python's words."""
    async with session.post("/sandbox/faults", data=wish) as response:
        assert response.status == 400
        told = await response.json()
    assert told["status"] == 400
    assert told["message"].startswith(said)
    assert not re.search(r"Faults|positional|dict|None|True|False", told["message"])
    assert len(running.state.faults) == 0


async def test_a_directive_that_is_unknown(session: aiohttp.ClientSession, ask: Callable[..., dict[str, Any]]) -> None:
    """A chat with it is refused as GigaChat refuses, whole and streamed: the message says what there is."""
    for text, stream in (("sandbox:sing", False), ("Привет\nsandbox:wait soon", True), ("sandbox:call", False)):
        async with session.post("/v1/chat/completions", json=ask(text, stream=stream)) as response:
            assert response.status == 400
            told = await response.json()
        assert told["status"] == 400
        assert "sandbox:" in told["message"]


async def test_requests_of_an_unknown_place(session: aiohttp.ClientSession) -> None:
    """It is not an empty list."""
    async with session.get("/sandbox/requests", params={"where": "chats"}) as response:
        assert response.status == 400
        assert "chat, embeddings" in (await response.json())["message"]


async def test_requests(session: aiohttp.ClientSession, ask: Callable[..., dict[str, Any]]) -> None:
    """The record tells of a place what came and how it ended, without the token."""
    body = ask("Привет", tools=[])
    async with session.post("/v1/chat/completions", json=body) as response:
        await response.read()
    async with session.get("/v1/models") as response:
        await response.read()
    async with session.get("/sandbox/requests", params={"where": "chat"}) as response:
        (record,) = await response.json()
    assert record["body"] == body
    assert record["unknown"] == ["tools"]
    assert (record["method"], record["path"]) == ("POST", "/v1/chat/completions")
    assert (record["status"], record["outcome"]) == (200, "done")
    assert record["started"] <= record["ended"]
    assert record["headers"]["Authorization"].startswith("Bearer sha256:")
    async with session.delete("/sandbox/requests") as response:
        assert await response.json() == []
    async with session.get("/sandbox/requests") as response:
        assert await response.json() == []


async def test_tokens(running: Running, session: aiohttp.ClientSession) -> None:
    """A token can be had for any time, and be taken away."""
    async with session.post("/sandbox/tokens", json={"ttl": 0}) as response:
        assert running.state.tokens.check((await response.json())["access_token"]) is TokenStatus.EXPIRED
    async with session.post("/sandbox/tokens") as response:
        token = (await response.json())["access_token"]
    assert running.state.tokens.check(token) is TokenStatus.GOOD
    async with session.post("/sandbox/tokens/revoke", json={"access_token": token}) as response:
        assert await response.json() == {"revoked": 1}
    assert running.state.tokens.check(token) is TokenStatus.UNKNOWN
    async with session.post("/sandbox/tokens/revoke") as response:
        assert await response.json() == {"revoked": 2}


async def test_account_of_a_token(running: Running, session: aiohttp.ClientSession) -> None:
    """A token can be had for another account."""
    async with session.post("/sandbox/tokens", json={"account": "other"}) as response:
        assert running.state.tokens.account((await response.json())["access_token"]) == "other"


async def test_files(running: Running, session: aiohttp.ClientSession) -> None:
    """All files are listed with their owner, be they gone or not, and their bytes can be had."""
    deleted, kept = await upload(session, png(), "image/png", client="я"), await upload(session)
    running.state.files.of(Owner("sandbox", "я"))[0].deleted = True
    async with session.get("/sandbox/files") as response:
        first, second = await response.json()
    assert first == {
        "id": deleted,
        "filename": "файл.txt",
        "mime": "image/png",
        "bytes": len(png()),
        "sha256": hashlib.sha256(png()).hexdigest(),
        "purpose": "general",
        "account": "sandbox",
        "client_id": "я",
        "created_at": first["created_at"],
        "deleted": True,
        "lost": False,
    }
    assert (second["id"], second["client_id"], second["deleted"]) == (kept, None, False)
    async with session.get(f"/sandbox/files/{deleted}/content") as response:
        assert response.content_type == "image/png"
        assert await response.read() == png()
    async with session.get("/sandbox/files/nothing/content") as response:
        assert response.status == 404
    async with session.get("/sandbox") as response:
        now = (await response.json())["now"]
    assert (now["files"], now["file_bytes"]) == (1, len(png()) + len(TEXT))


async def test_forget_files(session: aiohttp.ClientSession) -> None:
    """GigaChat can be made to lose one file, or all."""
    first, second, _ = [await upload(session) for _ in range(3)]
    for wish, forgotten in (({"id": first}, 1), ({"id": "nothing"}, 0), ({}, 2)):
        async with session.post("/sandbox/files/forget", json=wish) as response:
            assert await response.json() == {"forgotten": forgotten}
    async with session.get(f"/v1/files/{second}") as response:
        assert response.status == 404
    async with session.get("/sandbox/files") as response:
        assert [(file["lost"], file["deleted"]) for file in await response.json()] == [(True, False)] * 3


@pytest.mark.parametrize(
    ("path", "wish"),
    [
        ("tokens", b"["),
        ("tokens", b'{"ttl":"1"}'),
        ("tokens", b'{"account":1}'),
        ("tokens/revoke", b"1"),
        ("tokens/revoke", b'{"access_token":1}'),
        ("files/forget", b"1"),
        ("files/forget", b'{"id":1}'),
    ],
)
async def test_bad_wish(session: aiohttp.ClientSession, path: str, wish: bytes) -> None:
    """What can't be understood is refused."""
    async with session.post(f"/sandbox/{path}", data=wish) as response:
        assert response.status == 400
