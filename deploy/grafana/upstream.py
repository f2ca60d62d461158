"""The second board: GigaChat and its OAuth, tokens, credentials, what was used and what is left."""

from __future__ import annotations

from deploy.grafana import promql
from deploy.grafana.board import CREDENTIAL, MODEL, Row, text
from deploy.grafana.panels import GREEN, RED, TOKEN, UP, YELLOW, Query, Sized, Words, bars, figure, graph, states
from deploy.grafana.promql import where

UID = "gpt2giga-upstream"
_CHOSEN = where(credential="=~$credential")
_MODEL = where(model="=~$model")
_DEAD, _PAID = where(state="dead"), where(type="=~prompt|completion")
_STATE: Words = {"0": ("active", GREEN), "1": ("DEAD", RED)}
_CIRCUIT: Words = {"0": ("closed", GREEN), "1": ("one tries", YELLOW), "2": ("OPEN", RED)}
_ACCEPTED: Words = {"1": ("accepted", GREEN), "0": ("REFUSED", RED)}


def _states() -> list[Sized]:
    own = promql.series("token_source", f"{where(source='=~oauth|password|mtls')}, {_CHOSEN}")
    ready = promql.series("token_source", f"{where(source='ready')}, {_CHOSEN}")
    return [
        states(
            "Availability of GigaChat and OAuth",
            "api: GigaChat answers. oauth: the service that gives tokens answers.",
            Query(f"min by (component) ({promql.series('upstream_up')})", "{{component}}"),
            words=UP,
        ),
        states(
            "Token in use",
            "Whether requests are sent with a token that renews itself, with the ready token, or can't be sent at all.",
            Query(f"2 * max by (credential) ({own}) + max by (credential) ({ready})", "{{credential}}"),
            words=TOKEN,
        ),
        states(
            "Credential accepted by GigaChat",
            "Refused: GigaChat answered 401, 402 or 403, or no token is usable.",
            Query(f"min by (credential) ({promql.series('credential_up', _CHOSEN)})", "{{credential}}"),
            words=_ACCEPTED,
        ),
        states(
            "Credential state",
            "Dead: OAuth refuses the key, or GigaChat refuses fresh tokens of it. A new key is needed.",
            Query(
                f"max by (credential) ({promql.series('credential_state', f'{_DEAD}, {_CHOSEN}')})",
                "{{credential}}",
            ),
            words=_STATE,
        ),
    ]


def _tokens() -> list[Sized]:
    expiry = promql.series("token_expiry_timestamp_seconds", _CHOSEN)
    duration = "token_refresh_duration_seconds"
    return [
        graph(
            "Token expires in",
            "Renewed at 80 % of its life; below the dashed lines it should have been.",
            Query(f"min by (credential) ({expiry} - time())", "{{credential}}"),
            unit="s",
            steps=((None, RED), (120, YELLOW), (300, GREEN)),
            empty="no end known",
            floor=None,
        ),
        graph(
            "Token renewals",
            "Attempts to get a token, in ten minutes. unauthorized: GigaChat had refused the one in use.",
            Query(
                f"{promql.grown('token_refresh_total', 'result, reason', _CHOSEN, '10m')} > 0",
                "{{result}}, {{reason}}",
            ),
            unit="short",
            empty="none was due",
        ),
        graph(
            "OAuth latency",
            "For one token.",
            Query(promql.quantile(0.5, duration, matchers=_CHOSEN), "p50"),
            Query(promql.quantile(0.95, duration, matchers=_CHOSEN), "p95"),
            unit="s",
            empty="none was asked for",
        ),
        figure(
            "Failed renewals in a row",
            "Attempts that brought no token since the last one that did.",
            Query(f"max({promql.series('token_consecutive_failures', _CHOSEN)})"),
            steps=((None, GREEN), (1, YELLOW), (3, RED)),
            size=(6, 4),
        ),
        figure(
            "Age of the newest token",
            "So long ago.",
            Query(f"time() - max({promql.series('token_last_success_timestamp_seconds', _CHOSEN)})"),
            unit="s",
            decimals=0,
            steps=((None, GREEN), (1560, YELLOW), (1800, RED)),
            empty="none came yet",
            size=(6, 4),
        ),
        figure(
            "Ready token (fallback)",
            "Whether GigaChat takes the ready token. Without one there is none behind OAuth.",
            Query(f"min({promql.series('fallback_usable')} >= 0)"),
            words={"1": ("ready token works", GREEN), "0": ("REFUSED", YELLOW)},
            empty="no ready token",
            size=(6, 4),
        ),
        figure(
            "First certificate expires in",
            "Until the first trusted one ends. Of a bundle with more than 16, as a system's store is, none is watched.",
            Query(f"min({promql.series('certificate_expiry_timestamp_seconds')}) - time()"),
            unit="s",
            empty="not watched",
            decimals=0,
            steps=((None, RED), (7 * 86400, YELLOW), (30 * 86400, GREEN)),
            size=(6, 4),
        ),
    ]


def _attempts() -> list[Sized]:
    attempts = "upstream_requests_total"
    refusals = f"{where(code='=~401|402|403|423|429')}, {_CHOSEN}"
    model = promql.quantile(0.95, "upstream_duration_seconds", "model", _MODEL)
    first = promql.quantile(0.95, "upstream_time_to_first_token_seconds", "model", _MODEL)
    return [
        graph(
            "Attempts by status",
            "Every attempt at GigaChat and its OAuth, a second. other: no answer came.",
            Query(f"{promql.rate(attempts, 'code', _CHOSEN)} > 0", "{{code}}"),
            unit="reqps",
            stacked=True,
        ),
        graph(
            "Refusals by status",
            "401: the token. 402: no tokens left. 403: not allowed. 423: stopped. 429: too many at once.",
            Query(f"{promql.rate(attempts, 'code, operation', refusals)} > 0", "{{code}} {{operation}}"),
            unit="reqps",
            stacked=True,
            empty="no refusals",
        ),
        graph(
            "Attempts by operation",
            "What GigaChat is asked for, a second.",
            Query(f"{promql.rate(attempts, 'operation', _CHOSEN)} > 0", "{{operation}}"),
            unit="reqps",
            stacked=True,
        ),
        graph(
            "GigaChat latency by model",
            "How long GigaChat has a request, tries included, p95.",
            Query(model, "{{model}}"),
            unit="s",
        ),
        graph(
            "GigaChat time to first token by model",
            "Of streams: from asking GigaChat to its first word, p95.",
            Query(first, "{{model}}"),
            unit="s",
        ),
        graph(
            "Retries by reason",
            "What the attempt before failed by, and how the new one ended. stale: GigaChat had closed the connection. "
            "unauthorized: with another token. rate_limit: 429, after another wait in the queue.",
            Query(f"{promql.rate('retries_total', 'reason, outcome')} > 0", "{{reason}}, {{outcome}}"),
            unit="reqps",
            empty="none",
        ),
    ]


def _limits() -> list[Sized]:
    attempts = "upstream_requests_total"
    limited = promql.share(attempts, f"{where(code='429')}, {_CHOSEN}", _CHOSEN, "$__rate_interval")
    in_use, limit = (promql.series(name, _CHOSEN) for name in ("credential_in_flight", "credential_stream_limit"))
    return [
        states(
            "Circuit by model",
            "Open: half of the attempts failed, or GigaChat stopped the model. Its requests are refused at once, until "
            "one of them tries and succeeds.",
            Query(f"max by (model) ({promql.series('circuit_state', _MODEL)})", "{{model}}"),
            words=_CIRCUIT,
            size=(12, 8),
        ),
        graph(
            "Slots in use by credential",
            "Of those that the credential may have now. At 100 % the next request waits.",
            Query(f"sum by (credential) ({in_use}) / sum by (credential) ({limit})", "{{credential}}"),
            unit="percentunit",
            steps=((None, GREEN), (0.9, RED)),
            size=(6, 8),
        ),
        graph(
            "Attempts refused with 429",
            "Of all attempts. More than 10 % for five minutes: the limit is set too high, or others use the same key.",
            Query(limited, "429"),
            unit="percentunit",
            steps=((None, GREEN), (0.1, RED)),
            empty="no attempts",
            size=(6, 8),
        ),
    ]


def _usage() -> list[Sized]:
    left = promql.series("balance_exhaustion_seconds")
    return [
        graph(
            "Tokens by type",
            "A minute. cached: a part of the prompt that costs nothing.",
            Query(f"60 * {promql.rate('tokens_total', 'type', _MODEL)}", "{{type}}"),
            unit="short",
        ),
        graph(
            "Tokens by model",
            "Prompt and completion, a minute; cached tokens are among the prompt's.",
            Query(
                f"60 * {promql.rate('tokens_total', 'model, tenant', f'{_PAID}, {_MODEL}')}",
                "{{model}}, {{tenant}}",
            ),
            unit="short",
            stacked=True,
        ),
        graph(
            "Tokens per request",
            "p95 by type: a prompt that grows is a history that nobody cuts.",
            Query(promql.quantile(0.95, "request_tokens", "type"), "{{type}}"),
            unit="short",
        ),
        bars(
            "Tokens left by package",
            "Tokens, as GigaChat tells them. None is known of an account that pays as it goes, "
            "until GigaChat was asked, and with GPT2GIGA_BALANCE_SECONDS=0.",
            Query(f"max by (model) ({promql.series('balance_tokens', _CHOSEN)})", "{{model}}"),
            unit="short",
            empty="no package is known",
        ),
        bars(
            "Time until a package is used up",
            "At the pace of the last hours. Packages that nobody uses are left out.",
            Query(f"min by (model) ({left}) < Inf", "{{model}}"),
            unit="s",
            empty="nothing is used of any package",
        ),
        figure(
            "Answers with known token usage",
            "Answers whose tokens GigaChat told, of all in 5 minutes. The others are answers that were cut off.",
            Query(f"min({promql.series('usage_capture_ratio')})"),
            unit="percentunit",
            decimals=1,
            steps=((None, RED), (0.9, YELLOW), (0.98, GREEN)),
            empty="no answers",
            size=(4, 8),
        ),
        bars(
            "Token counts of cut-off answers by source",
            "How they are known, over the time shown. none: they are missing in the sums above.",
            Query(promql.grown("abort_usage_total", "method", window="$__range"), "{{method}}"),
            unit="short",
            empty="none was cut off",
            size=(4, 8),
        ),
    ]


def board() -> str:
    """The dashboard's JSON."""
    about = "GigaChat and its OAuth, tokens and credentials, what was used and what is left."
    rows = [
        Row("Availability and credentials", _states()),
        Row("Access tokens", _tokens()),
        Row("Requests to GigaChat", _attempts()),
        Row("Limits and circuits", _limits()),
        Row("Usage and balance", _usage()),
    ]
    return text(UID, "GigaChat gateway: upstream and credentials", about, [CREDENTIAL, MODEL], rows)
