"""The token's life: two levels, renewed in the background.

First level: a token of OAuth (or of login and password), renewed at about 80 % of its life and used to its very end.
Second level: the ready token that the operator gave; it serves whenever no first-level token can be had, for whatever
reason, and OAuth takes over again by itself.

    no token ──attempt──▶ live ──renew at 80 %──▶ live ...        an attempt fails: backoff, the old token goes on
        ▲                   │ ends, or GigaChat refuses it twice (dead)
        └───────────────────┘ meanwhile: the ready token, if GigaChat takes it

One task asks OAuth, so there is never more than one call under way, whatever the number of requests that wait.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from app.upstream.oauth import Grant, TokenFailure
from app.upstream.ready import ReadyToken
from app.upstream.wire import survived

Source = Literal["oauth", "password", "mtls", "ready", "none"]
Reason = Literal["startup", "scheduled", "unauthorized"]

# While no first-level token lives, OAuth is asked at least this often; a refused key is asked about less often.
_MAX_PAUSE = 10.0
_MAX_PAUSE_REFUSED = 30.0
_FORGIVEN_AFTER = 120.0  # a credential that was not refused for so long is as good as new
_RENEW_EARLIER = 0.05  # jitter, as a share of the life; only ever earlier
_SHORTEST_PAUSE = 0.2  # whatever life an answer tells: OAuth takes ten requests a second at most
_READY_WAIT = 2.0  # how long a request waits for OAuth when a ready token could serve it
_LONGEST_WAIT = 6 * 3600.0  # contours name ends in the year 2100: a key may be withdrawn before


@dataclass(frozen=True, slots=True)
class Token:
    """What a request is sent with. `ends` is on the monotonic clock."""

    source: Source
    value: str = field(repr=False)
    ends: float = math.inf
    headers: dict[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", {"Authorization": f"Bearer {self.value}"} if self.value else {})


class NoToken(Exception):
    """No usable token at the moment: why, what helps, and when the next try is (seconds)."""

    def __init__(self, reason: str, remedy: str, retry_after: float) -> None:
        super().__init__(f"{reason}. {remedy}")
        self.reason = reason
        self.remedy = remedy
        self.retry_after = retry_after


class TokenObserver(Protocol):
    """Who is told of a token's life."""

    def renewed(self, source: Source, reason: Reason, life: float, took: float) -> None:
        """A fresh token came; it lives `life` seconds, asking `took` some."""

    def failed(self, reason: Reason, failure: TokenFailure, took: float) -> None:
        """An attempt brought none."""

    def source_changed(self, source: Source) -> None:
        """Requests are sent with a token of another source from now on."""


@dataclass(frozen=True, slots=True)
class TokenStatus:
    """For health and metrics: the token in use and what is behind it. Times are seconds from now."""

    source: Source
    remaining: float | None
    failures: int
    reason: str | None
    remedy: str | None
    fallback: bool | None  # is the ready token usable? None: there is none, or it was not tried yet


class TokenKeeper:
    """Keeps one credential's token. `fetch` asks for a new one; without it only a ready token (or mTLS) serves."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Grant]] | None,
        ready: ReadyToken | None,
        observer: TokenObserver,
        *,
        source: Source = "oauth",
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._fetch = fetch
        self._ready = ready
        self._observer = observer
        self._source: Source = source
        self._clock = clock
        self._jitter = jitter
        self._token = Token("mtls", "") if source == "mtls" else None
        self._suspect = False  # GigaChat refused the token once; it is the last thing to try
        self._dead = False  # GigaChat refused a fresh token too
        self._condemned, self._condemned_at = 0, float("-inf")  # how often in a row, and when last
        self._failures = 0
        self._failure: TokenFailure | None = None
        self._started = self._next_attempt = clock()
        self._attempts = 0
        self._wanted = asyncio.Event()
        self._attempted = asyncio.Event()  # a new one for each attempt: set at its end
        self._announced: Source = "none"

    async def run(self) -> None:
        """The background task: ask, sleep, ask again. Ends only by cancellation."""
        reason: Reason = "startup"
        while self._fetch is not None:
            pause = await self._attempt(self._fetch, reason)
            self._next_attempt = self._clock() + pause
            self._attempts += 1
            self._wanted.clear()  # who asked before this attempt's end has its answer
            self._release()
            self.usable()  # tells the observer when the source has changed
            reason = await self._pause(pause)

    @property
    def settled(self) -> bool:
        """Whether the very first attempt is over: before it nobody knows which level will serve."""
        return self._attempts > 0 or self._fetch is None

    async def get(self) -> Token:
        """A usable token, at once but for the very first attempt, which is waited for. Raises NoToken."""
        if not self.settled:
            await self._attempt_ended(self._started + _READY_WAIT - self._clock())
        token = self.usable()
        if token is None:
            raise self._no_token()
        return token

    async def replace(self, refused: Token, *, fresh: bool = False) -> Token | None:
        """Another token after GigaChat's 401: by one shared renewal, else the second level, else nothing.

        `fresh`: the refused one was itself a replacement, so this credential is dead until OAuth gives another token.
        """
        if refused.source == "ready":
            if self._ready is not None:
                self._ready.judge(refused.value, usable=False)
        elif refused is self._token:
            if fresh:
                self._condemn()
            else:
                await self._renew_now()
        token = self.usable()
        if token is None or token.value != refused.value:
            return token
        if token is refused:
            return None
        self._condemn()  # OAuth gives the very token again that GigaChat refuses
        return self.usable()

    async def _renew_now(self) -> None:
        self._suspect = True
        # While OAuth fails, and while it gives tokens that GigaChat refuses, it is asked at its own pace.
        if self._fetch is not None and self._failure is None and not self._dead:
            self._wanted.set()
            await self._attempt_ended(_READY_WAIT)

    def _condemn(self) -> None:
        """GigaChat refuses what OAuth has just given. It may be over soon: the pause grows with each time in a row."""
        if self._dead:
            return
        self._dead = True
        now = self._clock()
        self._condemned = self._condemned + 1 if now - self._condemned_at < _FORGIVEN_AFTER else 1
        self._condemned_at = now
        self._next_attempt = min(
            self._next_attempt, now + min(_MAX_PAUSE_REFUSED, 2.0 ** (min(self._condemned, 6) - 1))
        )
        self._wanted.set()

    def usable(self) -> Token | None:
        """The token that a request would get now."""
        token = self._token
        if token is not None and (self._dead or self._clock() >= token.ends):
            token = None
        if (token is None or self._suspect) and self._ready is not None and self._ready.usable is not False:
            token = Token("ready", self._ready.value)
        source: Source = "none" if token is None else token.source
        if source != self._announced:
            self._announced = source
            self._observer.source_changed(source)
        return token

    def status(self) -> TokenStatus:
        """How things stand."""
        now, token = self._clock(), self.usable()
        problem = None if token is not None and self._failure is None else self._no_token()
        return TokenStatus(
            source="none" if token is None else token.source,
            remaining=None if token is None or math.isinf(token.ends) else token.ends - now,
            failures=self._failures,
            reason=problem.reason if problem else None,
            remedy=problem.remedy if problem else None,
            fallback=None if self._ready is None else self._ready.usable,
        )

    async def _attempt(self, fetch: Callable[[], Awaitable[Grant]], reason: Reason) -> float:
        """Ask once; the seconds until the next attempt."""
        sent = self._clock()
        try:
            grant = await fetch()
        except TokenFailure as failure:
            return self._failed(reason, failure, self._clock() - sent)
        except Exception as bug:  # noqa: BLE001 - a task that died would never renew a token again
            survived(bug, "no token could be asked for")
            unforeseen = TokenFailure("the gateway failed to ask for a token", "Its log has the details")
            return self._failed(reason, unforeseen, self._clock() - sent)
        self._token = Token(self._source, grant.token, sent + grant.life)
        self._failures, self._failure, self._suspect, self._dead = 0, None, False, False
        self._observer.renewed(self._source, reason, grant.life, self._clock() - sent)
        return max(_SHORTEST_PAUSE, self._earlier(sent + renewal(grant.life) - self._clock()))

    def _failed(self, reason: Reason, failure: TokenFailure, took: float) -> float:
        self._failures += 1
        self._failure = failure
        self._observer.failed(reason, failure, took)
        longest = _MAX_PAUSE_REFUSED if failure.refused else _MAX_PAUSE
        return self._earlier(min(longest, 2.0 ** min(self._failures - 1, 6)))

    async def _pause(self, seconds: float) -> Reason:
        """Sleep until the next attempt, or until a refused token makes one wanted."""
        try:
            async with asyncio.timeout(seconds):
                await self._wanted.wait()
        except TimeoutError:
            return "scheduled"
        # A dead credential is asked about at its own pace: OAuth's fresh tokens do not help it at once.
        if self._dead:
            self._release()  # whoever waits for the attempt: it is long in coming
            await asyncio.sleep(max(0.0, self._next_attempt - self._clock()))
        return "unauthorized"

    async def _attempt_ended(self, patience: float) -> None:
        """Wait for the end of the attempt under way; patience has an end where a ready token could serve instead."""
        ready = self._ready is not None and self._ready.usable is not False
        try:
            async with asyncio.timeout(patience if ready else None):
                await self._attempted.wait()
        except TimeoutError:
            return

    def _release(self) -> None:
        self._attempted.set()
        self._attempted = asyncio.Event()

    def _earlier(self, seconds: float) -> float:
        return seconds * (1 - _RENEW_EARLIER * self._jitter())

    def _no_token(self) -> NoToken:
        wait = max(1.0, self._next_attempt - self._clock())
        if self._failure is not None:
            return NoToken(self._failure.reason, self._failure.remedy, wait)
        if self._fetch is None and self._ready is None:
            return NoToken("no credentials are set", "Set GIGACHAT_CREDENTIALS to the Authorization Key", wait)
        if self._fetch is None and self._token is None and self._ready is not None and not self._ready.value:
            return NoToken("GIGACHAT_ACCESS_TOKEN_FILE names an empty file", "Write an access token into it", wait)
        remedy = "Run `python -m app check` beside the gateway"
        if self._fetch is not None and not self._dead:
            ended = "OAuth has given no token yet" if self._token is None else "the token has ended"
            return NoToken(ended, remedy, wait)
        return NoToken("GigaChat does not accept the gateway's token", remedy, wait)


def renewal(life: float) -> float:
    """When to renew a token of this life, in seconds after it was asked for.

    At 80 %, but more than 60 s before the end; a life too short for that is halved.
    """
    lead = max(0.2 * life, min(65.0, life / 2))
    return min(life - lead, _LONGEST_WAIT)
