"""The control side."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from app.sandbox.faults import KINDS
from app.sandbox.server import Running
from app.sandbox.shelf import Owner
from app.sandbox.tokens import Standing
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
    "wish", [b"{", b"[]", b"{}", b'{"kind":"nonsense"}', b'{"kind":[]}', b'{"kind":"down","where":[]}']
)
async def test_bad_fault(session: aiohttp.ClientSession, wish: bytes) -> None:
    """A fault that no row has is refused with a reason."""
    async with session.post("/sandbox/faults", data=wish) as response:
        assert response.status == 400
        assert (await response.json())["message"]


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
        assert running.state.tokens.standing((await response.json())["access_token"]) is Standing.EXPIRED
    async with session.post("/sandbox/tokens") as response:
        token = (await response.json())["access_token"]
    assert running.state.tokens.standing(token) is Standing.GOOD
    async with session.post("/sandbox/tokens/revoke", json={"access_token": token}) as response:
        assert await response.json() == {"revoked": 1}
    assert running.state.tokens.standing(token) is Standing.UNKNOWN
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
