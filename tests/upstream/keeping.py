"""A keeper of tokens under test: where its tokens come from, and who hears of them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.upstream.oauth import Grant, TokenFailure
from app.upstream.ready_token import ReadyToken
from app.upstream.tokens import TokenKeeper


def now() -> float:
    """The loop's clock."""
    return asyncio.get_running_loop().time()


@dataclass
class FakeOAuth:
    """Gives tokens, or whatever fault stands, after `takes` seconds; remembers when it was asked."""

    life: float = 1800.0
    fault: Exception | None = None
    takes: float = 0.05
    same: bool = False
    asked: list[float] = field(default_factory=list)

    async def __call__(self) -> Grant:
        """One call of OAuth."""
        self.asked.append(now())
        number = len(self.asked)
        await asyncio.sleep(self.takes)
        if self.fault is not None:
            raise self.fault
        return Grant("same" if self.same else f"token{number}", self.life)

    @property
    def gaps(self) -> list[float]:
        """Seconds between the calls."""
        return [later - earlier for earlier, later in itertools.pairwise(self.asked)]


@dataclass
class Told:
    """What the observer heard."""

    sources: list[str] = field(default_factory=list)
    renewals: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def renewed(self, source: str, reason: str, life: float, took: float) -> None:
        """A token came."""
        self.renewals.append(reason)

    def failed(self, reason: str, failure: TokenFailure, took: float) -> None:
        """None came."""
        self.failures.append(failure.reason)

    def source_changed(self, source: str) -> None:
        """Another source serves."""
        self.sources.append(source)


@asynccontextmanager
async def kept(
    source: FakeOAuth | None, ready: str = "", *, jitter: float = 0.0, told: Told | None = None
) -> AsyncIterator[TokenKeeper]:
    """A keeper whose background task runs."""
    second = ReadyToken(ready, None, lambda usable: None) if ready else None
    keeper = TokenKeeper(source, second, told or Told(), clock=now, jitter=lambda: jitter)
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper
        assert source is None or not task.done(), "the background task has died"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
