"""The retry budget: a tenth of the last minute's requests, and a few at any time."""

from __future__ import annotations

import pytest

from app.admission.retry_budget import FLOOR, RetryBudget
from tests.admission.clock import Clock


def take_all(budget: RetryBudget) -> int:
    """How many retries there are."""
    for count in range(10_000):
        if not budget.take():
            return count
    raise AssertionError("no end of retries")


@pytest.mark.parametrize(("requests", "retries"), [(0, 10), (1, 10), (100, 10), (110, 11), (1000, 100), (1001, 101)])
def test_a_tenth_but_ten_at_least(requests: int, retries: int) -> None:
    """The floor serves small gateways; the share bounds what a large one may add to GigaChat's load."""
    clock = Clock()
    budget = RetryBudget(clock)
    for _ in range(requests):
        budget.count_request(clock.now)
    assert take_all(budget) == retries


def test_it_is_the_last_minutes() -> None:
    """Requests and retries of a minute ago count no more."""
    clock = Clock()
    budget = RetryBudget(clock)
    for _ in range(500):
        budget.count_request(clock.now)
    assert take_all(budget) == 50
    clock.move(49)
    assert not budget.take()
    clock.move(11)
    assert take_all(budget) == FLOOR


def test_it_comes_back_bit_by_bit() -> None:
    """What was used long ago is free again, and not what was used a moment ago."""
    clock = Clock()
    budget = RetryBudget(clock)
    for _ in range(6):
        assert budget.take()
    clock.move(40)
    assert take_all(budget) == 4
    clock.move(20)
    assert take_all(budget) == 6


def test_a_long_pause_forgets_all() -> None:
    """Whatever the minutes between were."""
    clock = Clock()
    budget = RetryBudget(clock)
    assert take_all(budget) == FLOOR
    clock.move(86_400)
    assert take_all(budget) == FLOOR


def test_a_request_that_came_slowly_gives_nothing_back() -> None:
    """A request counts from its receipt, which may be long ago: retries that were used since stay used."""
    clock = Clock()
    budget = RetryBudget(clock)
    received = clock.now
    clock.move(25)
    assert take_all(budget) == FLOOR
    budget.count_request(received)
    assert take_all(budget) == 0
