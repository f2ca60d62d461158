"""When OAuth is asked for the next token. No clock, no network."""

from __future__ import annotations

import pytest

from app.upstream.oauth import TokenFailure
from app.upstream.renewal_pace import RenewalPace, renewal_delay
from app.upstream.times import TIMES, UpstreamTimes

DOWN = TokenFailure("OAuth is down", "Wait")
REFUSED = TokenFailure("OAuth does not accept the key", "Mend it", status=401)


def paced(times: UpstreamTimes = TIMES, jitter: float = 0.0) -> RenewalPace:
    """A pace by these times."""
    return RenewalPace(times, lambda: jitter)


@pytest.mark.parametrize(
    ("life", "after"),
    [(1800, 1440), (300, 235), (130, 65), (100, 50), (1.3, 0.65), (7 * 3600, 5.6 * 3600), (2e9, 6 * 3600)],
)
def test_the_delay(life: float, after: float) -> None:
    """At 80 %, but more than a minute before the end; a short life is halved; six hours at the most."""
    assert renewal_delay(life) == pytest.approx(after)


def test_the_delay_is_within_the_life() -> None:
    """Whatever the life, its renewal comes in its course, with a minute or half the life left for tries."""
    for exponent in range(-30, 160):
        life = 10 ** (exponent / 10)
        assert 0 < renewal_delay(life) < life
        assert life - renewal_delay(life) >= min(60, life / 2)


@pytest.mark.parametrize(
    ("failure", "pauses"), [(DOWN, [1, 2, 4, 8, 10, 10, 10, 10]), (REFUSED, [1, 2, 4, 8, 16, 30, 30, 30])]
)
def test_failures_in_a_row(failure: TokenFailure, pauses: list[float]) -> None:
    """The pause doubles up to its bound, which is longer for a key that is refused; a success begins anew."""
    pace = paced()
    for _ in range(2):
        found = []
        for number in range(1, len(pauses) + 1):
            pace.fail(failure)
            assert (pace.failures, pace.failure) == (number, failure)
            found.append(pace.pause_after_failure())
        assert found == pauses
        pace.succeed()
        assert (pace.failures, pace.failure) == (0, None)


def test_the_bounds_are_the_times_given() -> None:
    """Each of the two longest pauses is of its own failures."""
    pace = paced(UpstreamTimes(longest_pause=0.3, longest_pause_refused=0.5))
    pace.fail(DOWN)
    assert pace.pause_after_failure() == 0.3
    pace.fail(REFUSED)
    assert pace.pause_after_failure() == pace.pause_after_condemnation(0.0) == 0.5


def test_fresh_tokens_refused_in_a_row() -> None:
    """The pause doubles up to 30 s; after two minutes without a refusal it is short again."""
    pace, now = paced(), 0.0
    found = []
    for _ in range(8):
        found.append(pace.pause_after_condemnation(now))
        now += 100.0
    assert found == [1, 2, 4, 8, 16, 30, 30, 30]
    assert pace.pause_after_condemnation(now + 20.0) == 1


def test_a_success_is_followed_by_the_renewal() -> None:
    """Counted from before the request was sent; never sooner than a fifth of a second, whatever the life."""
    pace = paced()
    assert pace.pause_after_success(1800.0, 3.0) == 1437.0
    assert pace.pause_after_success(1e-9, 0.0) == 0.2


def test_jitter_makes_a_pause_shorter_only() -> None:
    """By a twentieth at most."""
    for jitter, share in ((0.0, 1.0), (0.5, 0.975), (1.0, 0.95)):
        pace = paced(jitter=jitter)
        pace.fail(DOWN)
        assert pace.pause_after_failure() == share
        assert pace.pause_after_success(1800.0, 0.0) == pytest.approx(1440 * share)
