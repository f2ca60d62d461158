"""What is wrong, if anything: the first of these that holds. The board's topmost panel shows it."""

from __future__ import annotations

from deploy.grafana.panels import GREEN, RED, YELLOW, Words
from deploy.grafana.promql import grown, process, rate, series, share, where

_STOPPED = grown("errors_total", matchers=where(error_type="upstream_stop"))
_UNPAID = grown("upstream_requests_total", matchers=where(code="402"))
_FAILED = grown("errors_total", matchers=where(error_type="=~upstream_5xx|upstream_stop"))
_REFUSED = grown("errors_total", matchers=where(error_type="=~queue_full|queue_timeout"))
_WAITED = rate("queue_wait_seconds_bucket", "le", where(outcome="admitted"), "5m")
_OWN_FAULTS = grown("errors_total", matchers=where(error_type="internal"))


def bad(slo: str, window: str) -> str:
    """Which share of an objective's events was bad."""
    counted = where(slo=slo, result="=~good|bad")
    return share("slo_events_total", where(slo=slo, result="bad"), counted, window)


# The query, what it means, and how bad it is; in the order of how much it explains. Requests that fail may do so by
# anybody's fault: of them alone nobody is blamed.
CAUSES: tuple[tuple[str, str, str], ...] = (
    (
        f"min({process('up')}) == 0 or max(absent({process('up')}))",
        "THE GATEWAY is gone: Prometheus can't reach it",
        RED,
    ),
    (
        f"max({series('token_source', where(source='!=none'))}) == 0",
        "THE TOKEN: there is no usable one",
        RED,
    ),
    (
        f"min({series('upstream_up', where(component='api'))}) == 0",
        "GIGACHAT is gone: it does not answer the gateway",
        RED,
    ),
    (f"{_STOPPED} > 0", "GIGACHAT stopped the model", RED),
    (f"{_UNPAID} > 0", "GIGACHAT wants money: the package is used up (402)", RED),
    (
        f"max({series('circuit_state')}) == 2 and {_FAILED} > 0",
        "GIGACHAT fails for a model: its requests are refused at once",
        RED,
    ),
    (f"{_OWN_FAULTS} > 0", "THE GATEWAY fails by its own fault (500)", RED),
    (
        f"max({series('consecutive_failures')}) >= 3",
        "EVERY REQUEST FAILS: the errors by cause tell whose fault it is",
        RED,
    ),
    (
        f"max({series('token_consecutive_failures')}) >= 3",
        "THE TOKEN: OAuth gives no new one, the old one serves for now",
        YELLOW,
    ),
    (f"{_REFUSED} > 0", "THE QUEUE refuses requests: more is asked at once than GigaChat takes", YELLOW),
    (f"{bad('availability', '5m')} > 0.05", "MANY REQUESTS FAIL: the errors by cause tell whose fault it is", YELLOW),
    (
        f"max({series('queue_oldest_wait_seconds')}) > 20 or histogram_quantile(0.95, {_WAITED}) > 3",
        "THE QUEUE is long: more is asked at once than GigaChat takes",
        YELLOW,
    ),
    (f"{bad('ttft', '5m')} > 0.3", "GIGACHAT is slow: first words come late", YELLOW),
    (
        f"max({series('token_source', where(source='ready'))}) == 1",
        "THE TOKEN: OAuth is out, the ready token serves for now",
        YELLOW,
    ),
)
WORDS: Words = {"0": ("nothing", GREEN)} | {
    str(number): (words, colour) for number, (_, words, colour) in enumerate(CAUSES, start=1)
}
QUERY = (
    "\nor ".join(f"0 * ({expr}) + {number}" for number, (expr, _, _) in enumerate(CAUSES, start=1)) + "\nor vector(0)"
)
