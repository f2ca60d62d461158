"""Metrics and log lines about GigaChat and its tokens. Each change of state writes one line."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from math import nan

from app import errors
from app.observe.credentials import CredentialObserver
from app.observe.labels import OPERATIONS, TOKEN_SOURCES
from app.observe.logs import LOGGER, fields
from app.observe.metrics import Metrics
from app.observe.streak import Streak


@dataclass(slots=True)
class UpstreamObserver:
    """Receives the events of `app.upstream`, which knows neither logs nor metrics."""

    metrics: Metrics
    health: CredentialObserver
    streak: Streak
    credential: str = field(init=False)
    _source: str = "none"

    def __post_init__(self) -> None:
        self.credential = self.health.label
        for source in TOKEN_SOURCES:
            self.metrics.token_source.labels(self.credential, source).set(1 if source == "none" else 0)
        for result in ("success", "failure"):
            for reason in ("startup", "scheduled", "unauthorized"):
                self.metrics.refreshes.labels(self.credential, result, reason)
        self.metrics.token_failures.labels(self.credential).set(0)
        # Not known yet: there may be no ready token, and GigaChat has neither accepted nor refused one.
        self.metrics.fallback_usable.set(nan)
        for operation in OPERATIONS:
            for code in ("200", "401", "402", "403", "429", "500", "other"):
                self.metrics.upstream_requests.labels(operation, code, self.credential)

    def renewed(self, source: str, reason: str, life: float, took: float) -> None:
        """A new token came. `life`: the seconds until it expires; `took`: the seconds of the request."""
        now, metrics = time.time(), self.metrics
        self._record_attempt(reason, "success", took)
        metrics.token_failures.labels(self.credential).set(0)
        metrics.token_last_success.labels(self.credential).set(now)
        metrics.token_expiry.labels(self.credential, source).set(now + life - took)
        metrics.upstream_requests.labels("oauth", "200", self.credential).inc()
        self.health.record_key_verdict(accepted=True)
        metrics.upstream_up.labels("oauth").set(1)
        LOGGER.info("token renewed", extra=fields(credential=self.credential, source=source, reason=reason, life=life))

    def failed(self, reason: str, failure: Exception, took: float) -> None:
        """An attempt to get a token failed."""
        self._record_attempt(reason, "failure", took)
        self.metrics.token_failures.labels(self.credential).inc()
        status = getattr(failure, "status", None)
        code = "other" if status is None else self.metrics.code(status)
        if getattr(failure, "refused", False):
            self.health.record_key_verdict(accepted=False)
        self.metrics.upstream_requests.labels("oauth", code, self.credential).inc()
        self.metrics.upstream_up.labels("oauth").set(0 if status is None or status >= 500 else 1)
        LOGGER.error("no token from OAuth", extra=fields(credential=self.credential, reason=reason, why=str(failure)))

    def source_changed(self, source: str) -> None:
        """The tokens of the next requests come from another source."""
        self.metrics.token_source.labels(self.credential, self._source).set(0)
        self.metrics.token_source.labels(self.credential, source).set(1)
        extra = fields(credential=self.credential, source=source, before=self._source)
        self._source = source
        self.health.record_source(source)
        if source == "none":
            LOGGER.error("no usable token: requests are answered 503", extra=extra)
            return
        self.streak.end_cause(errors.NO_TOKEN.error_type)
        if source == "ready":
            LOGGER.warning("serving with the ready token, which cannot be renewed", extra=extra)
        else:
            LOGGER.info("serving with a token of the first level", extra=extra)

    def ready_judged(self, usable: bool) -> None:
        """GigaChat has accepted or refused the ready token."""
        self.metrics.fallback_usable.set(1 if usable else 0)
        if usable:
            LOGGER.info("the ready token works")
        else:
            LOGGER.warning("GigaChat does not accept the ready token: there is no second level. Give a new one")

    def became_unavailable(self, detail: str) -> None:
        """GigaChat has stopped answering. `detail`: the reason."""
        self.metrics.upstream_up.labels("api").set(0)
        LOGGER.error("GigaChat is gone", extra=fields(why=detail))

    def became_available(self, seconds: float | None) -> None:
        """GigaChat answers again after so many seconds; None: for the first time."""
        self.metrics.upstream_up.labels("api").set(1)
        self.streak.end_cause(errors.UPSTREAM_UNREACHABLE.error_type)
        if seconds is not None:
            LOGGER.info("GigaChat is back", extra=fields(gone_seconds=seconds))

    def _record_attempt(self, reason: str, result: str, took: float) -> None:
        self.metrics.refreshes.labels(self.credential, result, reason).inc()
        self.metrics.refresh_duration.labels(self.credential).observe(took)
