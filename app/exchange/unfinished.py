"""Answers that broke off before GigaChat told their usage: their words are counted behind the answer.

The words are counted by GigaChat (`POST /tokens/count`) while a slot is idle. The prompt is counted with them where it
is still at hand; else its tokens follow from its size, by what exact answers of the model have cost. Where GigaChat
does not count in time, all of it is estimated so, and marked as an estimate.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal

from app.background import report_bug
from app.errors import GatewayError
from app.exchange.failures import FAILURES
from app.exchange.payload import encode
from app.exchange.sender import Job, Sender
from app.exchange.tries import CredentialLease
from app.observe.request_record import RequestRecord
from app.translate.dialogue import Usage
from app.translate.field_names import FieldNames
from app.translate.gigachat import paths
from app.translate.gigachat.contract import Contract
from app.upstream import client

Method = Literal["counted", "estimated"]

COUNT_SECONDS = 10.0
_IDLE_LOOK_SECONDS = 0.05  # how often a slot is looked for
_PATIENCE_SECONDS = 60.0  # an answer that could not be counted for so long is estimated
MOST_WAITING = 1000
_MOST_MODELS = 1000  # whose ratios are known: names of models come from clients
_MOST_CHARACTERS = 1024 * 1024  # of their words and of what was asked: up to 4 bytes each
_WEIGHT = 0.1
# Tokens of a byte of a payload, before the first exact answer: Russian text in UTF-8, about 8 bytes a token.
_USUAL_RATIO = 0.14


@dataclass(slots=True)
class UnfinishedAnswer:
    """What was said of an answer. `payload`: what was asked, where it is at hand; `asked_bytes`: its size."""

    record: RequestRecord
    model: str
    said: str
    asked_bytes: int
    payload: Mapping[str, Any] | None = None
    since: float = 0.0  # on the monotonic clock: when it began to wait for its count

    @property
    def size(self) -> int:
        """What is held of it."""
        return len(self.said) + (0 if self.payload is None else self.asked_bytes)


class TokenRatios:
    """Tokens of a payload's byte, by model: what exact answers have cost."""

    def __init__(self) -> None:
        self._ratios: dict[str, float] = {}

    def learn(self, model: str, size: int, tokens: int) -> None:
        """GigaChat counted so many tokens for a payload of so many bytes."""
        if size and tokens:
            before = self._ratios.get(model)
            if before is None and len(self._ratios) >= _MOST_MODELS:
                return
            ratio = tokens / size
            self._ratios[model] = ratio if before is None else before + _WEIGHT * (ratio - before)

    def estimate(self, model: str, size: int) -> int:
        """The tokens of so many bytes."""
        return round(self._ratios.get(model, _USUAL_RATIO) * size)


class UnfinishedAnswers:
    """Counts unfinished answers in the background. `tell` hears the usage of each, and how it is known."""

    def __init__(
        self,
        contract: Contract,
        sender: Sender,
        enter_idle: Callable[[], CredentialLease | None],
        tell: Callable[[RequestRecord, int, int, Method], None],
    ) -> None:
        self._contract = contract
        self._sender = sender
        self._enter_idle = enter_idle
        self._tell = tell
        self.ratios = TokenRatios()
        self._waiting: deque[UnfinishedAnswer] = deque()
        self._characters = 0
        self._wanted = asyncio.Event()

    def add(self, answer: UnfinishedAnswer) -> None:
        """Count this answer when there is time. It has no `await`, so it also runs while a request is cancelled."""
        if not answer.said:
            return
        answer.record.expect_usage()
        if len(self._waiting) >= MOST_WAITING or self._characters + answer.size > _MOST_CHARACTERS:
            self._estimate(answer)
            return
        answer.since = monotonic()
        self._characters += answer.size
        self._waiting.append(answer)
        self._wanted.set()

    async def run(self) -> None:
        """The background task. Ends only by cancellation; what is left then is estimated."""
        try:
            while True:
                await self._wanted.wait()
                try:
                    await self._count_next()
                except Exception as bug:  # noqa: BLE001 - a task that died would count nothing any more
                    report_bug(bug, "the usage of an answer could not be counted")
        finally:
            while self._waiting:
                self._estimate(self._take())

    def _take(self) -> UnfinishedAnswer:
        answer = self._waiting.popleft()
        self._characters -= answer.size
        return answer

    async def _count_next(self) -> None:
        if not self._waiting:
            self._wanted.clear()
            return
        lease = self._enter_idle()
        if lease is None:
            if monotonic() - self._waiting[0].since > _PATIENCE_SECONDS:
                self._estimate(self._take())
            else:
                await asyncio.sleep(_IDLE_LOOK_SECONDS)
            return
        answer = self._take()
        usage = None
        try:
            # the request's own record may have been told already, and its times do not count this
            usage = await self.count(answer, lease, RequestRecord(), COUNT_SECONDS)
        finally:
            lease.end()
            if usage is None:
                self._estimate(answer)
        if usage is not None:
            prompt = usage.prompt if answer.payload is not None else self._estimate_prompt(answer)
            self._tell(answer.record, prompt, usage.completion, "counted")

    async def count(
        self, answer: UnfinishedAnswer, lease: CredentialLease, record: RequestRecord, seconds: float
    ) -> Usage | None:
        """GigaChat's own count, in so many seconds; None when it can't count. `record` is told its times and status."""
        asked = answer.payload if answer.payload is not None else {"model": answer.model, "messages": []}
        body = encode(self._contract.write_count(asked, answer.said), FieldNames())
        job = Job("tokens", paths.COUNT, body, {"X-Request-ID": answer.record.request_id})
        try:
            async with asyncio.timeout(seconds):
                response = await self._sender.send(job, record, lease.credential)
                return self._contract.read_count(await client.read_body(response, client.MAX_LIST_BYTES))
        except (*FAILURES, GatewayError, TimeoutError):
            return None

    def _estimate_prompt(self, answer: UnfinishedAnswer) -> int:
        return self.ratios.estimate(answer.model, answer.asked_bytes)

    def _estimate(self, answer: UnfinishedAnswer) -> None:
        completion = self.ratios.estimate(answer.model, len(answer.said.encode("utf-8", "replace")))
        self._tell(answer.record, self._estimate_prompt(answer), completion, "estimated")
