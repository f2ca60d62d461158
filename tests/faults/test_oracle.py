"""The oracle itself: what it counts as paid, and what the budget and the circuit allow."""

from __future__ import annotations

import pytest

from app.sandbox.record import KEPT, Record
from tests.faults.oracle import AllRecords, Ledger, attempts_at_most, find_marker, is_paid, retries_at_most


def record(marker: str = "m000001", *, status: int = 200, faults: tuple[str, ...] = ()) -> Record:
    """A chat request."""
    body = {"messages": [{"role": "user", "content": f"sandbox:say {marker} word0"}]}
    return Record("chat", "POST", "/v1/chat/completions", {}, body, status=status, faults=list(faults))


@pytest.mark.parametrize(("requests", "retries"), [(0, 10), (20, 10), (100, 10), (200, 20), (1_000, 100)])
def test_the_budget(requests: int, retries: int) -> None:
    """A tenth, and ten at least."""
    assert retries_at_most(requests) == retries


def test_an_outage_costs_few_attempts() -> None:
    """Until the circuit opens: 20 and what was on its way; of few requests each and its retries."""
    assert attempts_at_most(200, 50, tries=2) == 70
    assert attempts_at_most(10, 50, tries=1) == 20


@pytest.mark.parametrize(
    ("given", "paid"),
    [
        (record(), True),
        (record(faults=("cut",)), True),
        (record(status=0), True),  # the client left before the first byte
        (record(status=0, faults=("slow",)), False),
        (record(status=0, faults=("down",)), False),
        (record(faults=("html_200",)), False),
        (record(status=502, faults=("status",)), False),
        (record(status=429), False),
        (record(status=401), False),
    ],
)
def test_what_is_paid(given: Record, paid: bool) -> None:
    """What GigaChat generated, whether it arrived or not."""
    assert is_paid(given) is paid


def test_the_share_that_was_paid_again() -> None:
    """Answers beyond the first for one marker."""
    ledger = Ledger.of([record(), record("m000002"), record("m000002", status=502), record("m000003"), record()])
    assert ledger.attempts == {"m000001": 2, "m000002": 2, "m000003": 1}
    assert ledger.twice == 0.25
    assert Ledger.of([]).twice == 0


def test_what_bears_no_marker_is_nobodys() -> None:
    """A request of another test, or no JSON."""
    assert find_marker(record("hello")) is None
    assert find_marker(Record("chat", "POST", "/", {}, None)) is None


def test_all_records_are_kept() -> None:
    """More than the sandbox keeps by itself."""
    records = AllRecords()
    for _ in range(KEPT + 5):
        records.open("chat", "POST", "/", {})
    assert len(records.of("chat")) == KEPT + 5
