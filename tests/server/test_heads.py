"""Unfinished heads are bounded together: the oldest are given up."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.sandbox import server
from app.server.heads import HEAD_BYTES, HeadBudget
from tests.running import ProcessStarter, environment, eventually
from tests.server.attackers import Attackers, watched

MIB = 1024**2


class Sender:
    """Whose head is given up."""

    dropped = False

    def drop_head(self) -> None:
        """It is told."""
        self.dropped = True


def test_the_oldest_goes_first() -> None:
    """When all together are too many, whoever has been at it for longest."""
    budget, senders = HeadBudget(100), [Sender() for _ in range(4)]
    for sender, size in zip(senders, (40, 30, 30, 1), strict=True):
        budget.hold(sender, size)
    assert [sender.dropped for sender in senders] == [True, False, False, False]
    budget.hold(senders[3], 40)  # as much as there is room for
    assert not senders[1].dropped
    budget.hold(senders[3], 41)
    assert [sender.dropped for sender in senders[1:]] == [True, False, False]


def test_what_has_ended_does_not_count() -> None:
    """A head that came to its end, once or twice, gives its bytes back."""
    budget, ended, other = HeadBudget(100), Sender(), Sender()
    budget.hold(ended, 90)
    budget.release(ended)
    budget.release(ended)
    budget.hold(other, 100)
    assert not ended.dropped
    assert not other.dropped


def test_one_that_is_too_large_alone() -> None:
    """It goes itself."""
    budget, sender = HeadBudget(100), Sender()
    budget.hold(sender, 101)
    assert sender.dropped


def peak(pid: int) -> int:
    """The most memory that a process ever held, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@pytest.mark.long
async def test_many_large_heads(sandbox: server.Running, start_process: ProcessStarter) -> None:
    """600 clients send 240 KB each of a head that never ends: memory grows by a fraction of it, others are served."""
    process = start_process(env=environment(sandbox, GPT2GIGA_MAX_CONNECTIONS="2000"))
    before = peak(process.popen.pid)
    head = b"GET /livez HTTP/1.1\r\nHost: x\r\n" + (b"A: " + b"b" * 8_000 + b"\r\n") * 30
    assert len(head) < HEAD_BYTES
    with Attackers(process.url) as attackers, watched(process, 3.0):
        attackers.connect(600)
        await attackers.send(head, seconds=4)
        await eventually(lambda: attackers.ended() >= 550, 8)
    grown = (peak(process.popen.pid) - before) / MIB
    print(f"600 heads of 240 KB: {grown:.0f} MB more at the peak")
    assert grown < 200
