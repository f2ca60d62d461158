"""Sends one request to GigaChat under a lease, and sends it again at once where that costs nothing.

A connection that was dead, and a token that GigaChat refuses, are no failures of the request: it keeps its slot and is
sent again. All other failures go to `tries`. All of this happens before the client has got the first event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import aiohttp

from app.exchange.credential import UpstreamCredential
from app.observe.counters import Value
from app.observe.metrics import Metrics
from app.observe.request_record import RequestRecord
from app.translate.gigachat.refusals import concerns_account
from app.upstream.client import GigaChat
from app.upstream.failures import Refused, Unreachable, UpstreamFailure
from app.upstream.forms import Form
from app.upstream.tokens import Token, TokenSource

Reason = Literal["stale", "unauthorized", "forbidden"]

# How often a request is sent again, by reason. After a 401: once with a renewed token, once with the ready one. After a
# 403 that denies the account something: once with the ready token, which may be another account's.
RETRIES: dict[Reason, int] = {"stale": 1, "unauthorized": 2, "forbidden": 1}


@dataclass(slots=True)
class Job:
    """A question to GigaChat: what stays the same over its retries. Without a body it is a GET."""

    operation: Literal["chat", "embeddings", "tokens", "files"]
    path: str
    body: bytes | Form | None
    headers: Mapping[str, str]
    stream: bool = False  # the client reads along: the time between two reads is bounded, not that of the whole


@dataclass(slots=True)
class _Retries:
    """What one request has used of RETRIES."""

    used: dict[Reason, int] = field(default_factory=dict)
    last: Reason | None = None
    refused: TokenSource | None = None  # the source of the last token that GigaChat refused

    def take(self, reason: Reason) -> bool:
        """Use one retry; False when none is left."""
        used = self.used.get(reason, 0)
        if used >= RETRIES[reason]:
            return False
        self.used[reason] = used + 1
        self.last = reason
        return True


class Sender:
    """Sends jobs to GigaChat with the token of a credential."""

    def __init__(self, gigachat: GigaChat, metrics: Metrics) -> None:
        self._gigachat = gigachat
        self._metrics = metrics
        self._attempted: dict[tuple[str, int | None, str], Value] = {}

    async def send(self, job: Job, record: RequestRecord, credential: UpstreamCredential) -> aiohttp.ClientResponse:
        """Ask; give the open 200 response, which the caller owns and ends. Raises UpstreamFailure, NoToken."""
        keeper = credential.keeper
        token = keeper.choose() if keeper.settled else None
        if token is None:
            token = await keeper.get()
        retries: _Retries | None = None  # made for the first
        has_own_time = job.operation == "files"  # the record counts the time of files by itself
        while True:
            if not has_own_time:
                record.begin_upstream()
            try:
                response = await self._gigachat.ask(
                    job.path,
                    job.body,
                    token,
                    job.headers,
                    stream=job.stream,
                    anew=retries is not None and retries.last == "stale",
                )
            except UpstreamFailure as failure:
                status = failure.status if isinstance(failure, Refused) else None
                self._count_use(job, status, record, token, credential)
                retries = retries or _Retries()
                token = await self._next_token(failure, token, retries, credential)
            except asyncio.CancelledError:
                self._count_use(job, None, record, token, credential)  # the client has left, or its time is up
                raise
            else:
                self._count_use(job, 200, record, token, credential)
                if retries is not None and retries.last is not None:
                    self._metrics.retries.labels(retries.last, "success").inc()
                return response

    def report_silence(self, detail: str) -> None:
        """GigaChat took a request and said nothing for too long."""
        self._gigachat.monitor.report_failure(detail)

    async def _next_token(
        self, failure: UpstreamFailure, token: Token, retries: _Retries, credential: UpstreamCredential
    ) -> Token:
        """The token of the next try. Raises the failure when there is none."""
        if isinstance(failure, Unreachable) and failure.cause == "stale" and retries.take("stale"):
            return token
        other = None
        if isinstance(failure, Refused) and failure.status == 401:
            # The refused token had replaced one of the same source: that source gives no better one now.
            is_fresh = retries.refused == token.source
            retries.refused = token.source
            if is_fresh and token.source != "ready":
                credential.health.record_rejected_token()
            other = await credential.keeper.replace(token, fresh=is_fresh)
            if other is not None and retries.take("unauthorized"):
                return other
        elif isinstance(failure, Refused) and failure.status == 403 and concerns_account(failure.status, failure.body):
            other = credential.keeper.second_level(token)
            if other is not None and retries.take("forbidden"):
                return other
        if retries.last is not None:
            self._metrics.retries.labels(retries.last, "failure").inc()
        raise failure

    def _count_use(
        self, job: Job, status: int | None, record: RequestRecord, token: Token, credential: UpstreamCredential
    ) -> None:
        health = credential.health
        counter = self._attempted.get((job.operation, status, health.label))
        if counter is None:
            counter = self._find_counter(job.operation, status, health.label)
        counter.inc()
        if status != 403 or job.operation != "files":  # that one is about the file
            health.record_use(status, token.source)
        record.record_upstream_status(status)

    def _find_counter(self, operation: str, status: int | None, label: str) -> Value:
        """The counter of attempts with this end. Those of usual statuses are kept: to look labels up costs more."""
        code = "other" if status is None else self._metrics.code(status)
        counter = self._metrics.upstream_requests.labels(operation, code, label)
        if code != "other" or status is None:
            self._attempted[operation, status, label] = counter
        return counter
