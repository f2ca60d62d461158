"""What counts for and against the objectives: tables of what happened and the verdict."""

from __future__ import annotations

from typing import Any

import pytest

from app import errors
from app.observe import slo
from app.observe.request_record import RequestRecord
from tests.records import make_record

START = 1000.0


def record(**more: Any) -> RequestRecord:
    """A stream that came at START."""
    return make_record(received=START, status=200, stream=True, **more)


def failed(kind: errors.Kind, **more: Any) -> RequestRecord:
    """A stream that ended with this kind of error."""
    return record(error_type=kind.error_type, slo_bad=kind.slo == "bad", **more)


@pytest.mark.parametrize("kind", errors.KINDS, ids=lambda kind: f"{kind.status}-{kind.name}")
def test_availability_is_the_tables_word(kind: errors.Kind) -> None:
    """Every kind of error says how it counts."""
    assert slo.judge_availability(failed(kind)) == kind.slo


def test_availability_of_what_is_no_error() -> None:
    """An answer is good; a client that left is nobody's fault."""
    assert slo.judge_availability(record()) == "good"
    assert slo.judge_availability(record(error_type=errors.CLIENT_CLOSED)) == "excluded"


@pytest.mark.parametrize(
    ("one", "took", "expected"),
    [
        pytest.param(record(first_token=START + 0.5), 10, "good", id="soon"),
        pytest.param(record(first_token=START + 3.0), 10, "good", id="just in time"),
        pytest.param(record(first_token=START + 3.1), 10, "bad", id="late"),
        pytest.param(failed(errors.STREAM_TRUNCATED, first_token=START + 1), 10, "good", id="soon, then cut"),
        pytest.param(failed(errors.UPSTREAM_TIMEOUT), 120, "bad", id="never"),
        pytest.param(failed(errors.UPSTREAM_ERROR), 0.2, "excluded", id="failed at once"),
        pytest.param(failed(errors.INVALID_VALUE), 5, "excluded", id="a mistake, slowly uploaded"),
        pytest.param(failed(errors.DRAINING), 5, "excluded", id="draining"),
        pytest.param(record(error_type=errors.CLIENT_CLOSED, aborted_by="client"), 9, "bad", id="left after 9 s"),
        pytest.param(record(error_type=errors.CLIENT_CLOSED, aborted_by="client"), 1, "excluded", id="left after 1 s"),
        pytest.param(record(), 1, "excluded", id="an answer without a word"),
        pytest.param(record(), 4, "bad", id="no word for long"),
    ],
)
def test_first_token(one: RequestRecord, took: float, expected: str) -> None:
    """Bad is what a client waited for in vain for more than three seconds, whoever ended it."""
    assert slo.judge_first_token(one, START + took) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (None, "excluded"),
        ("none", "bad"),
        ("ready", "excluded"),
        ("oauth", "good"),
        ("password", "good"),
        ("mtls", "good"),
    ],
)
def test_token(source: str | None, expected: str) -> None:
    """A token that renews itself is good, none is bad; the ready one has an alert of its own."""
    assert slo.judge_token(source) == expected


@pytest.mark.parametrize(
    ("seconds", "overhead", "first_word", "expected"),
    [
        pytest.param(5, 0.01, "good", False, id="usual"),
        pytest.param(31, 0.01, "good", True, id="long"),
        pytest.param(5, 1.1, "good", True, id="our own time"),
        pytest.param(5, 0.01, "bad", True, id="late first word"),
        pytest.param(10, 0.01, None, False, id="a whole answer in ten seconds"),
    ],
)
def test_slow(seconds: float, overhead: float, first_word: slo.Result | None, expected: bool) -> None:
    """What an operator would look for is told, though it went well."""
    assert slo.is_slow(seconds, overhead, first_word) is expected
