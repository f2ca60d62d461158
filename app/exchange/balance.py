"""GigaChat's balance, asked for in the background: how many tokens are left of each package.

Source: docs/gigachat-api.md, "GET /balance"; accounts that pay as they go get 403.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app.background import report_bug
from app.exchange.credential import UpstreamCredential
from app.exchange.tries import CredentialLease
from app.observe.balances import BalanceObserver
from app.observe.metrics import Metrics
from app.translate.gigachat import paths
from app.translate.gigachat.balance import read
from app.upstream.client import GigaChat
from app.upstream.failures import Refused, UpstreamFailure
from app.upstream.tokens import NoToken

_HEADERS = {"Accept": "application/json"}
# Other requests come first when the gateway starts.
_FIRST_SECONDS = 15.0
# Accounts without packages (403) and servers without this path (404) are asked seldom: that changes rarely.
_WITHOUT_BALANCE = frozenset({403, 404})
_SELDOM_SECONDS = 3600.0
_BUSY_SECONDS = 5.0  # until the next look for an idle slot


class Balance:
    """Asks for one credential's balance every so many seconds."""

    def __init__(
        self,
        gigachat: GigaChat,
        credential: UpstreamCredential,
        metrics: Metrics,
        enter_idle: Callable[[], CredentialLease | None],
        seconds: float,
    ) -> None:
        self._gigachat = gigachat
        self._keeper = credential.keeper
        self._metrics = metrics
        self._health = credential.health
        self._enter_idle = enter_idle
        self._observer = BalanceObserver(metrics, credential.alias)
        self._seconds = seconds

    async def run(self) -> None:
        """Ask for as long as the gateway runs. Ends only by cancellation."""
        pause = min(_FIRST_SECONDS, self._seconds)
        while True:
            await asyncio.sleep(pause)
            try:
                pause = await self.ask()
            except Exception as bug:  # noqa: BLE001 - without this task the last balance would be shown forever
                report_bug(bug, "the balance could not be asked for")
                pause = self._seconds

    async def ask(self) -> float:
        """Ask once, if a slot is idle; give the seconds until the next time. A failure keeps the last balance."""
        lease = self._enter_idle()
        if lease is None:
            return min(_BUSY_SECONDS, self._seconds)
        with lease:
            return await self._ask()

    async def _ask(self) -> float:
        try:
            token = await self._keeper.get()
        except NoToken:
            return self._seconds
        code = "other"
        try:
            packages = read(await self._gigachat.get(paths.BALANCE, token, _HEADERS))
            code = "200"
        except Refused as refusal:
            code = self._metrics.code(refusal.status)
            if refusal.status == 401:
                self._health.record_use(401, token.source)
                await self._keeper.replace(token)
            if refusal.status not in _WITHOUT_BALANCE or refusal.page:
                return self._seconds
            self._observer.record_no_balance(refusal.status)
            return max(self._seconds, _SELDOM_SECONDS)
        except UpstreamFailure:
            return self._seconds
        finally:
            self._metrics.upstream_requests.labels("balance", code, self._health.label).inc()
        if packages is not None:
            self._gigachat.monitor.mark_available()
            self._observer.record_packages(packages)
        return self._seconds
