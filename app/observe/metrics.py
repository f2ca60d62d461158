"""The metric families and the labels they may bear. Names are contracts: dashboards and alerts rely on them.

Every label's domain is bounded: a value outside it becomes `other` and is counted in `label_overflow_total`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from app.errors import ERROR_TYPES, STATUSES

PREFIX = "gpt2giga_proxy"
ENDPOINTS = ("chat", "embeddings", "models", "other")
STREAMED = ("chat",)  # the endpoints that can answer with a stream
OPERATIONS = ("oauth", "chat", "embeddings", "models", "files", "tokens", "other")
SOURCES = ("oauth", "password", "mtls", "ready", "none")
SIDES = ("client", "upstream", "idle_timeout", "shutdown")
TOKEN_TYPES = ("prompt", "completion", "cached")
MAX_MODELS = 24

_LATENCY = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 45, 60, 90, 120, 180, 300, 600)
_OVERHEAD = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
_FIRST_TOKEN = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 13, 20, 30, 60)
_REFRESH = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30)
_BODY = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
_STREAM = ("true", "false")
# What GigaChat answers beyond the statuses that clients get: operators watch for each.
_UPSTREAM_STATUSES = (402, 403, 422, 423)

disable_created_metrics()  # type: ignore[no-untyped-call] # every counter would have a twin that says when it was made


@cache
def shared() -> Metrics:
    """The process's families: prometheus-async renders the one default registry, so there is one set of them."""
    return Metrics()


class Metrics:
    """All families, in prometheus_client's default registry."""

    def __init__(self) -> None:
        self._models: set[str] = set()
        self._codes = {str(status) for status in (*STATUSES, *_UPSTREAM_STATUSES)}
        self._requests()
        self._upstream()
        self._tokens()

    def _requests(self) -> None:
        self.requests = self._counter("requests", "Finished requests.", "endpoint", "stream", "code")
        self.duration = self._histogram("request_duration_seconds", "Whole requests.", _LATENCY, "endpoint", "stream")
        self.overhead = self._histogram(
            "overhead_seconds", "The gateway's own share of a request.", _OVERHEAD, "endpoint", "stream"
        )
        self.body_bytes = self._histogram("request_body_bytes", "Sizes of requests.", _BODY, "endpoint")
        self.errors = self._counter("errors", "Requests that failed, by cause.", "endpoint", "error_type")
        self.in_flight = self._gauge("in_flight_requests", "Requests under way.", "endpoint")
        self.aborts = self._counter("stream_aborts", "Streams that did not come to their end.", "endpoint", "side")
        self.chunks = self._counter("stream_chunks", "Events sent to clients.", "endpoint")
        self.keepalives = self._counter("stream_keepalives", "Comment lines sent while GigaChat thinks.", "endpoint")
        self.dropped_params = self._counter("dropped_params", "Fields left out and told.", "endpoint", "param")
        self.slo = self._counter("slo_events", "What counts for and against the objectives.", "slo", "result")
        self.label_overflow = self._counter("label_overflow", "Label values outside their domain.", "label")
        self._from_zero()

    def _from_zero(self) -> None:
        """Every series whose labels are known beforehand: an alert on an increase needs the 0 before the first one."""
        for endpoint in ENDPOINTS:
            self.in_flight.labels(endpoint)
            self.body_bytes.labels(endpoint)
            for error_type in ERROR_TYPES:
                self.errors.labels(endpoint, error_type)
            for stream in _STREAM if endpoint in STREAMED else _STREAM[1:]:
                self.duration.labels(endpoint, stream)
                self.overhead.labels(endpoint, stream)
                for code in (*STATUSES, "other"):
                    self.requests.labels(endpoint, stream, str(code))
        for endpoint in STREAMED:
            self.chunks.labels(endpoint)
            self.keepalives.labels(endpoint)
            for side in SIDES:
                self.aborts.labels(endpoint, side)
        for result in ("good", "bad", "excluded"):
            self.slo.labels("availability", result)
        for label in ("model", "code"):
            self.label_overflow.labels(label)

    def _upstream(self) -> None:
        self.upstream_requests = self._counter(
            "upstream_requests", "Attempts at GigaChat, of every kind.", "operation", "code", "credential"
        )
        self.upstream_duration = self._histogram(
            "upstream_duration_seconds", "The time GigaChat had a request.", _LATENCY, "operation", "model"
        )
        self.first_token = self._histogram(
            "time_to_first_token_seconds", "From the request's arrival to the first word.", _FIRST_TOKEN, "model"
        )
        self.upstream_first_token = self._histogram(
            "upstream_time_to_first_token_seconds", "From asking GigaChat to its first word.", _FIRST_TOKEN, "model"
        )
        self.retries = self._counter("retries", "Attempts that were made again.", "reason", "outcome")
        self.upstream_up = self._gauge("upstream_up", "1 while the other side answers.", "component")
        for reason in ("unauthorized", "stale"):
            for outcome in ("success", "failure"):
                self.retries.labels(reason, outcome)

    def _tokens(self) -> None:
        self.tokens = self._counter("tokens", "Tokens as GigaChat counted them.", "type", "model", "tenant")
        self.refreshes = self._counter("token_refresh", "Attempts to get a token.", "credential", "result", "reason")
        self.refresh_duration = self._histogram(
            "token_refresh_duration_seconds", "How long OAuth took.", _REFRESH, "credential"
        )
        self.token_expiry = self._gauge(
            "token_expiry_timestamp_seconds", "When the token ends (Unix time).", "credential", "source"
        )
        self.token_last_success = self._gauge(
            "token_last_success_timestamp_seconds", "When a token last came (Unix time).", "credential"
        )
        self.token_source = self._gauge("token_source", "1 for the source in use.", "credential", "source")
        self.token_failures = self._gauge(
            "token_consecutive_failures", "Attempts in a row that brought no token.", "credential"
        )
        self.fallback_usable = self._gauge("fallback_usable", "1 while GigaChat takes the ready token.")
        self.certificate_expiry = self._gauge(
            "certificate_expiry_timestamp_seconds", "When a trusted certificate ends (Unix time).", "name"
        )
        self.build_info = self._gauge("build_info", "The running version.", "version")

    def allow_models(self, names: Iterable[str]) -> None:
        """Models that may be a label's value; the first 24 ever seen stay."""
        for name in names:
            if len(self._models) < MAX_MODELS:
                self._models.add(name)

    def model(self, name: str | None) -> str:
        """The label for a model."""
        return self._bounded("model", name or "other", self._models)

    def code(self, status: int) -> str:
        """The label for a status."""
        return self._bounded("code", str(status), self._codes)

    def tenant(self, tenant: str) -> str:
        """The label for a tenant: none is configured by name yet, so all but the default are `other`."""
        return tenant if tenant == "default" else "other"

    def _bounded(self, label: str, value: str, domain: set[str]) -> str:
        if value in domain:
            return value
        if value != "other":
            self.label_overflow.labels(label).inc()
        return "other"

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, labels)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", text, labels)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", text, labels, buckets=buckets)
