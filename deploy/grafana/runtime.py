"""The third board: the gateway as a process."""

from __future__ import annotations

from deploy.grafana import promql
from deploy.grafana.board import Row, text
from deploy.grafana.panels import GREEN, RED, YELLOW, Query, Sized, figure, graph, names

UID = "gpt2giga-runtime"
# deploy/docker-compose.yml: mem_limit, cpus. A test compares.
MEMORY_LIMIT = 768 * 1024**2
CPUS = 1.0
# What one scrape may hold: the labels' domains are bounded for it.
SERIES_LIMIT = 10_000


def _about() -> list[Sized]:
    lag = "event_loop_lag_seconds"
    return [
        figure(
            "Runs for",
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
            "Event loop is late",
            "How late a timer fires, p99 of 5 minutes: every request waits as much on top. Up to 5 ms is usual.",
            Query(f"histogram_quantile(0.99, {promql.rate(f'{lag}_bucket', 'le', window='5m')})"),
            unit="s",
            steps=((None, GREEN), (0.05, YELLOW), (0.25, RED)),
        ),
        figure(
            "Series",
            "Of one scrape. The labels' domains are bounded: more than 10,000 is a bug.",
            Query(f"max({promql.process('scrape_samples_scraped')})"),
            steps=((None, GREEN), (SERIES_LIMIT // 2, YELLOW), (SERIES_LIMIT, RED)),
        ),
        figure(
            "Label values turned away",
            "Values outside their label's domain since the start; they are shown as `other`.",
            Query(f"sum({promql.series('label_overflow_total')})"),
            steps=((None, GREEN), (1, YELLOW)),
        ),
    ]


def _process() -> list[Sized]:
    lag = "event_loop_lag_seconds"
    return [
        graph(
            "How late timers fire",
            "What every request waits on top, at every word.",
            *(Query(promql.quantile(q, lag), f"p{q * 100:.0f}") for q in (0.5, 0.99)),
            unit="s",
            steps=((None, GREEN), (0.25, RED)),
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
        ),
        graph(
            "Memory",
            "Resident. The red line is the container's limit in deploy/docker-compose.yml.",
            Query(promql.process("process_resident_memory_bytes"), "{{instance}}"),
            unit="bytes",
            steps=((None, GREEN), (MEMORY_LIMIT, RED)),
        ),
        graph(
            "File descriptors",
            "Connections, files. At the limit nobody can connect any more.",
            Query(promql.process("process_open_fds"), "open, {{instance}}"),
            Query(promql.process("process_max_fds"), "limit, {{instance}}"),
            unit="short",
        ),
        graph(
            "Garbage collections",
            "A second, by generation. Many of generation 2 cost time.",
            Query(
                f"sum by (generation) (rate({promql.process('python_gc_collections_total')}[$__rate_interval]))",
                "generation {{generation}}",
            ),
            unit="ops",
        ),
        graph(
            "Scrapes",
            "How long Prometheus waits for the metrics.",
            Query(promql.process("scrape_duration_seconds"), "{{instance}}"),
            unit="s",
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
        ),
        graph(
            "Words of streams",
            "Events of finished streams a second, and comment lines sent while GigaChat was silent.",
            Query(promql.rate("stream_chunks_total"), "events"),
            Query(promql.rate("stream_keepalives_total"), "comment lines"),
            unit="ops",
        ),
        graph(
            "Sizes of requests",
            "p95 by endpoint. Images and documents come inside the body.",
            Query(promql.quantile(0.95, "request_body_bytes", "endpoint"), "{{endpoint}}"),
            unit="bytes",
        ),
    ]


def board() -> str:
    """The dashboard's JSON."""
    about = "The gateway as a process: the event loop, CPU, memory, what it works on."
    rows = [Row("The gateway", _about()), Row("The process", _process()), Row("Its work", _work())]
    return text(UID, "GigaChat gateway: runtime", about, [], rows)
