"""`python -m app check`: what an account has, by the sandbox's account."""

from __future__ import annotations

from typing import Any

import pytest

from app.checkup import run
from app.config import Config
from app.sandbox import server
from tests.running import environment


async def check(sandbox: server.Running, *, chat: bool = False, **changes: str) -> int:
    """The exit code of a check with these settings."""
    return await run(Config.load(environment(sandbox, **changes), dotenv=None), chat=chat)


async def test_the_tokens_that_are_left(sandbox: server.Running, capsys: pytest.CaptureFixture[str]) -> None:
    """Each package is named with what is left of it; whoever never wants to be told is not."""
    assert await check(sandbox) == 0
    assert "ok    balance: GigaChat " in capsys.readouterr().out
    assert await check(sandbox, GPT2GIGA_BALANCE_SECONDS="0") == 0
    assert "balance" not in capsys.readouterr().out
    assert len(sandbox.state.requests.of("balance")) == 1


async def test_a_package_that_is_used_up(sandbox: server.Running, capsys: pytest.CaptureFixture[str]) -> None:
    """It is a warning that names the package and what helps: requests by the other packages are served."""
    sandbox.state.billed["GigaChat"] = 10**12
    assert await check(sandbox) == 0
    shown = capsys.readouterr().out
    line = next(line for line in shown.splitlines() if "balance" in line)
    assert line.startswith("WARN  balance: GigaChat 0, ")
    assert "What GigaChat pays for gets 402. Buy tokens" in line
    assert "It works, with 1 warning(s)" in shown


# a fault of the balance's endpoint -> how its line begins, and what it has
FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "pay as you go": ({"kind": "status", "status": 403}, "ok    balance: none", "pay as they go"),
    "no such path": ({"kind": "status", "status": 404}, "ok    balance: none", "(404)"),
    "402": ({"kind": "status", "status": 402}, "WARN  balance: GigaChat answered 402", "Buy tokens"),
    "500": ({"kind": "status", "status": 500}, "WARN  balance: GigaChat answered 500", "again in a minute"),
    "a page of a proxy": ({"kind": "status", "status": 403, "html": True}, "WARN  balance", "a page of HTML"),
    "no JSON": ({"kind": "html_200"}, "WARN  balance", "answer is none"),
    "gone": ({"kind": "down"}, "WARN  balance", "without an answer"),
}


@pytest.mark.parametrize(("fault", "begin", "told"), FAULTS.values(), ids=FAULTS)
async def test_a_balance_that_is_not_told(
    fault: dict[str, Any], begin: str, told: str, sandbox: server.Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """An account without packages is in order; all else is told and stops nothing."""
    sandbox.state.faults.add(where="balance", times=None, **fault)
    assert await check(sandbox) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "balance" in line)
    assert line.startswith(begin)
    assert told in line


async def test_a_chat_is_asked_for_on_demand_alone(sandbox: server.Running, capsys: pytest.CaptureFixture[str]) -> None:
    """It costs tokens: without `--chat` the last line says how to ask for it."""
    assert await check(sandbox) == 0
    assert "`python -m app check --chat`" in capsys.readouterr().out
    assert not sandbox.state.requests.of("chat")
    assert await check(sandbox, chat=True, GIGACHAT_MODEL="GigaChat-2-Max") == 0
    shown = capsys.readouterr().out
    assert "ok    GIGACHAT_MODEL: GigaChat-2-Max answers" in shown
    assert "--chat" not in shown
    [asked] = sandbox.state.requests.of("chat")
    assert asked.body is not None
    assert asked.body["max_tokens"] == 1


# a fault of the chat's endpoint -> what failed, and what helps
CHATS: dict[str, tuple[dict[str, Any], str, str]] = {
    "402": ({"kind": "status", "status": 402}, "answered 402", "Buy tokens"),
    "403": ({"kind": "status", "status": 403}, "answered 403", "tariff"),
    "423": ({"kind": "status", "status": 423}, "answered 423", "support"),
    "429": ({"kind": "status", "status": 429}, "answered 429", "the same key"),
    "500": ({"kind": "status", "status": 500}, "answered 500", "again in a minute"),
    "gone": ({"kind": "down"}, "without an answer", "again in a minute"),
    "cut": ({"kind": "cut"}, "cut off", "again in a minute"),
    "no JSON": ({"kind": "html_200"}, "no chat completion", "again in a minute"),
}


@pytest.mark.parametrize(("fault", "failed", "remedy"), CHATS.values(), ids=CHATS)
async def test_a_chat_that_fails(
    fault: dict[str, Any], failed: str, remedy: str, sandbox: server.Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """What no other question shows: models are listed and the key is good, and nobody is served."""
    sandbox.state.faults.add(where="chat", times=None, **fault)
    assert await check(sandbox, chat=True) == 1
    bad = capsys.readouterr().out.partition("FAIL  GIGACHAT_MODEL: a chat with GigaChat fails: ")[2].splitlines()
    assert failed in bad[0]
    assert remedy in bad[1]
