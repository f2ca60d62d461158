"""GigaChat's balance, asked for in the background: what is left of packages that were bought or given.

Source: GigaChat's REST API, `GET /balance`; accounts that pay as they go get 403.
"""

from __future__ import annotations

import asyncio

from app.observe.balances import BalanceObserver
from app.observe.credentials import CredentialObserver
from app.observe.metrics import Metrics
from app.translate.gigachat.balance import read
from app.upstream.client import GigaChat
from app.upstream.failures import Refused, UpstreamFailure
from app.upstream.tokens import NoToken, TokenKeeper
from app.upstream.wire import survived

_PATH = "balance"
_HEADERS = {"Accept": "application/json"}
# A start has more urgent things to ask, and a gateway that is gone again at once needs no balance.
_FIRST_SECONDS = 15.0
# An account without packages seldom gets one; the same of a contour that does not know the path.
_SELDOM_SECONDS = 3600.0
_NONE = frozenset({403, 404})


class Balance:
    """Asks for one credential's balance every so many seconds."""

    def __init__(
        self, gigachat: GigaChat, keeper: TokenKeeper, metrics: Metrics, health: CredentialObserver, seconds: float
    ) -> None:
        self._gigachat = gigachat
        self._keeper = keeper
        self._metrics = metrics
        self._health = health
        self._observer = BalanceObserver(metrics, health.alias)
        self._seconds = seconds

    async def run(self) -> None:
        """The background task. Ends only by cancellation."""
        pause = min(_FIRST_SECONDS, self._seconds)
        while True:
            await asyncio.sleep(pause)
            try:
                pause = await self.ask()
            except Exception as bug:  # noqa: BLE001 - a task that died would show yesterday's balance forever
                survived(bug, "the balance could not be asked for")
                pause = self._seconds

    async def ask(self) -> float:
        """Ask once; the seconds until the next time. A failure leaves the last balance standing."""
        try:
            token = await self._keeper.get()
        except NoToken:
            return self._seconds
        code = "other"
        try:
            packages = read(await self._gigachat.get(_PATH, token, _HEADERS))
            code = "200"
        except Refused as refusal:
            code = self._metrics.code(refusal.status)
            if refusal.status == 401:
                self._health.used(401, token.source)
                await self._keeper.replace(token)
            if refusal.status not in _NONE or refusal.page:
                return self._seconds
            self._observer.none(refusal.status)
            return max(self._seconds, _SELDOM_SECONDS)
        except UpstreamFailure:
            return self._seconds
        finally:
            self._metrics.upstream_requests.labels("balance", code, self._health.label).inc()
        if packages is not None:
            self._gigachat.pulse.alive()
            self._observer.told(packages)
        return self._seconds
