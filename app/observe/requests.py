"""One request at its end: one log line and its metrics, from the same facts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from prometheus_client import Gauge

from app.observe import logs
from app.observe.facts import Facts
from app.observe.metrics import TOKEN_TYPES, Metrics

Add = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The series of one kind of request, found once: looking labels up costs more than counting."""

    requests: Callable[[], None]
    duration: Add
    overhead: Add
    slo: Callable[[], None]
    body_bytes: Add


@dataclass(frozen=True, slots=True)
class _Asked:
    """The series of one model, for requests that reached GigaChat."""

    duration: Add
    first_token: Add
    upstream_first_token: Add
    tokens: tuple[Add, ...]  # in the order of TOKEN_TYPES


class RequestObserver:
    """Tells of finished requests. Its tables grow with the labels' domains, which are bounded."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._outcomes: dict[tuple[str, bool, str, str], _Outcome] = {}
        self._in_flight: dict[str, Gauge] = {}
        self._asked: dict[tuple[str, str, str], _Asked] = {}

    def in_flight(self, endpoint: str) -> Gauge:
        """The gauge of requests under way."""
        found = self._in_flight.get(endpoint)
        if found is None:
            found = self._in_flight[endpoint] = self.metrics.in_flight.labels(endpoint)
        return found

    def tell(self, facts: Facts, route: str, method: str) -> None:
        """Count and log a finished request. No `await`: it also runs while the request is being cancelled."""
        now = monotonic()
        upstream = facts.upstream_seconds(now)
        self._count(facts, now - facts.received, upstream)
        level = logging.ERROR if facts.slo_bad else logging.INFO
        logs.often(level, "request", _line(facts, route, method, now, upstream))

    def _count(self, facts: Facts, seconds: float, upstream: float) -> None:
        metrics, endpoint = self.metrics, facts.endpoint
        outcome = self._outcome(facts)
        outcome.requests()
        outcome.duration(seconds)
        outcome.overhead(max(0.0, seconds - upstream - facts.files_seconds))
        outcome.slo()
        if facts.body_bytes:
            outcome.body_bytes(facts.body_bytes)
        if facts.error_type is not None:
            metrics.errors.labels(endpoint, facts.error_type).inc()
        if facts.aborted_by is not None and facts.stream:
            metrics.aborts.labels(endpoint, facts.aborted_by).inc()
        for param, count in (facts.dropped_params or {}).items():
            metrics.dropped_params.labels(endpoint, param).inc(count)
        if facts.upstream_started is not None:
            self._count_upstream(facts, facts.upstream_started, upstream)

    def _count_upstream(self, facts: Facts, started: float, upstream: float) -> None:
        asked = self._of_model(facts)
        asked.duration(upstream)
        if facts.stream:
            self.metrics.chunks.labels(facts.endpoint).inc(facts.chunks)
            if facts.keepalives:
                self.metrics.keepalives.labels(facts.endpoint).inc(facts.keepalives)
            if facts.first_token is not None:
                asked.first_token(facts.first_token - facts.received)
                asked.upstream_first_token(facts.first_token - started)
        if facts.tokens is not None:
            for add, count in zip(asked.tokens, facts.tokens, strict=True):
                if count:
                    add(count)

    def _outcome(self, facts: Facts) -> _Outcome:
        code, slo = self.metrics.code(facts.status), _slo(facts)
        key = (facts.endpoint, facts.stream, code, slo)
        found = self._outcomes.get(key)
        if found is None:
            labels = (facts.endpoint, "true" if facts.stream else "false")
            found = self._outcomes[key] = _Outcome(
                self.metrics.requests.labels(*labels, code).inc,
                self.metrics.duration.labels(*labels).observe,
                self.metrics.overhead.labels(*labels).observe,
                self.metrics.slo.labels("availability", slo).inc,
                self.metrics.body_bytes.labels(facts.endpoint).observe,
            )
        return found

    def _of_model(self, facts: Facts) -> _Asked:
        metrics, model, tenant = self.metrics, self.metrics.model(facts.model), self.metrics.tenant(facts.tenant)
        key = (facts.endpoint, model, tenant)
        found = self._asked.get(key)
        if found is None:
            found = self._asked[key] = _Asked(
                metrics.upstream_duration.labels(facts.endpoint, model).observe,
                metrics.first_token.labels(model).observe,
                metrics.upstream_first_token.labels(model).observe,
                tuple(metrics.tokens.labels(kind, model, tenant).inc for kind in TOKEN_TYPES),
            )
        return found


def _slo(facts: Facts) -> str:
    if facts.slo_bad:
        return "bad"
    return "good" if facts.error_type is None else "excluded"


def _line(facts: Facts, route: str, method: str, now: float, upstream: float) -> dict[str, object]:
    """The line's fields: what was not there is left out, but for the few that a reader counts on."""
    tokens = facts.tokens
    line: dict[str, object] = {
        "request_id": facts.request_id,
        "client_request_id": facts.client_request_id,
        "method": method,
        "route": route,
        "tenant": facts.tenant,
        "model_asked": facts.model_asked,
        "model": facts.model,
        "status": facts.status,
        "wire_status": facts.wire_status,
        "stream": facts.stream,
        "seconds": round(now - facts.received, 4),
        "upstream_seconds": round(upstream, 4),
        "first_token_seconds": None if facts.first_token is None else round(facts.first_token - facts.received, 4),
        "upstream_status": facts.upstream_status,
        "tries": facts.tries or None,
        "files": facts.files or None,
        "uploads": facts.uploads or None,
        "files_seconds": round(facts.files_seconds, 4) if facts.files else None,
        "prompt_tokens": tokens.prompt if tokens else None,
        "completion_tokens": tokens.completion if tokens else None,
        "cached_tokens": tokens.cached if tokens else None,
        "finish": facts.finish,
        "adapted": facts.adapted or None,
        "dropped": facts.dropped or None,
        "error_type": facts.error_type,
        "error": facts.detail,
        "aborted_by": facts.aborted_by,
    }
    return {name: value for name, value in line.items() if value is not None}
