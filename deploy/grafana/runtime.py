"""The third board: the gateway as a process."""

from __future__ import annotations

from deploy.grafana import promql
from deploy.grafana.board import Row, text
from deploy.grafana.panels import GREEN, RED, YELLOW, Query, Sized, figure, graph, names

UID = "gpt2giga-runtime"
# deploy/docker-compose.yml: mem_limit, cpus. A test compares.
MEMORY_LIMIT = 832 * 1024**2
CPUS = 1.0
# GPT2GIGA_MAX_BODIES_BYTES where it is not set. A test compares.
BODIES_LIMIT = 256 * 1024**2
# What one scrape may hold: the labels' domains are bounded for it.
SERIES_LIMIT = 10_000
# GPT2GIGA_IDEMPOTENCY_BYTES where it is not set. A test compares.
KEYS_LIMIT = 64 * 1024**2


def _about() -> list[Sized]:
    lag = "event_loop_lag_seconds"
    return [
        figure(
            "Uptime",
            "Since the last start. Short, and again and again: see why it dies in its log.",
            Query(f"time() - max({promql.process('process_start_time_seconds')})"),
            unit="s",
            decimals=0,
            steps=((None, YELLOW), (600, GREEN)),
        ),
        names("Version", "The version that runs.", Query(promql.series("build_info"), "{{version}}")),
        names(
            "Settings",
            "A hash of the settings in effect: another one means other settings. Secrets count as set or not set.",
            Query(promql.series("config_info"), "{{hash}}"),
        ),
        figure(
            "Event loop lag, p99",
            "How late a timer fires, p99 of 5 minutes: every request waits as much on top. Up to 5 ms is usual.",
            Query(f"histogram_quantile(0.99, {promql.rate(f'{lag}_bucket', 'le', window='5m')})"),
            unit="s",
            steps=((None, GREEN), (0.05, YELLOW), (0.25, RED)),
            size=(3, 4),
        ),
        figure(
            "Metric series",
            "Of one scrape. The labels' domains are bounded: more than 10,000 is a bug.",
            Query(f"max({promql.process('scrape_samples_scraped')})"),
            steps=((None, GREEN), (SERIES_LIMIT // 2, YELLOW), (SERIES_LIMIT, RED)),
            size=(3, 4),
        ),
        figure(
            "Metric labels shown as other",
            "Values outside their label's domain since the start; they are shown as `other`.",
            Query(f"sum({promql.series('label_overflow_total')})"),
            steps=((None, GREEN), (1, YELLOW)),
            size=(3, 4),
        ),
        figure(
            "Log lines lost",
            "Since the start. Nobody reads the standard error, or it cannot be written, as on a full disk.",
            Query(f"sum({promql.series('log_lines_dropped_total')})"),
            steps=((None, GREEN), (1, RED)),
            size=(3, 4),
        ),
    ]


def _process() -> list[Sized]:
    lag = "event_loop_lag_seconds"
    return [
        graph(
            "Event loop lag",
            "What every request waits on top, at every word.",
            *(Query(promql.quantile(q, lag), f"p{q * 100:.0f}") for q in (0.5, 0.99)),
            unit="s",
            steps=((None, GREEN), (0.25, RED)),
            size=(6, 8),
        ),
        graph(
            "CPU",
            "Cores in use. The gateway is one process with one loop: more than one core helps it little.",
            Query(
                f"sum by (instance) (rate({promql.process('process_cpu_seconds_total')}[$__rate_interval]))",
                "{{instance}}",
            ),
            unit="short",
            steps=((None, GREEN), (0.8 * CPUS, YELLOW), (CPUS, RED)),
            size=(6, 8),
        ),
        graph(
            "Process memory",
            "Resident. The red line is the container's limit in deploy/docker-compose.yml.",
            Query(promql.process("process_resident_memory_bytes"), "{{instance}}"),
            unit="bytes",
            steps=((None, GREEN), (MEMORY_LIMIT, RED)),
            size=(6, 8),
        ),
        graph(
            "File descriptors",
            "Connections, files. At the limit nobody can connect any more.",
            Query(promql.process("process_open_fds"), "open, {{instance}}"),
            Query(promql.process("process_max_fds"), "limit, {{instance}}"),
            unit="short",
            size=(6, 8),
        ),
        graph(
            "Connections",
            "Clients that are connected. At the limit an idle one goes for a new one; if none is idle it is refused.",
            Query(promql.series("connections"), "{{port}}, {{instance}}"),
            Query(promql.series("connections_limit"), "limit of {{port}}, {{instance}}"),
            unit="short",
            size=(5, 8),
        ),
        graph(
            "Connections that the gateway ended",
            "A second, by cause. `idle` is usual. `head` and `unread`: slow clients, or an attack. Others: the limit.",
            Query(promql.rate("connections_closed_total", "cause"), "{{cause}}"),
            unit="ops",
            size=(5, 8),
        ),
        graph(
            "Garbage collections",
            "A second, by generation. Many of generation 2 cost time.",
            Query(
                f"sum by (generation) (rate({promql.process('python_gc_collections_total')}[$__rate_interval]))",
                "generation {{generation}}",
            ),
            unit="ops",
            size=(5, 8),
        ),
        graph(
            "Garbage collector pauses",
            "How long one collection stops everything, p99 by generation. Those of generation 2 are the longest.",
            Query(promql.quantile(0.99, "gc_pause_seconds", "generation"), "generation {{generation}}"),
            unit="s",
            size=(5, 8),
        ),
        graph(
            "Scrape duration",
            "How long Prometheus waits for the metrics.",
            Query(promql.process("scrape_duration_seconds"), "{{instance}}"),
            unit="s",
            size=(4, 8),
        ),
    ]


def _work() -> list[Sized]:
    return [
        graph(
            "Requests by endpoint",
            "Finished requests a second.",
            Query(f"{promql.rate('requests_total', 'endpoint, stream')} > 0", "{{endpoint}}, stream {{stream}}"),
            unit="reqps",
            stacked=True,
            size=(8, 8),
        ),
        graph(
            "Stream events",
            "Events of finished streams a second, and signs of life sent while GigaChat was silent.",
            Query(promql.rate("stream_chunks_total"), "events"),
            Query(promql.rate("stream_keepalives_total"), "signs of life"),
            unit="ops",
            size=(8, 8),
        ),
        graph(
            "Request body size",
            "p95 by endpoint. Images and documents come inside the body.",
            Query(promql.quantile(0.95, "request_body_bytes", "endpoint"), "{{endpoint}}"),
            unit="bytes",
            size=(8, 8),
        ),
        graph(
            "Memory held by requests",
            "What bodies, files and answers that wait to be read hold. Near the red line, which is the default of "
            "GPT2GIGA_MAX_BODIES_BYTES, large requests get 503.",
            Query(promql.series("bodies_bytes"), "{{instance}}"),
            unit="bytes",
            steps=((None, GREEN), (BODIES_LIMIT, RED)),
            size=(8, 8),
        ),
        graph(
            "Idempotency keys",
            "Requests a second whose key was known. joined: the first is still being answered. hit: its answer was "
            "kept. conflict: another request had the key. evicted: an answer went before its time, for want of room.",
            Query(f"{promql.rate('idempotent_replays_total', 'result')} > 0", "{{result}}"),
            unit="reqps",
            empty="none came twice",
            size=(8, 8),
        ),
        graph(
            "Answers kept for idempotency keys",
            "Their memory. At the red line, which is the default of GPT2GIGA_IDEMPOTENCY_BYTES, the oldest go first.",
            Query(promql.series("idempotency_bytes"), "{{instance}}"),
            unit="bytes",
            steps=((None, GREEN), (KEYS_LIMIT, RED)),
            size=(8, 8),
        ),
    ]


def board() -> str:
    """The dashboard's JSON."""
    about = "The gateway as a process: the event loop, CPU, memory, what it works on."
    rows = [
        Row("Gateway process", _about()),
        Row("Process resources", _process()),
        Row("Requests and streams", _work()),
    ]
    return text(UID, "GigaChat gateway: runtime", about, [], rows)
