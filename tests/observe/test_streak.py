"""Requests that fail one after another, as operators hear of them."""

from __future__ import annotations

import pytest
from prometheus_client import Gauge

from app.observe.facts import Facts
from app.observe.streak import Streak


def made() -> tuple[Streak, Gauge]:
    """A streak, and its gauge."""
    gauge = Gauge("streak", "", registry=None)
    return Streak(gauge), gauge


def shown(gauge: Gauge) -> float:
    """The gauge's value."""
    return float(next(iter(gauge.collect())).samples[0].value)


def ended(error_type: str | None = None, *, bad: bool = True, detail: str | None = None) -> Facts:
    """A request's end."""
    return Facts(error_type=error_type, slo_bad=bad and error_type is not None, detail=detail)


def test_only_a_served_request_ends_it() -> None:
    """Clients' own mistakes neither end nor lengthen it."""
    streak, gauge = made()
    for facts in (ended("upstream_5xx"), ended("invalid_request", bad=False), ended("upstream_timeout")):
        streak.tell(facts)
    assert (streak.count, shown(gauge)) == (2, 2)
    streak.tell(ended())
    assert (streak.count, shown(gauge), streak.worry()) == (0, 0, None)


@pytest.mark.parametrize(
    ("error_type", "enough"),
    [("upstream_402", 1), ("upstream_stop", 1), ("upstream_4xx", 1), ("upstream_5xx", 2), ("upstream_timeout", 2)],
)
def test_what_worries(error_type: str, enough: int) -> None:
    """A refusal that will meet all requests worries at once, any other failure with the second."""
    streak, _ = made()
    for number in range(1, 4):
        streak.tell(ended(error_type, detail="GigaChat answered 418"))
        worry = streak.worry()
        assert (worry is not None) is (number >= enough)
    assert worry is not None
    assert worry.startswith("requests fail: 3 in a row, the last one 0 s ago (GigaChat answered 418)")


def test_its_cause_is_seen_to_end() -> None:
    """GigaChat is back, or there is a token: nothing worries, though no request has come yet."""
    streak, gauge = made()
    for _ in range(3):
        streak.tell(ended("upstream_connect"))
    streak.over("no_token")
    assert (shown(gauge), streak.worry() is None) == (3, False)
    streak.over("upstream_connect")
    assert (shown(gauge), streak.worry()) == (0, None)


def test_a_cause_that_had_not_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that fails at once all the same goes on with the streak, and no such word is believed again."""
    streak, gauge = made()
    for number in range(1, 4):
        streak.tell(ended("upstream_connect"))
        assert shown(gauge) == number
        streak.over("upstream_connect")
        assert shown(gauge) == (0 if number == 1 else number)
    assert streak.worry() is not None
    streak.tell(ended())
    streak.tell(ended("upstream_connect"))
    streak.over("upstream_connect")
    assert shown(gauge) == 0
    monkeypatch.setattr("app.observe.streak._DOUBT_SECONDS", -1.0)
    streak.tell(ended("upstream_connect"))
    assert shown(gauge) == 1
    streak.over("upstream_connect")
    assert shown(gauge) == 0
