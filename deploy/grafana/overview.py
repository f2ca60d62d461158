"""The first board: what is wrong, if anything, whose fault it is, and what users feel of it."""

from __future__ import annotations

from deploy.grafana import promql, queue
from deploy.grafana.board import MODEL, Row, text
from deploy.grafana.causes import QUERY, WORDS, bad
from deploy.grafana.panels import GREEN, RED, TOKEN, UP, YELLOW, Query, Sized, alert_list, bars, figure, graph
from deploy.grafana.promql import where

UID = "gpt2giga-overview"
UPSTREAM, RUNTIME = "gpt2giga-upstream", "gpt2giga-runtime"

AVAILABILITY_BUDGET = 0.005


def _good(slo: str, window: str) -> str:
    return f"1 - {bad(slo, window)}"


def _status() -> list[Sized]:
    up = promql.process("up")
    api, oauth = (promql.series("upstream_up", where(component=one)) for one in ("api", "oauth"))
    own = promql.series("token_source", where(source="=~oauth|password|mtls"))
    left = f"min({promql.series('token_expiry_timestamp_seconds')}) - time()"
    return [
        figure(
            "What is wrong",
            "The first cause that is known of, in the order of how much it explains. Follow the link for more.",
            Query(QUERY),
            words=WORDS,
            link=UPSTREAM,
            size=(24, 4),
        ),
        figure(
            "Gateway",
            "Whether Prometheus can read the gateway's metrics.",
            Query(f"min({up}) or max(absent({up})) - 1"),
            words=UP,
            link=RUNTIME,
        ),
        figure(
            "GigaChat",
            "Whether GigaChat's API answers: requests tell, and a question of the gateway's own when there are none.",
            Query(f"min({api})"),
            words=UP,
            empty="not heard of yet",
            link=UPSTREAM,
        ),
        figure(
            "OAuth",
            "Whether the service that gives tokens answers. While it does not, the token in hand serves to its end.",
            Query(f"min({oauth})"),
            words=UP,
            empty="not asked yet",
            link=UPSTREAM,
        ),
        figure(
            "Token",
            "Where the token in use comes from. A ready token can't be renewed: it is the second level.",
            Query(f"2 * max({own}) > 0 or max({promql.series('token_source', where(source='ready'))})"),
            words=TOKEN,
            link=UPSTREAM,
        ),
        figure(
            "Token expires in",
            "A token of 30 minutes is renewed 6 minutes before its end: less than 5 means that it failed.",
            Query(left),
            unit="s",
            steps=((None, RED), (120, YELLOW), (300, GREEN)),
            empty="no end known",
            decimals=0,
            link=UPSTREAM,
        ),
        figure(
            "Availability, 5 min",
            "Of the requests that could be answered. Clients' own mistakes do not count.",
            Query(_good("availability", "5m")),
            unit="percentunit",
            steps=((None, RED), (0.95, YELLOW), (0.995, GREEN)),
            empty="no requests",
            decimals=1,
        ),
        alert_list(
            "Alerts",
            "Those that fire, and those that will if it goes on. Each names its section of the runbook.",
        ),
    ]


def _objectives() -> list[Sized]:
    budget = f"1 - {bad('availability', '30d')} / {AVAILABILITY_BUDGET}"
    targets = (
        ("Availability, 30 d", "availability", 0.995, "Requests that were answered. Objective: 99.5 %."),
        ("First token within 3 s, 30 d", "ttft", 0.95, "Streams whose first word came within 3 s. Objective: 95 %."),
        ("Token availability, 30 d", "token", 0.9995, "Of the time: a token that renews itself. Objective: 99.95 %."),
    )
    shares = [
        figure(
            title,
            about,
            Query(_good(slo, "30d")),
            unit="percentunit",
            steps=((None, RED), (target, GREEN)),
            empty="no events",
            decimals=3,
        )
        for title, slo, target, about in targets
    ]
    burn = [
        Query(f'gpt2giga_proxy:slo_bad:ratio_rate{window}{{slo="availability"}} / {AVAILABILITY_BUDGET}', window)
        for window in ("1h", "6h")
    ]
    return [
        *shares,
        figure(
            "Error budget left, 30 d",
            "Of the 0.5 % of requests that may fail in 30 days. Below 0 the objective is missed.",
            Query(budget),
            unit="percentunit",
            steps=((None, RED), (0, YELLOW), (0.25, GREEN)),
            empty="no requests",
            decimals=1,
        ),
        graph(
            "Error budget burn rate",
            "How many times faster than allowed the error budget is used, all instances together. The lines are the "
            "alerts' thresholds: 14.4 over 1 h and 6 over 6 h, once there are enough requests.",
            *burn,
            unit="short",
            steps=((None, GREEN), (6, YELLOW), (14.4, RED)),
            empty="no requests",
            size=(8, 4),
        ),
    ]


def _traffic() -> list[Sized]:
    return [
        graph(
            "Requests by status",
            "Finished requests a second. 499: the client left before its answer's end.",
            Query(f"{promql.rate('requests_total', 'code')} > 0", "{{code}}"),
            unit="reqps",
            stacked=True,
        ),
        graph(
            "Errors by cause",
            "Failed requests a second. upstream_*: GigaChat. no_token: the token. internal: the gateway. The others "
            "are the client's own, or the client left.",
            Query(f"{promql.rate('errors_total', 'error_type')} > 0", "{{error_type}}"),
            unit="reqps",
            stacked=True,
            empty="no errors",
        ),
        graph(
            "Requests under way",
            "Requests that the gateway works on.",
            Query(f"sum by (endpoint) ({promql.series('in_flight_requests')})", "{{endpoint}}"),
            unit="short",
            stacked=True,
        ),
        graph(
            "Requests that count for availability",
            "What counts for and against the availability, a second. excluded: the client's mistake, or it left.",
            Query(promql.rate("slo_events_total", "result", where(slo="availability")), "{{result}}"),
            unit="reqps",
            stacked=True,
            size=(12, 8),
        ),
        graph(
            "Streams cut off",
            "Streams that did not come to their end, a second, by who ended them. idle_timeout: GigaChat fell silent.",
            Query(promql.rate("stream_aborts_total", "side"), "{{side}}"),
            unit="reqps",
            stacked=True,
            size=(12, 8),
        ),
        bars(
            "Request fields left out",
            "What clients ask for and GigaChat cannot do, over the time shown; told in x-gateway-dropped.",
            Query(f"topk(12, {promql.grown('dropped_params_total', 'param', window='$__range')} > 0)", "{{param}}"),
            unit="short",
            empty="nothing was left out",
            size=(12, 8),
        ),
        bars(
            "Calls written as text",
            "Calls that a model wrote into its text and that were read as calls, over the time shown.",
            Query(f"{promql.grown('leaked_calls_total', 'model', window='$__range')} > 0", "{{model}}"),
            unit="short",
            empty="no call was written as text",
            size=(12, 8),
        ),
    ]


def _latency() -> list[Sized]:
    chat = where(endpoint="chat")
    whole = "request_duration_seconds"
    of_gigachat = promql.mean("upstream_duration_seconds", whole, chat, where(operation="chat"))
    own = promql.mean("overhead_seconds", whole, chat)
    return [
        graph(
            "Mean time of a chat request by part",
            "The mean chat request. Files and queue: fetching, converting and uploading files, waiting for a slot.",
            Query(of_gigachat, "GigaChat"),
            Query(own, "the gateway"),
            Query(f"clamp_min({promql.mean(whole, whole, chat)} - {of_gigachat} - {own}, 0)", "files and queue"),
            unit="s",
            stacked=True,
        ),
        graph(
            "Duration of chat requests",
            "Whole requests, from the first byte to the last. Long answers take long.",
            *(Query(promql.quantile(q, whole, matchers=chat), f"p{q * 100:.0f}") for q in (0.5, 0.95, 0.99)),
            unit="s",
        ),
        graph(
            "Gateway overhead",
            "Without GigaChat's time, that of files and the wait in the queue.",
            *(Query(promql.quantile(q, "overhead_seconds"), f"p{q * 100:.0f}") for q in (0.5, 0.95, 0.99)),
            unit="s",
        ),
        graph(
            "Time to first token",
            "Of streams: from the request's arrival, and from asking GigaChat. Objective: 3 s.",
            Query(promql.quantile(0.5, "time_to_first_token_seconds"), "p50"),
            Query(promql.quantile(0.95, "time_to_first_token_seconds"), "p95"),
            Query(promql.quantile(0.95, "upstream_time_to_first_token_seconds"), "p95, GigaChat's part"),
            unit="s",
            steps=((None, GREEN), (3, RED)),
        ),
        graph(
            "Time to first token by model",
            "Of streams: from the request's arrival, p95.",
            Query(promql.quantile(0.95, "time_to_first_token_seconds", "model", where(model="=~$model")), "{{model}}"),
            unit="s",
        ),
        graph(
            "Wait between pieces of a stream",
            "The wait for each next piece of a stream, p95: long ones are felt as stuttering.",
            Query(promql.quantile(0.95, "inter_chunk_seconds", "model", where(model="=~$model")), "{{model}}"),
            unit="s",
        ),
    ]


def board() -> str:
    """The dashboard's JSON."""
    about = "What is wrong, whose fault it is, and what users feel of it. Begin here."
    rows = [
        Row("", _status()),
        Row("Objectives", _objectives()),
        Row("Requests", _traffic()),
        Row("Queue", queue.panels()),
        Row("Latency", _latency()),
    ]
    return text(UID, "GigaChat gateway: overview", about, [MODEL], rows)
