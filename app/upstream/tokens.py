"""The token's life: two levels, renewed in the background.

First level: a token of OAuth (or of login and password), renewed at about 80 % of its life and used to its very end.
Second level: the ready token that the operator gave; it serves whenever no first-level token can be had, for whatever
reason, and OAuth takes over again by itself.

The states of the first-level token and what moves it between them are a table in `token_state.py`; the pauses between
attempts are in `renewal_pace.py`. One task asks OAuth, so there is never more than one call under way, whatever the
number of requests that wait.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from app.background import report_bug
from app.upstream.oauth import Grant, TokenFailure
from app.upstream.ready_token import ReadyToken
from app.upstream.renewal_pace import RenewalPace
from app.upstream.times import TIMES, UpstreamTimes
from app.upstream.token_state import SERVING, TokenEvent, TokenState, next_state

TokenSource = Literal["oauth", "password", "mtls", "ready", "none"]
RenewalReason = Literal["startup", "scheduled", "unauthorized"]

_RESTART = "Restart the gateway, and report the traceback that its log has"
_READY_WAIT = 2.0  # how long a request waits for OAuth when a ready token could serve it
# Why there is no token while OAuth does not fail; in every other state GigaChat has refused what there is.
_REASONS = {
    TokenState.STARTING: "OAuth has given no token yet",
    TokenState.ENDED: "the token has ended",
}


@dataclass(frozen=True, slots=True)
class Token:
    """What a request is sent with. `ends` is on the monotonic clock."""

    source: TokenSource
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
    """Hears what happens to a credential's token."""

    def renewed(self, source: TokenSource, reason: RenewalReason, life: float, took: float) -> None:
        """A fresh token came: it lives `life` seconds, and the attempt took `took` seconds."""

    def failed(self, reason: RenewalReason, failure: TokenFailure, took: float) -> None:
        """An attempt brought no token."""

    def source_changed(self, source: TokenSource) -> None:
        """Requests are sent with a token of another source from now on."""


@dataclass(frozen=True, slots=True)
class TokenStatus:
    """For health and metrics: the token in use and what is behind it. Times are seconds from now."""

    source: TokenSource
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
        source: TokenSource = "oauth",
        times: UpstreamTimes = TIMES,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._fetch = fetch
        self._ready = ready
        self._observer = observer
        self._source: TokenSource = source
        self._clock = clock
        self._token = Token("mtls", "") if source == "mtls" else None
        if self._token is not None:
            self._state = TokenState.LIVE
        else:
            self._state = TokenState.MISSING if fetch is None else TokenState.STARTING
        self._pace = RenewalPace(times, jitter)
        self._started = self._next_attempt = clock()
        self._wanted = asyncio.Event()
        self._attempted = asyncio.Event()  # a new one for each attempt: set at its end
        self._announced: TokenSource = "none"

    async def run(self) -> None:
        """The background task: ask, sleep, ask again. Ends only by cancellation."""
        reason: RenewalReason = "startup"
        while self._fetch is not None:
            pause = await self._attempt(self._fetch, reason)
            self._next_attempt = self._clock() + pause
            self._wanted.clear()  # whoever asked before this attempt's end has its answer
            self._release_waiting()
            self.choose()  # tells the observer when the source has changed
            reason = await self._pause(pause)

    @property
    def settled(self) -> bool:
        """Whether the very first attempt is over: before it nobody knows which level will serve."""
        return self._state is not TokenState.STARTING

    async def get(self) -> Token:
        """A usable token, at once but for the very first attempt, which is waited for. Raises NoToken."""
        if not self.settled:
            await self._wait_for_attempt(self._started + _READY_WAIT - self._clock())
        token = self.choose()
        if token is None:
            raise self._explain_lack()
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
                await self._renew_refused()
        token = self.choose()
        if token is None or token.value != refused.value:
            return token
        if token is refused:
            return None
        self._condemn()  # OAuth gives the very token again that GigaChat refuses
        return self.choose()

    def second_level(self, refused: Token) -> Token | None:
        """The ready token, for a request that GigaChat does not let the account of this token make; None without one.

        It may be of another account. Nothing is held against the first level.
        """
        if refused.source == "ready" or self._ready is None or self._ready.usable is False:
            return None
        return Token("ready", self._ready.value)

    def choose(self) -> Token | None:
        """The token that a request is sent with now. The observer hears when its source has changed."""
        state = self._current_state()
        token = self._token if state in SERVING else None
        if state is not TokenState.LIVE and self._ready is not None and self._ready.usable is not False:
            token = Token("ready", self._ready.value)
        source: TokenSource = "none" if token is None else token.source
        if source != self._announced:
            self._announced = source
            self._observer.source_changed(source)
        return token

    def status(self) -> TokenStatus:
        """How things stand."""
        token = self.choose()
        problem = None if token is not None and self._pace.failure is None else self._explain_lack()
        return TokenStatus(
            source="none" if token is None else token.source,
            remaining=None if token is None or math.isinf(token.ends) else token.ends - self._clock(),
            failures=self._pace.failures,
            reason=problem.reason if problem else None,
            remedy=problem.remedy if problem else None,
            fallback=None if self._ready is None else self._ready.usable,
        )

    def _move(self, event: TokenEvent) -> None:
        self._state = next_state(self._state, event)

    def _current_state(self) -> TokenState:
        """The state at this moment: that a token's time is over is noticed when somebody looks."""
        if self._token is not None and self._clock() >= self._token.ends:
            self._move(TokenEvent.TIME_OVER)
        return self._state

    async def _renew_refused(self) -> None:
        self._move(TokenEvent.REFUSED)
        # While OAuth fails, and while it gives tokens that GigaChat refuses, it is asked at its own pace.
        if self._fetch is not None and self._pace.failure is None and self._state is not TokenState.DEAD:
            self._wanted.set()
            await self._wait_for_attempt(_READY_WAIT)

    def _condemn(self) -> None:
        """GigaChat refuses what OAuth has just given."""
        if self._state is TokenState.DEAD:
            return
        self._move(TokenEvent.REFUSED_FRESH)
        now = self._clock()
        self._next_attempt = min(self._next_attempt, now + self._pace.pause_after_condemnation(now))
        self._wanted.set()

    async def _attempt(self, fetch: Callable[[], Awaitable[Grant]], reason: RenewalReason) -> float:
        """Ask once; the seconds until the next attempt."""
        sent = self._clock()
        try:
            grant = await fetch()
        except TokenFailure as failure:
            return self._fail(reason, failure, self._clock() - sent)
        except Exception as bug:  # noqa: BLE001 - a task that died would never renew a token again
            report_bug(bug, "no token could be asked for")
            unforeseen = TokenFailure("the gateway failed to ask for a token", _RESTART)
            return self._fail(reason, unforeseen, self._clock() - sent)
        self._token = Token(self._source, grant.token, sent + grant.life)
        self._move(TokenEvent.RENEWED)
        self._pace.succeed()
        self._observer.renewed(self._source, reason, grant.life, self._clock() - sent)
        return self._pace.pause_after_success(grant.life, self._clock() - sent)

    def _fail(self, reason: RenewalReason, failure: TokenFailure, took: float) -> float:
        self._move(TokenEvent.RENEWAL_FAILED)
        self._pace.fail(failure)
        self._observer.failed(reason, failure, took)
        return self._pace.pause_after_failure()

    async def _pause(self, seconds: float) -> RenewalReason:
        """Sleep until the next attempt, or until a refused token makes one wanted."""
        try:
            async with asyncio.timeout(seconds):
                await self._wanted.wait()
        except TimeoutError:
            return "scheduled"
        # A dead credential is asked about at its own pace: OAuth's fresh tokens do not help it at once.
        if self._state is TokenState.DEAD:
            self._release_waiting()  # the next attempt may be far away
            await asyncio.sleep(max(0.0, self._next_attempt - self._clock()))
        return "unauthorized"

    async def _wait_for_attempt(self, patience: float) -> None:
        """Wait for the end of the attempt under way; patience has an end where a ready token could serve instead."""
        ready = self._ready is not None and self._ready.usable is not False
        try:
            async with asyncio.timeout(patience if ready else None):
                await self._attempted.wait()
        except TimeoutError:
            return

    def _release_waiting(self) -> None:
        self._attempted.set()
        self._attempted = asyncio.Event()

    def _explain_lack(self) -> NoToken:
        """Why no first-level token serves, and what helps."""
        wait = max(1.0, self._next_attempt - self._clock())
        failure, state = self._pace.failure, self._current_state()
        if failure is not None:
            return NoToken(failure.reason, failure.remedy, wait)
        if self._fetch is None and self._ready is None:
            return NoToken("no credentials are set", "Set GIGACHAT_CREDENTIALS to the Authorization Key", wait)
        if self._fetch is None and self._token is None and self._ready is not None and not self._ready.value:
            return NoToken("GIGACHAT_ACCESS_TOKEN_FILE names an empty file", "Write an access token into it", wait)
        reason = _REASONS.get(state, "GigaChat does not accept the gateway's token")
        return NoToken(reason, "Run `python -m app check` beside the gateway", wait)
