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
    record = make_record(upstream_started=started, upstream_ended=ended)
    assert record.upstream_seconds(15.0) == expected


def test_milliseconds_share_the_time_between_gigachat_and_the_gateway() -> None:
    """What clients are told: GigaChat's share, then our own, both in milliseconds with one decimal."""
    now = monotonic()
    record = make_record(received=now - 3.0, upstream_started=now - 2.9, upstream_ended=now - 0.9)
    upstream, overhead = record.milliseconds()
    assert upstream == "2000.0"
    assert 1000.0 <= float(overhead) < 1500.0


def test_our_own_share_is_never_negative() -> None:
    """A clock that is read twice must not tell a negative time."""
    now = monotonic()
    assert make_record(received=now + 10, upstream_started=now, upstream_ended=now + 1).milliseconds()[1] == "0.0"


def test_a_request_that_nobody_judged_counts_as_a_failure() -> None:
    """The default is the worst case: a way out that forgets the status is seen, not hidden as a success."""
    assert RequestRecord().status == 500
