"""The commands of the sandbox's page, as a shell runs them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from typing import Any

import aiohttp

from app.sandbox.faults import KINDS
from app.sandbox.server import Running
from app.sandbox.tokens import TokenStatus
from tests.programs import needs_program


async def shell(command: str, token: str = "") -> Any:
    """What a command prints, as JSON."""
    needs_program("curl")
    env = {**os.environ, "TOKEN": token, "NO_PROXY": "*"}
    done = await asyncio.to_thread(
        subprocess.run, ["/bin/sh", "-ec", command], env=env, capture_output=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def test_examples_of_faults_can_be_pasted(running: Running, session: aiohttp.ClientSession) -> None:
    """Each command adds its fault, with the parameters' defaults, at a place where it can fire."""
    async with session.get("/sandbox") as response:
        page = await response.json()
    shown = page["faults"]
    assert "with null until it is deleted" in page["about"]
    commands = [row["example"] for row in shown.values()]
    both = " && printf , && ".join(commands)
    added = await shell(f"printf [ && {both} && printf ]")
    assert [one["kind"] for one in added] == list(KINDS)
    assert added == [fault.describe() for fault in running.state.faults]
    assert all('"times": 1' in command for command in commands)
    assert all(one["where"] in shown[one["kind"]]["where"] for one in added)


async def test_examples_of_directives_can_be_pasted(running: Running, session: aiohttp.ClientSession) -> None:
    """Each command gets an answer of GigaChat, with the token that the page's first command gets."""
    async with session.get("/sandbox") as response:
        shown = await response.json()
    token = await shell(f'{shown["token"]}; printf \'"%s"\' "$TOKEN"')
    assert running.state.tokens.check(token) is TokenStatus.GOOD
    answers = {}
    for name, row in shown["directives"].items():
        command = row["example"].replace("sandbox:wait 2.5", "sandbox:wait 0.1")
        (answers[name],) = (await shell(command, token))["choices"]
    assert len(answers) == 7
    assert answers["sandbox:say <text>"]["message"]["content"] == "Добрый день"
    (call,) = [one["message"]["function_call"] for one in answers.values() if "function_call" in one["message"]]
    assert call == {"name": "weather", "arguments": {"city": "Омск"}}
