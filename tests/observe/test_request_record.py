"""The record of one request: how its times are read, before, while and after GigaChat has it."""

from __future__ import annotations

from time import monotonic

import pytest

from app.observe.request_record import RequestRecord
from tests.records import make_record


@pytest.mark.parametrize(
    ("started", "ended", "expected"),
    [
        pytest.param(None, None, 0.0, id="never asked"),
        pytest.param(10.0, None, 5.0, id="still asked"),
        pytest.param(10.0, 12.5, 2.5, id="answered"),
    ],
)
def test_upstream_seconds(started: float | None, ended: float | None, expected: float) -> None:
    """GigaChat's time is 0 before it was asked, runs while it has the request, and stands still afterwards."""
    record = make_record()
    if started is not None:
        record.asked_at, record.upstream_running = started, ended is None
        record.upstream_before = 0.0 if ended is None else ended - started
    assert record.upstream_seconds(15.0) == expected


def test_all_tries_together_are_gigachats_time() -> None:
    """What is between them, a pause or a wait for a slot, is not: it is the queue's."""
    record = make_record()
    for _ in range(2):
        record.begin_upstream()
        record.end_upstream()
        record.end_upstream()
        record.begin_waiting()
        record.waiting_since = monotonic() - 7.0
        record.end_waiting()
        record.end_waiting()
    queue, upstream, _ = record.milliseconds()
    assert float(queue) == pytest.approx(14000, abs=500)
    assert (record.tries, float(upstream) < 1000.0) == (2, True)


def test_a_wait_that_has_not_ended_is_the_queues_too() -> None:
    """A stream's head tells the times while its request waits."""
    record = make_record(received=monotonic() - 3.0, queue_seconds=1.0, waiting_since=monotonic() - 1.5)
    queue, _, overhead = record.milliseconds()
    assert float(queue) == pytest.approx(2500, abs=200)
    assert float(overhead) == pytest.approx(500, abs=200)


def test_milliseconds_share_the_time_between_gigachat_and_the_gateway() -> None:
    """What clients are told: GigaChat's share, then our own, both in milliseconds with one decimal."""
    now = monotonic()
    record = make_record(received=now - 3.0, upstream_before=2.0)
    queue, upstream, overhead = record.milliseconds()
    assert (queue, upstream) == ("0.0", "2000.0")
    assert 1000.0 <= float(overhead) < 1500.0


def test_our_own_share_is_never_negative() -> None:
    """A clock that is read twice must not tell a negative time."""
    now = monotonic()
    assert make_record(received=now + 10, upstream_before=1.0).milliseconds()[2] == "0.0"


def test_a_request_that_nobody_judged_counts_as_a_failure() -> None:
    """The default is the worst case: a way out that forgets the status is seen, not hidden as a success."""
    assert RequestRecord().status == 500
