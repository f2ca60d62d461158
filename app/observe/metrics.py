"""The metric families. Names, labels and buckets are contracts with dashboards and alerts (docs/metrics.md)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import cache

from prometheus_client import REGISTRY, CollectorRegistry

from app.errors import ERROR_TYPES, STATUSES
from app.observe import labels
from app.observe.counters import Counter, Gauge
from app.observe.gaps import BOUNDS
from app.observe.histograms import Histogram
from app.observe.label_allowlist import LabelAllowlist

PREFIX = "gpt2giga_proxy"

_LATENCY = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 45, 60, 90, 120, 180, 300, 600)
_OVERHEAD = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
_FIRST_TOKEN = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 13, 20, 30, 60)
_REFRESH = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30)
_LAG = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1)
_QUEUE = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60)
_BODY = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
_TOKENS = (16, 64, 128, 256, 512, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 65_000, 131_000)


@cache
def shared() -> Metrics:
    """The families in the default registry, which prometheus-async renders. There is one set per process."""
    return Metrics(REGISTRY)


class Metrics:
    """All families, in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        overflow = self._counter("label_overflow", "Label values outside their domain.", "label")
        self._models = LabelAllowlist("model", overflow, capacity=labels.MAX_MODELS)
        self._packages = LabelAllowlist("model", overflow, capacity=labels.MAX_PACKAGES)
        self._codes = LabelAllowlist("code", overflow, labels.STATUS_CODES)
        self._code_labels = {int(code): code for code in labels.STATUS_CODES}
        self._credentials = LabelAllowlist("credential", overflow, capacity=labels.MAX_CREDENTIALS)
        self._params = LabelAllowlist("param", overflow, capacity=labels.MAX_PARAMS)
        self._create_request_families()
        self._create_stream_families()
        self._create_upstream_families()
        self._create_queue_families()
        self._create_usage_families()
        self._create_token_families()
        self._create_process_families()
        self._initialize_request_series()
        self._initialize_other_series()
        self._initialize_queue_series()

    def _create_request_families(self) -> None:
        self.requests = self._counter("requests", "Finished requests.", "endpoint", "stream", "code")
        self.duration = self._histogram("request_duration_seconds", "Whole requests.", _LATENCY, "endpoint", "stream")
        self.overhead = self._histogram(
            "overhead_seconds", "The gateway's own share of a request.", _OVERHEAD, "endpoint", "stream"
        )
        self.body_bytes = self._histogram("request_body_bytes", "Sizes of requests.", _BODY, "endpoint")
        self.errors = self._counter("errors", "Requests that failed, by cause.", "endpoint", "error_type")
        self.in_flight = self._gauge("in_flight_requests", "Requests under way.", "endpoint")
        self.dropped_params = self._counter("dropped_params", "Fields left out and told.", "endpoint", "param")
        self.slo = self._counter("slo_events", "What counts for and against the objectives.", "slo", "result")

    def _create_stream_families(self) -> None:
        self.aborts = self._counter("stream_aborts", "Streams that did not come to their end.", "endpoint", "side")
        self.chunks = self._counter("stream_chunks", "Events sent to clients.", "endpoint")
        self.leaked_calls = self._counter("leaked_calls", "Calls that models wrote as text.", "model")
        self.keepalives = self._counter("stream_keepalives", "Comment lines sent while GigaChat thinks.", "endpoint")
        self.first_token = self._histogram(
            "time_to_first_token_seconds", "From the request's arrival to the first word.", _FIRST_TOKEN, "model"
        )
        self.upstream_first_token = self._histogram(
            "upstream_time_to_first_token_seconds", "From asking GigaChat to its first word.", _FIRST_TOKEN, "model"
        )
        self.gaps = self._histogram("inter_chunk_seconds", "Waits for each next piece of a stream.", BOUNDS, "model")

    def _create_upstream_families(self) -> None:
        self.upstream_requests = self._counter(
            "upstream_requests", "Attempts at GigaChat, of every kind.", "operation", "code", "credential"
        )
        self.upstream_duration = self._histogram(
            "upstream_duration_seconds", "The time GigaChat had a request.", _LATENCY, "operation", "model"
        )
        self.retries = self._counter("retries", "Attempts that were made again.", "reason", "outcome")
        self.upstream_up = self._gauge("upstream_up", "1 while the other side answers.", "component")

    def _create_queue_families(self) -> None:
        self.queue_depth = self._gauge("queue_depth", "Requests that wait for a slot.", "tenant")
        self.queue_wait = self._histogram(
            "queue_wait_seconds", "How long requests waited for a slot.", _QUEUE, "outcome"
        )
        self.queue_oldest = self._gauge("queue_oldest_wait_seconds", "How long the first of them has waited.").labels()
        self.limit_rejections = self._counter(
            "limit_rejections", "Requests that a limit of the gateway's own refused.", "tenant", "kind"
        )
        self.idempotent_replays = self._counter("idempotent_replays", "Requests with a known key.", "result")
        self.idempotency_bytes = self._gauge("idempotency_bytes", "Answers kept for idempotency keys.").labels()
        self.slots_in_use = self._gauge("credential_in_flight", "Slots of a credential in use.", "credential")
        self.slots_limit = self._gauge("credential_stream_limit", "Slots that a credential has now.", "credential")
        self.circuits = self._gauge("circuit_state", "0 closed, 1 half open, 2 open.", "component", "model")

    def _create_usage_families(self) -> None:
        self.tokens = self._counter("tokens", "Tokens as GigaChat counted them.", "type", "model", "tenant")
        self.request_tokens = self._histogram("request_tokens", "Tokens of one request.", _TOKENS, "type")
        self.abort_usage = self._counter("abort_usage", "How the tokens of cut-off answers are known.", "method")
        self.capture_ratio = self._gauge(
            "usage_capture_ratio", "Answers whose usage GigaChat told, to all; 5 minutes."
        ).labels()
        self.balance = self._gauge("balance_tokens", "What is left of a package.", "model", "credential")
        self.exhaustion = self._gauge(
            "balance_exhaustion_seconds", "When a package will be used up at the last hours' pace.", "model"
        )

    def _create_token_families(self) -> None:
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
        self.credential_up = self._gauge("credential_up", "1 while uses of it are accepted.", "credential")
        self.credential_state = self._gauge("credential_state", "1 for the state it is in.", "credential", "state")
        self.fallback_usable = self._gauge(
            "fallback_usable", "1 while GigaChat takes the ready token; NaN without one."
        ).labels()
        self.certificate_expiry = self._gauge(
            "certificate_expiry_timestamp_seconds", "When a trusted certificate ends (Unix time).", "name"
        )

    def _create_process_families(self) -> None:
        self.consecutive_failures = self._gauge(
            "consecutive_failures", "Requests that failed one after another."
        ).labels()
        self.log_lines_dropped = self._counter("log_lines_dropped", "Lines of the log that were lost.").labels()
        self.connections = self._gauge("connections", "Clients that are connected.", "port")
        self.connections_limit = self._gauge("connections_limit", "How many may be connected at a time.", "port")
        self.connections_closed = self._counter(
            "connections_closed", "Connections that the gateway ended, by cause.", "port", "cause"
        )
        self.bodies = self._gauge(
            "bodies_bytes", "Memory that requests, and answers that wait to be read, hold."
        ).labels()
        self.loop_lag = self._histogram("event_loop_lag_seconds", "How late a timer fires.", _LAG)
        self.gc_pauses = self._histogram(
            "gc_pause_seconds", "How long the garbage collector stopped everything.", _LAG, "generation"
        )
        self.build_info = self._gauge("build_info", "The running version.", "version")
        self.config_info = self._gauge("config_info", "The settings in effect, as a hash.", "hash")

    def _initialize_request_series(self) -> None:
        """Create all series whose labels are known: an alert on an increase needs the 0 before the first event."""
        for endpoint in labels.ENDPOINTS:
            self.in_flight.labels(endpoint)
            self.body_bytes.labels(endpoint)
            for error_type in ERROR_TYPES:
                self.errors.labels(endpoint, error_type)
            for stream in labels.STREAM if endpoint in labels.STREAMED else labels.STREAM[1:]:
                self.duration.labels(endpoint, stream)
                self.overhead.labels(endpoint, stream)
                for code in (*STATUSES, "other"):
                    self.requests.labels(endpoint, stream, str(code))

    def _initialize_other_series(self) -> None:
        for endpoint in labels.STREAMED:
            self.chunks.labels(endpoint)
            self.keepalives.labels(endpoint)
            for side in labels.ABORT_SIDES:
                self.aborts.labels(endpoint, side)
        for objective in labels.OBJECTIVES:
            for result in labels.RESULTS:
                self.slo.labels(objective, result)
        for kind in labels.TOKEN_TYPES:
            self.request_tokens.labels(kind)
        for method in labels.USAGE_METHODS:
            self.abort_usage.labels(method)
        for generation in labels.GENERATIONS:
            self.gc_pauses.labels(generation)
        for cut in itertools.product(labels.PORTS, labels.CLOSE_CAUSES):
            self.connections_closed.labels(*cut)

    def _initialize_queue_series(self) -> None:
        for retry in itertools.product(labels.RETRY_REASONS, labels.RETRY_OUTCOMES):
            self.retries.labels(*retry)
        for outcome in labels.QUEUE_OUTCOMES:
            self.queue_wait.labels(outcome)
        for result in labels.KEY_RESULTS:
            self.idempotent_replays.labels(result)
        for limit in itertools.product(labels.TENANTS, labels.LIMIT_KINDS):
            self.limit_rejections.labels(*limit)

    def allow_models(self, names: Iterable[str]) -> None:
        """Allow these models as values of labels; at most 24 models since the start are allowed."""
        self._models.allow(names)

    def model(self, name: str | None) -> str:
        """The label for a model."""
        return self._models.label_for(name or "other")

    def package(self, name: str) -> str:
        """The label for a package of tokens, which is GigaChat's name of it."""
        self._packages.allow([name])
        return self._packages.label_for(name)

    def code(self, status: int) -> str:
        """The label for a status."""
        return self._code_labels.get(status) or self._codes.label_for(str(status))

    def credential(self, alias: str) -> str:
        """The label for a credential."""
        self._credentials.allow([alias])
        return self._credentials.label_for(alias)

    def param(self, name: str) -> str:
        """The label for a dropped request field: the name of its rule in the translation tables."""
        self._params.allow([name])
        return self._params.label_for(name)

    def tenant(self, tenant: str) -> str:
        """The label for a tenant. Tenants cannot be configured yet, so all except the default are `other`."""
        return tenant if tenant in labels.TENANTS else labels.TENANTS[-1]

    def _counter(self, name: str, text: str, *names: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, names, self._registry)

    def _gauge(self, name: str, text: str, *names: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", text, names, self._registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *names: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", text, buckets, names, self._registry)
