"""Reports a finished request: its metrics and, through `access_log`, its log line, both from the same record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from app.observe import access_log, slo
from app.observe.capture import UsageCapture
from app.observe.counters import Value
from app.observe.histograms import Series
from app.observe.labels import TOKEN_TYPES
from app.observe.metrics import Metrics
from app.observe.request_record import RequestRecord
from app.observe.streak import Streak

Add = Callable[[float], None]

_GIGACHAT_ENDPOINTS = frozenset({"chat", "embeddings"})  # endpoints that ask GigaChat


@dataclass(frozen=True, slots=True)
class _OutcomeSeries:
    """The series of one kind of request. They are cached: to look up labels costs more than to count."""

    count: Callable[[], None]
    duration: Series
    observe_overhead: Add
    count_objective: Callable[[], None]
    observe_body: Add


@dataclass(frozen=True, slots=True)
class _ModelSeries:
    """The series of one endpoint, model and tenant, for requests that reached GigaChat."""

    observe_duration: Add
    gaps: Series
    observe_first_token: Add
    observe_upstream_first_token: Add
    tokens: tuple[tuple[Add, Add], ...]  # counter and histogram of each token type, in the order of TOKEN_TYPES


class RequestObserver:
    """Reports finished requests. Its caches grow with the values of the labels, which are limited.

    `sample`: the fraction of log lines that is written for requests that succeeded and were not slow.
    """

    def __init__(self, metrics: Metrics, *, sample: float = 1.0) -> None:
        self.metrics = metrics
        self._sample = sample
        self._outcome_series: dict[tuple[str, bool, str, str], _OutcomeSeries] = {}
        self._in_flight: dict[str, Value] = {}
        self._model_series: dict[tuple[str, str, str], _ModelSeries] = {}
        self._chunks: dict[str, Value] = {}
        self._first_token = {result: metrics.slo.labels("ttft", result).inc for result in ("good", "bad", "excluded")}
        self.streak = Streak(metrics.consecutive_failures)
        self._usage_capture = UsageCapture()
        metrics.capture_ratio.set_function(self._usage_capture.ratio)

    def in_flight(self, endpoint: str) -> Value:
        """The gauge of requests that are being served."""
        gauge = self._in_flight.get(endpoint)
        if gauge is None:
            gauge = self._in_flight[endpoint] = self.metrics.in_flight.labels(endpoint)
        return gauge

    def report(self, record: RequestRecord, route: str, method: str, *, quiet: bool = False) -> None:
        """Count and log a finished request. It has no `await`, so it also runs while the request is being cancelled.

        `quiet`: write no log line.
        """
        now = monotonic()
        seconds, upstream = now - record.received, record.upstream_seconds(now)
        overhead = max(0.0, seconds - upstream - record.files_seconds - record.unread_seconds)
        # The line of a failed or slow request is always written: its id may be an exemplar.
        is_notable = record.error_type is not None or slo.is_slow(record, now, overhead)
        self._count_request(record, seconds, overhead, {"request_id": record.request_id} if is_notable else None)
        if record.endpoint in _GIGACHAT_ENDPOINTS:
            self.streak.tell(record)
        if record.stream:
            self._first_token[slo.judge_first_token(record, now)]()
        if record.upstream_started is not None:
            self._count_upstream(record, record.upstream_started, upstream)
        if not quiet and (is_notable or access_log.is_sampled(record.request_id, self._sample)):
            sample = None if is_notable or self._sample == 1.0 else self._sample
            access_log.log_request(record, route, method, now, upstream, sample)

    def _count_request(
        self, record: RequestRecord, seconds: float, overhead: float, exemplar: dict[str, str] | None
    ) -> None:
        metrics, endpoint = self.metrics, record.endpoint
        series = self._find_outcome_series(record)
        series.count()
        series.duration.observe(seconds, exemplar)
        series.observe_overhead(overhead)
        series.count_objective()
        if record.body_bytes:
            series.observe_body(record.body_bytes)
        if record.error_type is not None:
            errors = metrics.errors.labels(endpoint, record.error_type)
            errors.inc()
            if exemplar is not None:
                errors.keep_exemplar(exemplar)
        if record.aborted_by is not None and record.stream:
            metrics.aborts.labels(endpoint, record.aborted_by).inc()
        if record.dropped_params:
            for name, count in record.dropped_params.items():
                metrics.dropped_params.labels(endpoint, metrics.param(name)).inc(count)

    def _count_upstream(self, record: RequestRecord, started: float, upstream: float) -> None:
        series = self._find_model_series(record)
        series.observe_duration(upstream)
        if record.stream:
            self._count_stream(record, series, started)
        if record.gaps is not None:
            series.gaps.merge(record.gaps)
        if record.leaked_calls:
            self.metrics.leaked_calls.labels(self.metrics.model(record.model)).inc(record.leaked_calls)
        method = record.usage_method()
        if record.cut or record.aborted_by is not None:
            self.metrics.abort_usage.labels(method).inc()
        if record.status == 200 or record.tokens is not None or record.first_token is not None:  # there was an answer
            self._usage_capture.add(exact=method == "upstream")
        if record.tokens is not None:
            for (add_total, observe_request), count in zip(series.tokens, record.tokens, strict=True):
                if count:
                    add_total(count)
                    observe_request(count)

    def _count_stream(self, record: RequestRecord, series: _ModelSeries, started: float) -> None:
        chunks = self._chunks.get(record.endpoint)
        if chunks is None:
            chunks = self._chunks[record.endpoint] = self.metrics.chunks.labels(record.endpoint)
        chunks.inc(record.chunks)
        if record.keepalives:
            self.metrics.keepalives.labels(record.endpoint).inc(record.keepalives)
        if record.first_token is not None:
            series.observe_first_token(record.first_token - record.received)
            series.observe_upstream_first_token(record.first_token - started)

    def _find_outcome_series(self, record: RequestRecord) -> _OutcomeSeries:
        code, result = self.metrics.code(record.status), slo.judge_availability(record)
        key = (record.endpoint, record.stream, code, result)
        series = self._outcome_series.get(key)
        if series is None:
            labels = (record.endpoint, "true" if record.stream else "false")
            series = self._outcome_series[key] = _OutcomeSeries(
                self.metrics.requests.labels(*labels, code).inc,
                self.metrics.duration.labels(*labels),
                self.metrics.overhead.labels(*labels).observe,
                self.metrics.slo.labels("availability", result).inc,
                self.metrics.body_bytes.labels(record.endpoint).observe,
            )
        return series

    def _find_model_series(self, record: RequestRecord) -> _ModelSeries:
        metrics, model, tenant = self.metrics, self.metrics.model(record.model), self.metrics.tenant(record.tenant)
        key = (record.endpoint, model, tenant)
        series = self._model_series.get(key)
        if series is None:
            series = self._model_series[key] = _ModelSeries(
                metrics.upstream_duration.labels(record.endpoint, model).observe,
                metrics.gaps.labels(model),
                metrics.first_token.labels(model).observe,
                metrics.upstream_first_token.labels(model).observe,
                tuple(
                    (metrics.tokens.labels(kind, model, tenant).inc, metrics.request_tokens.labels(kind).observe)
                    for kind in TOKEN_TYPES
                ),
            )
        return series
