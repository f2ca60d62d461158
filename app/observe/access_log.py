"""The log line of a finished request. docs/logs.md documents its fields."""

from __future__ import annotations

import logging

from app.observe import logs
from app.observe.request_record import RequestRecord


def is_sampled(request_id: str, sample: float) -> bool:
    """Whether the line of this request is written. `sample`: the fraction of lines to write; the random id decides."""
    return sample >= 1.0 or int(request_id[:8], 16) < sample * 2**32


def log_request(
    record: RequestRecord, route: str, method: str, now: float, upstream: float, sample: float | None
) -> None:
    """Write the line. Times are on the monotonic clock, in seconds.

    `upstream`: how long GigaChat had the request. `sample`: the fraction of such lines that is written, if not all.
    """
    level = logging.ERROR if record.slo_bad else logging.INFO
    logs.log_fast(level, "request", _build_fields(record, route, method, now, upstream, sample))


def _build_fields(
    record: RequestRecord, route: str, method: str, now: float, upstream: float, sample: float | None
) -> dict[str, object]:
    """The line's fields, without those that have no value."""
    tokens, gaps = record.tokens, record.gaps
    line: dict[str, object] = {
        "request_id": record.request_id,
        "client_request_id": record.client_request_id,
        "method": method,
        "route": route,
        "endpoint": record.endpoint,
        "tenant": record.tenant,
        "model_asked": record.model_asked,
        "model": record.model,
        "status": record.status,
        "wire_status": record.wire_status,
        "stream": record.stream,
        "seconds": round(now - record.received, 4),
        "upstream_seconds": round(upstream, 4),
        "first_token_seconds": None if record.first_token is None else round(record.first_token - record.received, 4),
        "longest_gap_seconds": None if gaps is None else round(gaps.longest, 4),
        "chunks": record.chunks or None,
        "keepalives": record.keepalives or None,
        "upstream_status": record.upstream_status,
        "tries": record.tries or None,
        "files": record.files or None,
        "uploads": record.uploads or None,
        "files_lost": "; ".join(record.lost_files) or None,
        "files_seconds": round(record.files_seconds, 4) if record.files else None,
        "prompt_tokens": tokens.prompt if tokens else None,
        "completion_tokens": tokens.completion if tokens else None,
        "cached_tokens": tokens.cached if tokens else None,
        "billed_tokens": tokens.prompt + tokens.completion - tokens.cached if tokens else None,
        "finish": record.finish,
        "leaked_calls": record.leaked_calls or None,
        "adapted": record.adapted or None,
        "dropped": record.dropped or None,
        "misspelt": record.slips or None,
        "error_type": record.error_type,
        "error": record.detail,
        "aborted_by": record.aborted_by,
        "sampled": sample,
    }
    return {name: value for name, value in line.items() if value is not None}
