"""One request at its end: one log line and its metrics, from the same facts."""

from __future__ import annotations

import logging
from time import monotonic

from app.observe.facts import Facts
from app.observe.logs import LOGGER, fields
from app.observe.metrics import Metrics


def tell(facts: Facts, metrics: Metrics, route: str, method: str) -> None:
    """Count and log a finished request. No `await`: it also runs while the request is being cancelled."""
    now = monotonic()
    _count(facts, metrics, now)
    level = logging.ERROR if facts.slo_bad else logging.INFO
    if LOGGER.isEnabledFor(level):
        LOGGER.log(level, "request", extra=fields(**_line(facts, route, method, now)))


def _count(facts: Facts, metrics: Metrics, now: float) -> None:
    endpoint, stream = facts.endpoint, "true" if facts.stream else "false"
    upstream = facts.upstream_seconds(now)
    metrics.requests.labels(endpoint, stream, metrics.code(facts.status)).inc()
    metrics.duration.labels(endpoint, stream).observe(now - facts.received)
    metrics.overhead.labels(endpoint, stream).observe(max(0.0, now - facts.received - upstream))
    metrics.slo.labels("availability", _slo(facts)).inc()
    if facts.body_bytes:
        metrics.body_bytes.labels(endpoint).observe(facts.body_bytes)
    if facts.error_type is not None:
        metrics.errors.labels(endpoint, facts.error_type).inc()
    if facts.aborted_by is not None and facts.stream:
        metrics.aborts.labels(endpoint, facts.aborted_by).inc()
    for param in facts.dropped_params:
        metrics.dropped_params.labels(endpoint, param).inc()
    if facts.upstream_started is not None:
        _count_upstream(facts, metrics, upstream)


def _count_upstream(facts: Facts, metrics: Metrics, upstream: float) -> None:
    model = metrics.model(facts.model)
    metrics.upstream_duration.labels(facts.endpoint, model).observe(upstream)
    if facts.stream:
        metrics.chunks.labels(facts.endpoint).inc(facts.chunks)
        if facts.keepalives:
            metrics.keepalives.labels(facts.endpoint).inc(facts.keepalives)
        if facts.first_token is not None and facts.upstream_started is not None:
            metrics.first_token.labels(model).observe(facts.first_token - facts.received)
            metrics.upstream_first_token.labels(model).observe(facts.first_token - facts.upstream_started)
    if facts.tokens is not None:
        tenant = metrics.tenant(facts.tenant)
        for kind, count in (
            ("prompt", facts.tokens.prompt),
            ("completion", facts.tokens.completion),
            ("cached", facts.tokens.cached),
        ):
            if count:
                metrics.tokens.labels(kind, model, tenant).inc(count)


def _slo(facts: Facts) -> str:
    if facts.slo_bad:
        return "bad"
    return "good" if facts.error_type is None else "excluded"


def _line(facts: Facts, route: str, method: str, now: float) -> dict[str, object]:
    tokens = facts.tokens
    return {
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
        "upstream_seconds": round(facts.upstream_seconds(now), 4),
        "first_token_seconds": None if facts.first_token is None else round(facts.first_token - facts.received, 4),
        "upstream_status": facts.upstream_status,
        "tries": facts.tries or None,
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
