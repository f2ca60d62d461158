"""The ready token: from a setting or a file that changes, refused and back, alone and as the second level."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from app.sandbox.server import Running as Sandbox
from app.upstream.ready_token import ReadyToken
from app.upstream.times import UpstreamTimes
from tests.running import GatewayStarter, Running, SandboxStarter, eventually
from tests.upstream.conftest import Chat, Events, Metric, See

NO_LONGER = "GigaChat does not accept the ready token: there is no second level. Give a new one"


# The file is looked at, and a refused token asked about, more often than each second.
HURRY = UpstreamTimes(file_look=0.02, probe_refused=0.05, longest_pause=0.3)


def usable(gateway: Running) -> bool | None:
    """GigaChat's last word on the ready token."""
    return gateway.gateway.keeper.status().fallback


async def test_alone(sandbox: Sandbox, start_gateway: GatewayStarter, chat: Chat, see: See) -> None:
    """Without credentials the ready token serves, and health says that it cannot be renewed."""
    gateway = await start_gateway(
        times=HURRY, GIGACHAT_CREDENTIALS="", GIGACHAT_ACCESS_TOKEN=sandbox.state.tokens.issue(60)
    )
    assert (await chat(gateway.url)).status == 200
    status, body = await see(gateway.url)
    assert (status, body["status"], body["token"]["source"]) == (200, "degraded", "ready")
    assert "cannot be renewed" in body["reason"]
    assert sandbox.state.requests.of("oauth") == []


async def test_alone_and_refused(
    sandbox: Sandbox,
    start_gateway: GatewayStarter,
    chat: Chat,
    see: See,
    events: Events,
    metric: Metric,
) -> None:
    """A refused ready token is told to clients, health, log and metric, once, and serves again when it works again."""
    token = sandbox.state.tokens.issue(60)
    gateway = await start_gateway(times=HURRY, GIGACHAT_CREDENTIALS="", GIGACHAT_ACCESS_TOKEN=token)
    await eventually(lambda: usable(gateway) is True)
    assert metric("fallback_usable") == 1
    sandbox.state.faults.add("status", "any", times=None, status=401)
    for _ in range(2):
        reply = await chat(gateway.url)
        assert (reply.status, reply.code) == (503, "upstream_credentials_exhausted")
        assert int(reply.headers["Retry-After"]) >= 1
    status, body = await see(gateway.url)
    assert (status, body["fallback_usable"], body["token"]["source"]) == (503, False, "none")
    assert metric("fallback_usable") == 0
    assert len(events(NO_LONGER)) == 1
    sandbox.state.faults.clear()
    await eventually(lambda: usable(gateway) is True)
    assert (await chat(gateway.url)).status == 200
    assert metric("fallback_usable") == 1


async def test_beside_oauth(
    sandbox: Sandbox, start_gateway: GatewayStarter, see: See, events: Events, metric: Metric
) -> None:
    """Behind a working first level a dead ready token is known before it is needed; the gateway is healthy."""
    gateway = await start_gateway(times=HURRY, GIGACHAT_ACCESS_TOKEN="long-gone")
    await eventually(lambda: usable(gateway) is False)
    await gateway.gateway.keeper.get()
    status, body = await see(gateway.url)
    assert (status, body["token"]["source"], body["fallback_usable"]) == (200, "oauth", False)
    assert metric("fallback_usable") == 0
    assert events(NO_LONGER)


async def test_second_level(
    start_sandbox: SandboxStarter,
    start_gateway: GatewayStarter,
    chat: Chat,
    see: See,
    events: Events,
) -> None:
    """OAuth goes: its token serves to its end, then the ready one; OAuth comes back: it takes over by itself."""
    sandbox = await start_sandbox(token_ttl=1.6, oauth_per_second=0)
    gateway = await start_gateway(sandbox, times=HURRY, GIGACHAT_ACCESS_TOKEN=sandbox.state.tokens.issue(600))
    keeper = gateway.gateway.keeper
    sandbox.state.faults.add("status", "oauth", times=None, status=500)
    seen = []
    async with asyncio.timeout(5):
        while keeper.status().source != "ready":
            seen.append(((await chat(gateway.url)).status, keeper.status().source))
            await asyncio.sleep(0.01)
    assert {status for status, _ in seen} == {200}
    assert {record.status for record in sandbox.state.requests.of("chat")} == {200}
    assert (await chat(gateway.url)).status == 200
    status, body = await see(gateway.url)
    assert (status, body["status"], body["token"]["source"]) == (200, "degraded", "ready")
    assert body["token"]["consecutive_failures"] > 0
    sandbox.state.faults.clear()
    await eventually(lambda: keeper.status().source == "oauth")
    assert (await see(gateway.url))[1]["status"] == "healthy"
    assert (await chat(gateway.url)).status == 200
    told = [event["source"] for event in events("serving with the ready token, which cannot be renewed")]
    assert told == ["ready"]


@pytest.mark.parametrize("atomic", [False, True])
async def test_file(
    sandbox: Sandbox, start_gateway: GatewayStarter, chat: Chat, tmp_path: Path, see: See, atomic: bool
) -> None:
    """A new token in the file takes over, written in place or renamed over; the old one is asked no more."""
    file = tmp_path / "token"
    old, new = sandbox.state.tokens.issue(60), sandbox.state.tokens.issue(60)
    file.write_text(f"{old}\n")
    gateway = await start_gateway(times=HURRY, GIGACHAT_CREDENTIALS="", GIGACHAT_ACCESS_TOKEN_FILE=str(file))
    await eventually(lambda: usable(gateway) is True)
    sandbox.state.tokens.revoke(old)
    assert (await chat(gateway.url)).status == 503
    target = tmp_path / "new" if atomic else file
    target.write_text(f"  {new}\n\n")
    os.replace(target, file)
    await eventually(lambda: usable(gateway) is True)
    assert (await chat(gateway.url)).status == 200
    assert (await see(gateway.url, "/readyz"))[0] == 200


async def test_file_changes_under_a_request(
    sandbox: Sandbox, start_gateway: GatewayStarter, chat: Chat, tmp_path: Path
) -> None:
    """A request whose token is refused while a new one lies there is sent again with the new one."""
    file = tmp_path / "token"
    old, new = sandbox.state.tokens.issue(60), sandbox.state.tokens.issue(60)
    file.write_text(old)
    gateway = await start_gateway(times=HURRY, GIGACHAT_CREDENTIALS="", GIGACHAT_ACCESS_TOKEN_FILE=str(file))
    await eventually(lambda: usable(gateway) is True)
    sandbox.state.faults.add("slow", "chat", seconds=0.3)
    sandbox.state.faults.add("status", "chat", status=401)
    asked = asyncio.create_task(chat(gateway.url))
    await eventually(lambda: len(sandbox.state.requests.of("chat")) == 1)
    file.write_text(new)
    assert (await asked).status == 200
    used = [record.headers["Authorization"] for record in sandbox.state.requests.of("chat")]
    assert len(set(used)) == 2
    assert usable(gateway) is not False


@pytest.mark.parametrize("content", [b"", b"  \n", "токен".encode(), b"two\nlines", b"\xff\xfe", None])
async def test_a_file_that_holds_none(tmp_path: Path, content: bytes | None) -> None:
    """While the file holds nothing that could be a token, or is gone, the last one stays; then it is read again."""
    file = tmp_path / "token"
    file.write_text("first")
    held = ReadyToken("first", file, lambda usable: None, times=HURRY)
    held.judge("first", usable=True)
    task = asyncio.create_task(held.run(_accepts))
    try:
        await asyncio.sleep(0.05)
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)
        await asyncio.sleep(0.1)
        assert (held.value, held.usable) == ("first", True)
        file.write_text("second")
        await eventually(lambda: held.value == "second")
        await eventually(lambda: held.usable is True)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_changed_since_the_start(tmp_path: Path) -> None:
    """A file that changed between the reading of the settings and the first look is read again."""
    file = tmp_path / "token"
    file.write_text("newer")
    held = ReadyToken("older", file, lambda usable: None, times=HURRY)
    task = asyncio.create_task(held.run(_accepts))
    await eventually(lambda: held.value == "newer")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_bug_in_the_question() -> None:
    """A bug in asking GigaChat is told and ends no task: the next question is asked."""
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    faults = [RuntimeError("a bug")]

    async def probe(value: str) -> bool:
        if faults:
            raise faults.pop()
        return True

    held = ReadyToken("token", None, lambda usable: None, times=HURRY)
    task = asyncio.create_task(held.run(probe))
    await eventually(lambda: held.usable is True)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [type(fault) for fault in told] == [RuntimeError]


def test_a_late_word() -> None:
    """GigaChat's word on a token that was replaced meanwhile says nothing about the new one."""
    told: list[bool] = []
    held = ReadyToken("new", None, told.append)
    held.judge("old", usable=False)
    assert (held.usable, told) == (None, [])


async def _accepts(value: str) -> bool:
    return True
