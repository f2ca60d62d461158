"""The share of answers with GigaChat's own usage: over a window that moves, without a number while there is none."""

from __future__ import annotations

import math

from app.observe.capture import UsageCapture


class Clock:
    """Seconds that pass when they are told to."""

    now = 1_000_000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def test_nothing_is_no_number() -> None:
    """An alert on a low ratio must not fire at night."""
    assert math.isnan(UsageCapture(clock=Clock()).ratio())


def test_the_share() -> None:
    """Exact ones to all."""
    capture = UsageCapture(clock=Clock())
    for exact in (True, True, True, False):
        capture.add(exact=exact)
    assert capture.ratio() == 0.75


def test_the_past_is_forgotten() -> None:
    """What is older than the window counts no more, be there later answers or not."""
    clock = Clock()
    capture = UsageCapture(300.0, clock)
    capture.add(exact=False)
    clock.now += 200
    capture.add(exact=True)
    assert capture.ratio() == 0.5
    clock.now += 101
    assert capture.ratio() == 1.0
    clock.now += 300
    assert math.isnan(capture.ratio())
    capture.add(exact=False)
    assert capture.ratio() == 0.0


def test_a_step_is_used_again() -> None:
    """Many windows later the same place counts from 0."""
    clock = Clock()
    capture = UsageCapture(300.0, clock)
    for _ in range(5):
        for _ in range(3):
            capture.add(exact=True)
        clock.now += 900
    capture.add(exact=False)
    assert capture.ratio() == 0.0
