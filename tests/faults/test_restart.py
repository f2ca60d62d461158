"""The fault table, the row of a restart under load: what was asked is answered, what comes later comes again."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

from tests.faults.crowd import GONE, SERVED, Crowd, Question, Seen, outcomes, served
from tests.faults.oracle import AllRecords, Ledger
from tests.faults.world import DEFAULTS
from tests.running import Process, ProcessStarter, SandboxStarter, environment, eventually, wait_ready

DRAINING = (503, "draining")


async def insist(crowd: Crowd, question: Question) -> list[Seen]:
    """Ask until there is an answer, as a client does that is told to come again; all that was seen."""
    seen = [await crowd.ask(question)]
    while seen[-1].what in (DRAINING, (0, GONE)):
        if seen[-1].what == DRAINING:
            assert seen[-1].headers["x-should-retry"] == "true"
        await asyncio.sleep(0.05)
        seen.append(await crowd.ask(question))
    return seen


def start(start_process: ProcessStarter, env: dict[str, str]) -> Process:
    """A gateway in a process of its own, ready."""
    process = start_process(env=env)
    wait_ready(process.url)
    return process


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.long)])
async def test_a_restart_under_load(
    start_sandbox: SandboxStarter, start_process: ProcessStarter, unused_port: int, count: int
) -> None:
    """GigaChat's answers and the queue end well, others come again: each is served, once, within 2 s of the start."""
    sandbox = await start_sandbox(oauth_per_second=0)
    sandbox.state.requests = AllRecords()
    slots = count // 4
    env = environment(sandbox, **DEFAULTS, GIGACHAT_MAX_CONCURRENCY=str(slots), GPT2GIGA_PORT=str(unused_port))
    old = await asyncio.to_thread(start, start_process, env)
    async with Crowd(old.url) as crowd:
        asked = [asyncio.ensure_future(insist(crowd, one)) for one in crowd.questions(count, wait=0.2)]
        await eventually(lambda: sandbox.state.chatting >= slots)
        old.popen.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.05)
        late = [asyncio.ensure_future(insist(crowd, one)) for one in crowd.questions(slots)]
        assert await asyncio.to_thread(old.popen.wait, 10) == 0
        await asyncio.to_thread(start, start_process, env)
        begun = time.monotonic()
        seen, others = await asyncio.gather(*asked), await asyncio.gather(*late)
        assert time.monotonic() - begun < 2.0
        last = [one[-1] for one in (*seen, *others)]
        assert outcomes(last) == {SERVED: count + slots}
        assert served(last) == count + slots
        # what was under way or waited when the signal came has not been sent away
        assert all(len(one) == 1 for one in seen)
        assert all(len(one) > 1 for one in others)
    assert Ledger.of(sandbox.state.requests.of("chat")).twice == 0
    assert "Traceback" not in old.log.read_text("utf-8")
