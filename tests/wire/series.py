"""Metrics as a scrape sees them: families, series, and what one request changes.

Left out is what moves without a request: the interpreter's and the process's own families, the lag of the loop, the
questions that the gateway asks in the background. Of timings only the counts are compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Scrape = dict[str, float]

# Counts of reads from GigaChat, which the kernel joins as it likes; a share over five minutes; clocks; what the
# gateway asks GigaChat when no request does.
_MOVING = re.compile(
    r"^(?:python_|process_|gpt2giga_proxy_(?:event_loop_lag|gc_pause|inter_chunk|usage_capture_ratio|connections|bodies_bytes|balance|token_expiry"
    r"|token_last_success|certificate_expiry|token_refresh_duration))"
    r'|operation="(?:models|balance)"|slo="token"'
)
# What moves as well while the gateway has no token, or no GigaChat, and tries again.
_RESTLESS = re.compile(r'^gpt2giga_proxy_(?:token_|credential_|upstream_up)|operation="oauth"')
_TIMINGS = re.compile(r"_seconds_(?:bucket|sum)(?:\{|$)")
_HASH = re.compile(r'hash="[0-9a-f]+"')
_BOUND = re.compile(r'le="[^"]*",?')


def read(text: str) -> Scrape:
    """The value of each series."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            series, _, value = line.rpartition(" ")
            found[series] = float(value)
    return found


def families(text: str) -> list[str]:
    """What each family of the gateway's says of itself."""
    return sorted(line for line in text.splitlines() if line.startswith("# ") and " gpt2giga" in line)


def names(scrape: Scrape, *, restless: bool) -> list[str]:
    """The series that are there for certain."""
    certain = (one for one in scrape if not _background(one) and not (restless and _RESTLESS.search(one)))
    return sorted(_HASH.sub('hash="<hash>"', one) for one in certain)


def change(before: Scrape, after: Scrape, *, restless: bool = False) -> dict[str, str]:
    """What was added to each counter, and the values of each gauge that changed. A new series counts as a change.

    Of the buckets of a histogram, each of which counts those below it too, only the one that was met is told.
    """
    changed: dict[str, str] = {}
    below: dict[str, float] = {}
    for series, new in after.items():
        old = before.get(series)
        added = new - (old or 0)
        if "_bucket{" in series:
            family = _BOUND.sub("", series)
            if added == below.get(family, 0):
                continue
            added, below[family] = added - below.get(family, 0), added
        elif old == new or (old is not None and old != old and new != new):
            continue
        if not (_MOVING.search(series) or _TIMINGS.search(series) or (restless and _RESTLESS.search(series))):
            changed[series] = _told(series, old, new, added)
    return dict(sorted(changed.items()))


def total(scrape: Mapping[str, float], family: str) -> float:
    """The sum of all series of a family."""
    return sum(value for series, value in scrape.items() if series.partition("{")[0] == family)


def _background(series: str) -> bool:
    return series.startswith(("python_", "process_")) or 'operation="models"' in series or "balance" in series


def _told(series: str, old: float | None, new: float, added: float) -> str:
    name = series.partition("{")[0]
    if name.endswith(("_total", "_count", "_sum", "_bucket")):
        return f"{'new, ' if old is None else ''}+{added:g}"
    return f"{'nothing' if old is None else f'{old:g}'} -> {new:g}"
