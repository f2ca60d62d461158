"""When OAuth is asked for the next token: after a success, after failures in a row, after tokens that GigaChat refuses.

Pure: the clock and chance are arguments.
"""

from __future__ import annotations

from collections.abc import Callable

from app.upstream.oauth import TokenFailure
from app.upstream.times import UpstreamTimes

_FORGIVEN_AFTER = 120.0  # a credential that was not refused for so long is as good as new
_RENEW_EARLIER = 0.05  # jitter, as a share of the pause; only ever earlier
_SHORTEST_PAUSE = 0.2  # whatever life an answer tells: OAuth takes ten requests a second at most
_LONGEST_WAIT = 6 * 3600.0  # contours name ends in the year 2100: a key may be withdrawn before
_DOUBLINGS = 6  # whatever is doubled is bounded by the longest pause long before


class RenewalPace:
    """The pauses between attempts, in seconds, and the failures in a row that they depend on.

    `failure` is the last attempt's: None exactly while `failures` is 0. `jitter` gives numbers from 0 to 1.
    """

    def __init__(self, times: UpstreamTimes, jitter: Callable[[], float]) -> None:
        self.failures = 0
        self.failure: TokenFailure | None = None
        self._times = times
        self._jitter = jitter
        self._condemned = 0  # how often in a row GigaChat refused a fresh token
        self._condemned_at = float("-inf")

    def succeed(self) -> None:
        """An attempt brought a token."""
        self.failures, self.failure = 0, None

    def fail(self, failure: TokenFailure) -> None:
        """An attempt brought none."""
        self.failures, self.failure = self.failures + 1, failure

    def pause_after_success(self, life: float, age: float) -> float:
        """Until the renewal of a token of this life that was asked for `age` seconds ago."""
        return max(_SHORTEST_PAUSE, self._shorten(renewal_delay(life) - age))

    def pause_after_failure(self) -> float:
        """Doubles with each failure in a row; longer where the key itself is refused: that does not mend itself."""
        refused = self.failure is not None and self.failure.refused
        longest = self._times.longest_pause_refused if refused else self._times.longest_pause
        return self._shorten(min(longest, 2.0 ** min(self.failures - 1, _DOUBLINGS)))

    def pause_after_condemnation(self, now: float) -> float:
        """GigaChat refused a fresh token. It may be over soon: the pause doubles with each time in a row."""
        forgiven = now - self._condemned_at >= _FORGIVEN_AFTER
        self._condemned = 1 if forgiven else self._condemned + 1
        self._condemned_at = now
        return min(self._times.longest_pause_refused, 2.0 ** (min(self._condemned, _DOUBLINGS) - 1))

    def _shorten(self, seconds: float) -> float:
        return seconds * (1 - _RENEW_EARLIER * self._jitter())


def renewal_delay(life: float) -> float:
    """When to renew a token of this life, in seconds after it was asked for.

    At 80 %, but more than 60 s before the end; a life too short for that is halved.
    """
    lead = max(0.2 * life, min(65.0, life / 2))
    return min(life - lead, _LONGEST_WAIT)
