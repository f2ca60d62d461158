"""The loop of attempts: one request upstream, tried again where the table of tries says so.

Everything here happens before the first event has gone to the client. A try begins with a token; once there is a
queue it will begin with a lease of a credential's slot, and the payload will be written for that lease.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal

import aiohttp
from prometheus_client import Counter

from app.errors import GatewayError
from app.exchange.outcomes import no_token, to_error
from app.observe.credentials import CredentialObserver
from app.observe.facts import Facts
from app.observe.metrics import Metrics
from app.upstream.client import GigaChat
from app.upstream.failures import Refused, Unreachable, UpstreamFailure
from app.upstream.forms import Form
from app.upstream.tokens import NoToken, Source, Token, TokenKeeper

Reason = Literal["stale", "unauthorized"]

# How often a request is tried again, by reason. 401: once with a renewed token, once more with the ready one.
TRIES: dict[Reason, int] = {"stale": 1, "unauthorized": 2}


@dataclass(slots=True)
class Job:
    """A question to GigaChat: what stays the same over its tries. Without a body it is a GET."""

    operation: Literal["chat", "embeddings", "tokens", "files"]
    path: str
    body: bytes | Form | None
    headers: Mapping[str, str]
    stream: bool = False
    field: str = "messages"  # of the client's body: where the words stand that may be too many, or the file


@dataclass(slots=True)
class _Tries:
    """What one request has used of TRIES."""

    used: dict[Reason, int] = field(default_factory=dict)
    last: Reason | None = None
    refused: Source | None = None  # where the last token that GigaChat refused had come from

    def take(self, reason: Reason) -> bool:
        used = self.used.get(reason, 0)
        if used >= TRIES[reason]:
            return False
        self.used[reason] = used + 1
        self.last = reason
        return True


class Attempts:
    """Sends jobs to GigaChat with the keeper's token."""

    def __init__(self, gigachat: GigaChat, keeper: TokenKeeper, metrics: Metrics, health: CredentialObserver) -> None:
        self._gigachat = gigachat
        self._keeper = keeper
        self._metrics = metrics
        self._health = health
        self.credential = health.alias
        self._attempted: dict[tuple[str, str], Counter] = {}

    async def open(self, job: Job, facts: Facts) -> aiohttp.ClientResponse:
        """The open 200 response: the caller owns and ends it. Raises GatewayError."""
        token = self._keeper.usable() if self._keeper.settled else None
        if token is None:
            token = await self._token()
        tries = _Tries()
        apart = job.operation == "files"  # these have a time of their own
        if facts.upstream_started is None and not apart:
            facts.upstream_started = monotonic()
        while True:
            facts.tries += not apart
            try:
                response = await self._gigachat.ask(
                    job.path, job.body, token, job.headers, stream=job.stream, anew=tries.last == "stale"
                )
            except UpstreamFailure as failure:
                self._count(job, failure.status if isinstance(failure, Refused) else None, facts, token)
                token = await self._again(failure, token, tries, job)
            except asyncio.CancelledError:
                self._count(job, None, facts, token)  # the client has left, or its time is up
                raise
            else:
                self._count(job, 200, facts, token)
                if tries.last is not None:
                    self._metrics.retries.labels(tries.last, "success").inc()
                return response

    @staticmethod
    def error(failure: UpstreamFailure, job: Job) -> GatewayError:
        """What the client is told of a job's failure."""
        return to_error(failure, job.field, file=job.operation == "files")

    def silent(self, detail: str) -> None:
        """GigaChat took a request and said nothing for too long."""
        self._gigachat.pulse.suspect(detail)

    async def _token(self) -> Token:
        try:
            return await self._keeper.get()
        except NoToken as fault:
            raise no_token(fault) from fault

    async def _again(self, failure: UpstreamFailure, token: Token, tries: _Tries, job: Job) -> Token:
        """The token of the next try; raises the client's error when there is none."""
        if isinstance(failure, Unreachable) and failure.cause == "stale" and tries.take("stale"):
            return token
        if isinstance(failure, Refused) and failure.status == 401:
            renewed_before, tries.refused = tries.refused == token.source, token.source
            if renewed_before and token.source != "ready":
                self._health.condemned()
            other = await self._keeper.replace(token, fresh=renewed_before)
            if other is not None and tries.take("unauthorized"):
                return other
        if tries.last is not None:
            self._metrics.retries.labels(tries.last, "failure").inc()
        raise self.error(failure, job) from failure

    def _count(self, job: Job, status: int | None, facts: Facts, token: Token) -> None:
        key = (job.operation, "other" if status is None else self._metrics.code(status))
        counter = self._attempted.get(key)
        if counter is None:
            counter = self._attempted[key] = self._metrics.upstream_requests.labels(*key, self._health.label)
        counter.inc()
        if status != 403 or job.operation != "files":  # that one is about the file
            self._health.used(status, token.source)
        facts.upstream_status = status
