"""Reports a finished request: its metrics and, through `access_log`, its log line, both from the same record."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from app.observe import access_log, slo
from app.observe.capture import UsageCapture
from app.observe.counters import Value
from app.observe.histograms import Series
from app.observe.labels import RESULTS, TOKEN_TYPES
from app.observe.logs import LOGGER, fields
from app.observe.metrics import Metrics
from app.observe.request_record import RequestRecord
from app.observe.streak import Streak

_GIGACHAT_ENDPOINTS = frozenset({"chat", "embeddings"})  # endpoints that ask GigaChat


@dataclass(frozen=True, slots=True)
class _OutcomeSeries:
    """The series of one kind of request. They are cached: to look up labels costs more than to count."""

    requests: Value
    objective: Value
    duration: Series
    overhead: Series
    body: Series


@dataclass(frozen=True, slots=True)
class _ModelSeries:
    """The series of one endpoint, model and tenant, for requests that reached GigaChat."""

    duration: Series
    gaps: Series
    first_token: Series
    upstream_first_token: Series
    tokens: tuple[tuple[Value, Series], ...]  # of each token type, in the order of TOKEN_TYPES


class RequestObserver:
    """Reports finished requests. Its caches grow with the values of the labels, which are limited.

    `sample`: the fraction of log lines that is written for requests that succeeded and were not slow.
    """

    def __init__(self, metrics: Metrics, *, sample: float = 1.0) -> None:
        self.metrics = metrics
        self._sample = sample
        # By what a record says. What has no label of its own is not cached: there is no end of it.
        self._outcomes: dict[tuple[str, bool, int, str | None, bool], _OutcomeSeries] = {}
        self._models: dict[tuple[str, str | None, str], _ModelSeries] = {}
        self._in_flight: dict[str, Value] = {}
        self._first_token = {result: metrics.slo.labels("ttft", result) for result in RESULTS}
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
        record.is_reported = True
        record.end_waiting()
        now = monotonic()
        seconds, upstream = now - record.received, record.upstream_seconds(now)
        others = record.queue_seconds + record.files_seconds + record.unread_seconds
        overhead = max(0.0, seconds - upstream - others)
        first_token = slo.judge_first_token(record, now) if record.stream else None
        # The line of a failed or slow request is always written: its id may be an exemplar.
        is_notable = record.error_type is not None or slo.is_slow(seconds, overhead, first_token)
        self._count_request(record, seconds, overhead, {"request_id": record.request_id} if is_notable else None)
        if record.endpoint in _GIGACHAT_ENDPOINTS:
            self.streak.tell(record)
        if first_token is not None:
            self._first_token[first_token].inc()
        if record.upstream_started is not None:
            self._count_upstream(record, upstream)
        if not quiet:
            sample = None if is_notable or self._sample == 1.0 else self._sample
            if sample is None or access_log.is_sampled(record.request_id, sample):
                access_log.log_request(record, route, method, now, upstream, sample)

    def report_run(self, record: RequestRecord) -> None:
        """Count what an answer has cost that came to its end after its client had left."""
        tokens = record.tokens
        if not record.is_reported:
            record.awaits_usage = False
        elif tokens is not None:
            self.report_late_usage(record, tokens.prompt, tokens.completion, "upstream")

    def report_late_usage(self, record: RequestRecord, prompt: int, completion: int, method: str) -> None:
        """Count what an answer has cost that broke off; its request may be reported already.

        `method`: how that is known, a value of the metric's label.
        """
        series = self._find_model_series(record.endpoint, record.model, self.metrics.tenant(record.tenant))
        for (total, per_request), count in zip(series.tokens, (prompt, completion), strict=False):
            total.inc(count)
            per_request.observe(count)
        self.metrics.abort_usage.labels(method).inc()
        self._usage_capture.add(exact=False)
        told = fields(
            request_id=record.request_id,
            tenant=record.tenant,
            model=record.model,
            prompt_tokens=prompt,
            completion_tokens=completion,
            method=method,
        )
        LOGGER.info("usage of an abandoned answer", extra=told)

    def _count_request(
        self, record: RequestRecord, seconds: float, overhead: float, exemplar: dict[str, str] | None
    ) -> None:
        key = record.endpoint, record.stream, record.status, record.error_type, record.slo_bad
        series = self._outcomes.get(key) or self._find_outcome_series(record, key)
        series.requests.number += 1
        series.objective.number += 1
        series.duration.observe(seconds)
        series.overhead.observe(overhead)
        if record.body_bytes:
            series.body.observe(record.body_bytes)
        if exemplar is not None:
            series.duration.keep_exemplar(exemplar, seconds)
            if record.error_type is not None:
                errors = self.metrics.errors.labels(record.endpoint, record.error_type)
                errors.inc()
                errors.keep_exemplar(exemplar)
        if record.aborted_by is not None and record.stream:
            self.metrics.aborts.labels(record.endpoint, record.aborted_by).inc()
        if record.dropped_params:
            for name, count in record.dropped_params.items():
                self.metrics.dropped_params.labels(record.endpoint, self.metrics.param(name)).inc(count)

    def _count_upstream(self, record: RequestRecord, upstream: float) -> None:
        key = record.endpoint, record.model, self.metrics.tenant(record.tenant)
        series = self._models.get(key) or self._find_model_series(*key)
        series.duration.observe(upstream)
        if record.stream:
            self._count_stream(record, series)
        if record.leaked_calls:
            self.metrics.leaked_calls.labels(self.metrics.model(record.model)).inc(record.leaked_calls)
        if (record.cut or record.aborted_by is not None) and not record.awaits_usage:
            self.metrics.abort_usage.labels(record.usage_method()).inc()
        if record.tokens is not None:
            self._usage_capture.add(exact=not record.cut)
            for (total, per_request), count in zip(series.tokens, record.tokens, strict=True):
                if count:
                    total.number += count
                    per_request.observe(count)
        elif not record.awaits_usage and (record.status == 200 or record.first_token is not None):  # an answer
            self._usage_capture.add(exact=False)

    def _count_stream(self, record: RequestRecord, series: _ModelSeries) -> None:
        self.metrics.chunks.labels(record.endpoint).inc(record.chunks)
        if record.keepalives:
            self.metrics.keepalives.labels(record.endpoint).inc(record.keepalives)
        if record.gaps is not None:
            series.gaps.merge(record.gaps)
        if record.first_token is not None:
            series.first_token.observe(record.first_token - record.received)
            series.upstream_first_token.observe(record.first_token_seconds)

    def _find_outcome_series(
        self, record: RequestRecord, key: tuple[str, bool, int, str | None, bool]
    ) -> _OutcomeSeries:
        code, result = self.metrics.code(record.status), slo.judge_availability(record)
        labels = (record.endpoint, "true" if record.stream else "false")
        series = _OutcomeSeries(
            self.metrics.requests.labels(*labels, code),
            self.metrics.slo.labels("availability", result),
            self.metrics.duration.labels(*labels),
            self.metrics.overhead.labels(*labels),
            self.metrics.body_bytes.labels(record.endpoint),
        )
        if code == str(record.status):
            self._outcomes[key] = series
        return series

    def _find_model_series(self, endpoint: str, name: str | None, tenant: str) -> _ModelSeries:
        metrics, model = self.metrics, self.metrics.model(name)
        series = _ModelSeries(
            metrics.upstream_duration.labels(endpoint, model),
            metrics.gaps.labels(model),
            metrics.first_token.labels(model),
            metrics.upstream_first_token.labels(model),
            tuple(
                (metrics.tokens.labels(kind, model, tenant), metrics.request_tokens.labels(kind))
                for kind in TOKEN_TYPES
            ),
        )
        if model == name:
            self._models[endpoint, name, tenant] = series
        return series
