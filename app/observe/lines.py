"""The log line of a finished request. Its fields are documented in docs/logs.md."""

from __future__ import annotations

import logging

from app.observe import logs
from app.observe.facts import Facts


def kept(request_id: str, share: float) -> bool:
    """Whether this request is among the share of lines that is written: its id, which is random, decides."""
    return share >= 1.0 or int(request_id[:8], 16) < share * 2**32


def write(facts: Facts, route: str, method: str, now: float, upstream: float, share: float | None) -> None:
    """Write the line. `share`: of such lines that are written, where not all are."""
    level = logging.ERROR if facts.slo_bad else logging.INFO
    logs.often(level, "request", _line(facts, route, method, now, upstream, share))


def _line(facts: Facts, route: str, method: str, now: float, upstream: float, share: float | None) -> dict[str, object]:
    """The line's fields: what was not there is left out, but for the few that a reader counts on."""
    tokens, gaps = facts.tokens, facts.gaps
    line: dict[str, object] = {
        "request_id": facts.request_id,
        "client_request_id": facts.client_request_id,
        "method": method,
        "route": route,
        "endpoint": facts.endpoint,
        "tenant": facts.tenant,
        "model_asked": facts.model_asked,
        "model": facts.model,
        "status": facts.status,
        "wire_status": facts.wire_status,
        "stream": facts.stream,
        "seconds": round(now - facts.received, 4),
        "upstream_seconds": round(upstream, 4),
        "first_token_seconds": None if facts.first_token is None else round(facts.first_token - facts.received, 4),
        "longest_gap_seconds": None if gaps is None else round(gaps.longest, 4),
        "chunks": facts.chunks or None,
        "keepalives": facts.keepalives or None,
        "upstream_status": facts.upstream_status,
        "tries": facts.tries or None,
        "files": facts.files or None,
        "uploads": facts.uploads or None,
        "files_seconds": round(facts.files_seconds, 4) if facts.files else None,
        "prompt_tokens": tokens.prompt if tokens else None,
        "completion_tokens": tokens.completion if tokens else None,
        "cached_tokens": tokens.cached if tokens else None,
        "finish": facts.finish,
        "adapted": facts.adapted or None,
        "dropped": facts.dropped or None,
        "error_type": facts.error_type,
        "error": facts.detail,
        "aborted_by": facts.aborted_by,
        "sampled": share,
    }
    return {name: value for name, value in line.items() if value is not None}
