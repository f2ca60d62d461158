"""One request at its end: its metrics and, through `lines`, its log line, from the same facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from prometheus_client import Counter, Gauge

from app.observe import lines, slo
from app.observe.capture import Capture
from app.observe.facts import Facts
from app.observe.histograms import Bins
from app.observe.labels import TOKEN_TYPES
from app.observe.metrics import Metrics
from app.observe.streak import Streak

Add = Callable[[float], None]

_ANSWERING = frozenset({"chat", "embeddings"})  # endpoints that ask GigaChat


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The series of one kind of request, found once: looking labels up costs more than counting."""

    requests: Callable[[], None]
    duration: Bins
    overhead: Add
    slo: Callable[[], None]
    body_bytes: Add


@dataclass(frozen=True, slots=True)
class _Asked:
    """The series of one model, for requests that reached GigaChat."""

    duration: Add
    gaps: Bins
    first_token: Add
    upstream_first_token: Add
    tokens: tuple[tuple[Add, Add], ...]  # in the order of TOKEN_TYPES: of all, of one request


class RequestObserver:
    """Tells of finished requests. Its tables grow with the labels' domains, which are bounded.

    `sample`: the share of log lines of good requests that is written.
    """

    def __init__(self, metrics: Metrics, *, sample: float = 1.0) -> None:
        self.metrics = metrics
        self._sample = sample
        self._outcomes: dict[tuple[str, bool, str, str], _Outcome] = {}
        self._in_flight: dict[str, Gauge] = {}
        self._asked: dict[tuple[str, str, str], _Asked] = {}
        self._chunks: dict[str, Counter] = {}
        self._first_token = {result: metrics.slo.labels("ttft", result).inc for result in ("good", "bad", "excluded")}
        self.streak = Streak(metrics.consecutive_failures)
        self._capture = Capture()
        metrics.capture_ratio.set_function(self._capture.ratio)

    def in_flight(self, endpoint: str) -> Gauge:
        """The gauge of requests under way."""
        found = self._in_flight.get(endpoint)
        if found is None:
            found = self._in_flight[endpoint] = self.metrics.in_flight.labels(endpoint)
        return found

    def tell(self, facts: Facts, route: str, method: str) -> None:
        """Count and log a finished request. No `await`: it also runs while the request is being cancelled."""
        now = monotonic()
        seconds, upstream = now - facts.received, facts.upstream_seconds(now)
        overhead = max(0.0, seconds - upstream - facts.files_seconds)
        # A request that stands out has its line for certain: its id may be an exemplar.
        worth = facts.error_type is not None or slo.slow(facts, now, overhead)
        self._count(facts, seconds, overhead, {"request_id": facts.request_id} if worth else None)
        if facts.endpoint in _ANSWERING:
            self.streak.tell(facts)
        if facts.stream:
            self._first_token[slo.first_token(facts, now)]()
        if facts.upstream_started is not None:
            self._count_upstream(facts, facts.upstream_started, upstream)
        if worth or lines.kept(facts.request_id, self._sample):
            share = None if worth or self._sample == 1.0 else self._sample
            lines.write(facts, route, method, now, upstream, share)

    def _count(self, facts: Facts, seconds: float, overhead: float, exemplar: dict[str, str] | None) -> None:
        metrics, endpoint = self.metrics, facts.endpoint
        outcome = self._outcome(facts)
        outcome.requests()
        outcome.duration.observe(seconds, exemplar)
        outcome.overhead(overhead)
        outcome.slo()
        if facts.body_bytes:
            outcome.body_bytes(facts.body_bytes)
        if facts.error_type is not None:
            metrics.errors.labels(endpoint, facts.error_type).inc(exemplar=exemplar)
        if facts.aborted_by is not None and facts.stream:
            metrics.aborts.labels(endpoint, facts.aborted_by).inc()
        if facts.dropped_params:
            for name, count in facts.dropped_params.items():
                metrics.dropped_params.labels(endpoint, metrics.param(name)).inc(count)

    def _count_upstream(self, facts: Facts, started: float, upstream: float) -> None:
        asked = self._of_model(facts)
        asked.duration(upstream)
        if facts.stream:
            self._count_stream(facts, asked, started)
        if facts.gaps is not None:
            asked.gaps.join(facts.gaps)
        method = facts.usage_method()
        if facts.cut or facts.aborted_by is not None:
            self.metrics.abort_usage.labels(method).inc()
        if facts.status == 200 or facts.tokens is not None or facts.first_token is not None:  # there was an answer
            self._capture.add(exact=method == "upstream")
        if facts.tokens is not None:
            for (of_all, of_one), count in zip(asked.tokens, facts.tokens, strict=True):
                if count:
                    of_all(count)
                    of_one(count)

    def _count_stream(self, facts: Facts, asked: _Asked, started: float) -> None:
        chunks = self._chunks.get(facts.endpoint)
        if chunks is None:
            chunks = self._chunks[facts.endpoint] = self.metrics.chunks.labels(facts.endpoint)
        chunks.inc(facts.chunks)
        if facts.keepalives:
            self.metrics.keepalives.labels(facts.endpoint).inc(facts.keepalives)
        if facts.first_token is not None:
            asked.first_token(facts.first_token - facts.received)
            asked.upstream_first_token(facts.first_token - started)

    def _outcome(self, facts: Facts) -> _Outcome:
        code, result = self.metrics.code(facts.status), slo.availability(facts)
        key = (facts.endpoint, facts.stream, code, result)
        found = self._outcomes.get(key)
        if found is None:
            labels = (facts.endpoint, "true" if facts.stream else "false")
            found = self._outcomes[key] = _Outcome(
                self.metrics.requests.labels(*labels, code).inc,
                self.metrics.duration.labels(*labels),
                self.metrics.overhead.labels(*labels).observe,
                self.metrics.slo.labels("availability", result).inc,
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
                metrics.gaps.labels(model),
                metrics.first_token.labels(model).observe,
                metrics.upstream_first_token.labels(model).observe,
                tuple(
                    (metrics.tokens.labels(kind, model, tenant).inc, metrics.request_tokens.labels(kind).observe)
                    for kind in TOKEN_TYPES
                ),
            )
        return found
