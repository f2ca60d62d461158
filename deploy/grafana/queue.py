"""The overview's panels of the queue: requests that wait for one of GigaChat's slots."""

from __future__ import annotations

from deploy.grafana import promql
from deploy.grafana.panels import GREEN, RED, Query, Sized, graph
from deploy.grafana.promql import where


def panels() -> list[Sized]:
    """What waits, for how long, and what is refused."""
    wait, admitted = "queue_wait_seconds", where(outcome="admitted")
    refused = where(error_type="=~queue_full|queue_timeout")
    return [
        graph(
            "GigaChat slots",
            "Requests that GigaChat has, and how many it may have at a time: GIGACHAT_MAX_CONCURRENCY, or fewer for a "
            "while after its 429s. What is more waits.",
            Query(f"sum({promql.series('credential_in_flight')})", "in use"),
            Query(f"sum({promql.series('credential_stream_limit')})", "limit"),
            unit="short",
            size=(6, 8),
        ),
        graph(
            "Queue depth",
            "Requests that wait for a slot. Above GPT2GIGA_QUEUE_LENGTH they are refused.",
            Query(f"sum by (tenant) ({promql.series('queue_depth')})", "{{tenant}}"),
            unit="short",
            stacked=True,
            empty="nobody waits",
            size=(6, 8),
        ),
        graph(
            "Queue wait",
            "How long those waited that got a slot, and how long the one that has waited longest has.",
            *(Query(promql.quantile(q, wait, matchers=admitted), f"p{q * 100:.0f}") for q in (0.5, 0.95)),
            Query(f"max({promql.series('queue_oldest_wait_seconds')})", "oldest"),
            unit="s",
            steps=((None, GREEN), (20, RED)),
            empty="nobody waited",
            size=(6, 8),
        ),
        graph(
            "Requests refused by the queue",
            "A second. queue_full: 429, too many wait. queue_timeout: 503, waited too long, or the deadline can't be "
            "met. By tenant: those that found the queue full.",
            Query(f"{promql.rate('errors_total', 'error_type', refused)} > 0", "{{error_type}}"),
            Query(f"{promql.rate('limit_rejections_total', 'tenant, kind')} > 0", "{{kind}}, {{tenant}}"),
            unit="reqps",
            empty="none was refused",
            size=(6, 8),
        ),
    ]
