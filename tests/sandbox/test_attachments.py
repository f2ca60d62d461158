"""What a chat request attaches: seen, or refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from app.sandbox.attachments import RULES
from app.sandbox.server import Running
from app.sandbox.state import SandboxSettings
from tests.sandbox.calling import CITY, chunks, message, refusal
from tests.sandbox.specimens import SPECIMENS, TEXT, png, put, upload

MEGABYTE = 1_000_000
SEEING = "GigaChat-2-Max"

# row, the files (mime and size) of each message
REFUSED: list[tuple[str, list[list[tuple[str, int]]]]] = [
    ("images of a message", [[("image/png", 1), ("image/jpeg", 1)]]),
    ("images of a message", [[("image/png", 1)], [("image/png", 1), ("audio/mp3", 1), ("image/tiff", 1)]]),
    ("images of a request", [[("image/png", 1)]] * 11),
    ("bytes of a request", [[("audio/mp3", 35 * MEGABYTE), ("audio/wav", 35 * MEGABYTE)], [("image/png", 10**7)]]),
    ("text over the context", [[("text/plain", 1_200_000)]]),
    ("text over the context", [[("image/png", 1)], [("text/plain", 1_200_000)]]),
]

ACCEPTED: list[list[list[tuple[str, int]]]] = [
    [[("image/png", 1)]] * 10,
    [[("audio/mp3", 35 * MEGABYTE), ("audio/wav", 35 * MEGABYTE)], [("image/png", 10**7 - 1)]],
    [[("application/pdf", 40 * MEGABYTE), ("text/plain", 1_200_000), ("application/pdf", 40 * MEGABYTE)]],
    [[("image/bmp", 1), ("audio/opus", 1), ("text/plain", 500_000)]],
    [[]],
]


def _body(*attached: list[str], model: str = SEEING, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "", "attachments": names} for names in attached]
    return {"model": model, "messages": messages, **more}


def _put(running: Running, files: list[list[tuple[str, int]]]) -> list[list[str]]:
    return [[put(running, size, mime) for mime, size in names] for names in files]


async def test_seen(session: aiohttp.ClientSession) -> None:
    """The answer tells of each file what it is, whole and streamed; earlier messages' files are seen as well."""
    image, sound = await upload(session, png(), "image/png"), await upload(session, SPECIMENS["audio/mp3"], "audio/mp3")
    body = _body([image], [sound])
    told = (await message(session, body))["content"]
    for mime, content in (("image/png", png()), ("audio/mp3", SPECIMENS["audio/mp3"])):
        digest = hashlib.sha256(content).hexdigest()[:12]
        assert f"[sandbox] I see {mime}, {len(content)} bytes, sha256 {digest}…." in told
    streamed = [chunk["choices"][0]["delta"].get("content", "") for chunk in await chunks(session, body)]
    assert "".join(streamed) == told


async def test_only_the_first_document_is_used(session: aiohttp.ClientSession) -> None:
    """Of two text documents the second is not read."""
    names = [await upload(session), await upload(session, b"%PDF-1.7", "application/pdf")]
    told = (await message(session, _body(names)))["content"]
    assert f"I see text/plain, {len(TEXT)} bytes" in told
    assert "I do not read application/pdf, 8 bytes" in told


async def test_say_and_calls_are_not_spoiled(
    session: aiohttp.ClientSession, ask: Callable[..., dict[str, Any]]
) -> None:
    """What is to be said is exactly said, a call is a call; JSON and results of functions have the sentence within."""
    attachments = [await upload(session)]
    said = {**ask("sandbox:say да")["messages"][0], "attachments": attachments}
    assert (await message(session, ask(messages=[said])))["content"] == "да"
    asked = {"role": "user", "content": "get_weather", "attachments": attachments}
    call = await message(session, ask(messages=[asked], functions=[CITY]))
    assert call["content"] == ""
    result = {"role": "function", "name": "get_weather", "content": "{}"}
    answer = await message(session, ask(messages=[asked, call, result], functions=[CITY]))
    assert "I see text/plain" in answer["content"]
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    body = ask(messages=[asked], response_format={"type": "json_schema", "schema": schema, "strict": True})
    assert (await message(session, body))["content"].startswith("{")


@pytest.mark.parametrize("model", ["GigaChat", "GigaChat-2", "GigaChat-Plus", "GigaChat-2-preview"])
async def test_blind_models(session: aiohttp.ClientSession, model: str) -> None:
    """A model that sees no images refuses them; sounds and texts it takes."""
    image, sound = await upload(session, png(), "image/png"), await upload(session, SPECIMENS["audio/wav"], "audio/wav")
    assert await refusal(session, _body([image], model=model)) == (422, "Requested model does not support images")
    assert (await refusal(session, _body([sound], model=model)))[0] == 200


@pytest.mark.parametrize("model", ["GigaChat-Pro", "GigaChat-Max", "GigaChat-2-Pro", "GigaChat-2-Max-preview"])
async def test_seeing_models(session: aiohttp.ClientSession, model: str) -> None:
    """Pro and Max see them."""
    assert (await refusal(session, _body([await upload(session, png(), "image/png")], model=model)))[0] == 200


@pytest.mark.parametrize(("name", "files"), REFUSED)
async def test_refused(
    running: Running, session: aiohttp.ClientSession, name: str, files: list[list[tuple[str, int]]]
) -> None:
    """What breaks a row is refused with its words."""
    (row,) = [rule for rule in RULES if rule.name == name]
    assert await refusal(session, _body(*_put(running, files))) == (row.status, row.message)


@pytest.mark.parametrize("files", ACCEPTED)
async def test_accepted(running: Running, session: aiohttp.ClientSession, files: list[list[tuple[str, int]]]) -> None:
    """At the very limits it is answered."""
    assert (await refusal(session, _body(*_put(running, files))))[0] == 200


def test_each_row_has_a_case() -> None:
    """No row of the table is untested; blind models have a test of their own."""
    assert {case[0] for case in REFUSED} | {"blind model"} == {rule.name for rule in RULES}
    assert all(rule.source for rule in RULES)


@pytest.mark.parametrize("stream", [False, True])
async def test_unknown_and_deleted(session: aiohttp.ClientSession, stream: bool) -> None:
    """An id that there is not, or no more, is a 404 before anything is said."""
    name = await upload(session)
    async with session.post(f"/v1/files/{name}/delete") as response:
        assert response.status == 200
    for one in (name, "nothing"):
        assert await refusal(session, _body([one], stream=stream)) == (404, "No such file")


async def test_denied(running: Running, session: aiohttp.ClientSession) -> None:
    """Another's file is denied, be it of another client id or of another account."""
    theirs, mine = await upload(session, client="a"), await upload(session)
    assert await refusal(session, _body([theirs])) == (403, f"Access to file '{theirs}' is denied")
    token = running.state.tokens.issue(60, "other")
    headers = {"Authorization": f"Bearer {token}"}
    async with session.post("/v1/chat/completions", json=_body([mine]), headers=headers) as response:
        assert response.status == 403
    async with session.post("/v1/chat/completions", json=_body([theirs]), headers={"X-Client-ID": "a"}) as response:
        assert response.status == 200


async def test_files_lost(running: Running, session: aiohttp.ClientSession, ask: Callable[..., dict[str, Any]]) -> None:
    """The fault waits for a request with files: these are lost from then on, others are not."""
    lost, kept = await upload(session), await upload(session)
    running.state.faults.add("files_lost", "chat")
    assert (await refusal(session, ask()))[0] == 200
    assert await refusal(session, _body([lost])) == (404, "No such file")
    assert await refusal(session, _body([lost])) == (404, "No such file")
    assert (await refusal(session, _body([kept])))[0] == 200
    assert [file.lost for file in running.state.files] == [True, False]


@pytest.mark.parametrize("settings", [SandboxSettings(context_tokens=10)])
async def test_context_setting(session: aiohttp.ClientSession) -> None:
    """The context is the sandbox's setting."""
    assert (await refusal(session, _body([await upload(session, b"a" * 40)])))[0] == 200
    assert (await refusal(session, _body([await upload(session, b"a" * 41)])))[0] == 422


async def test_prefix_cache(session: aiohttp.ClientSession) -> None:
    """The same id hits the cache of the session, another id of the same content misses it."""
    first, second = await upload(session), await upload(session)
    cached = []
    for name in (first, first, second):
        async with session.post("/v1/chat/completions", json=_body([name]), headers={"X-Session-ID": "a"}) as response:
            cached.append((await response.json())["usage"]["precached_prompt_tokens"] > 0)
    assert cached == [False, True, False]
