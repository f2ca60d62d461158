"""When a package will be used up: by the pace of the last hours, robust against bursts, idle times and top-ups."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from app.observe.forecast import Forecast

HOUR = 3600.0


def after(value: Callable[[float], float], hours: float, step: float = 300.0) -> Forecast:
    """A forecast after balances every five minutes."""
    forecast = Forecast()
    for number in range(int(hours * HOUR / step) + 1):
        forecast.add_balance(number * step, value(number * step))
    return forecast


def test_a_steady_pace() -> None:
    """1000 tokens an hour of 10,000 that are left: ten hours."""
    assert after(lambda now: 13_000 - now / 3.6, 3).seconds_left() == pytest.approx(10 * HOUR, rel=0.01)


@pytest.mark.parametrize("hours", [0, 1, 24])
def test_idle(hours: float) -> None:
    """Nothing used in the hours that count: there is no end; the same before the second look."""
    assert after(lambda _: 5_000.0, hours).seconds_left() == math.inf
    assert Forecast().seconds_left() == math.inf


def test_nothing_left() -> None:
    """Used up is 0, whatever the pace was."""
    assert after(lambda now: max(0.0, 1_000 - now), 2).seconds_left() == 0.0
    assert after(lambda _: 0.0, 2).seconds_left() == 0.0


def test_what_was_used_long_ago_does_not_count() -> None:
    """A busy evening is forgotten in the idle night."""
    forecast = after(lambda now: 100_000 - min(now, HOUR) * 10, 24)
    assert forecast.seconds_left() == math.inf


def test_a_new_pace_is_believed_in_hours() -> None:
    """Ten times the use: an hour later the end is much nearer, six hours later it is about right."""
    slow, fast = 1.0, 10.0

    def value(now: float) -> float:
        return 1_000_000 - slow * min(now, 6 * HOUR) - fast * max(0.0, now - 6 * HOUR)

    one, six = after(value, 7), after(value, 12)
    left = value(7 * HOUR), value(12 * HOUR)
    assert left[0] / fast < one.seconds_left() < left[0] / (slow * 2)
    assert six.seconds_left() == pytest.approx(left[1] / fast, rel=0.3)


def test_one_burst_is_not_the_pace() -> None:
    """A hundredfold in one step of many moves the forecast by what was used, no more."""
    balances = after(lambda now: 1_000_000 - now - (30_000 if now > 3 * HOUR else 0), 6)
    assert balances.seconds_left() == pytest.approx(
        (1_000_000 - 6 * HOUR - 30_000) / (1 + 30_000 / (6 * HOUR)), rel=0.25
    )


def test_a_top_up_begins_anew() -> None:
    """More than before is no negative pace: what came before it counts no more."""
    forecast = after(lambda now: 10_000 - now, 2)
    forecast.add_balance(2 * HOUR + 300, 1_000_000)
    assert forecast.seconds_left() == math.inf
    forecast.add_balance(2 * HOUR + 600, 1_000_000 - 300)
    assert forecast.seconds_left() == pytest.approx(1_000_000, rel=0.01)


def test_looks_are_bounded() -> None:
    """However many balances are added, memory does not grow."""
    forecast = after(lambda now: 1e9 - now, 12, step=5)
    assert forecast.seconds_left() == pytest.approx(1e9, rel=0.01)
    assert len(forecast.balances) <= 1024
