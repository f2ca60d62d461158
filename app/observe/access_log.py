"""The log line of a finished request. docs/logs.md documents its fields."""

from __future__ import annotations

import logging

from app.observe import logs
from app.observe.request_record import RequestRecord

_LEAST_SECONDS = 0.00005  # what is shown is rounded to a tenth of a millisecond


def is_sampled(request_id: str, sample: float) -> bool:
    """Whether the line of this request is written. `sample`: the fraction of lines to write; the random id decides."""
    return sample >= 1.0 or int(request_id[:8], 16) < sample * 2**32


def log_request(
    record: RequestRecord, route: str, method: str, now: float, upstream: float, sample: float | None
) -> None:
    """Write the line, without the fields that have no value. Times are on the monotonic clock, in seconds.

    `upstream`: how long GigaChat had the request. `sample`: the fraction of such lines that is written, if not all.
    """
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
    }
    if record.client_request_id is None:
        del line["client_request_id"]
    if record.model_asked is None:
        del line["model_asked"]
    if record.model is None:
        del line["model"]
    if record.wire_status is None:
        del line["wire_status"]
    if record.stream:
        _add_stream(line, record)
    _add_upstream(line, record)
    _add_remarks(line, record)
    if sample is not None:
        line["sampled"] = sample
    logs.log_fast(logging.ERROR if record.slo_bad else logging.INFO, "request", line)


def _add_stream(line: dict[str, object], record: RequestRecord) -> None:
    if record.first_token is not None:
        line["first_token_seconds"] = round(record.first_token - record.received, 4)
    if record.gaps is not None:
        line["longest_gap_seconds"] = round(record.gaps.longest, 4)
    if record.chunks:
        line["chunks"] = record.chunks
    if record.keepalives:
        line["keepalives"] = record.keepalives


def _add_upstream(line: dict[str, object], record: RequestRecord) -> None:
    if record.upstream_status is not None:
        line["upstream_status"] = record.upstream_status
    if record.tries:
        line["tries"] = record.tries
    if record.queue_seconds >= _LEAST_SECONDS:
        line["queue_seconds"] = round(record.queue_seconds, 4)
    if record.retries:
        line["retries"] = record.retries
    if record.files:
        _add_files(line, record)
    tokens = record.tokens
    if tokens is not None:
        prompt, completion, cached = tokens
        line["prompt_tokens"] = prompt
        line["completion_tokens"] = completion
        line["cached_tokens"] = cached
        line["billed_tokens"] = prompt + completion - cached
    if record.finish is not None:
        line["finish"] = record.finish


def _add_files(line: dict[str, object], record: RequestRecord) -> None:
    line["files"] = record.files
    if record.uploads:
        line["uploads"] = record.uploads
    if record.lost_files:
        line["files_lost"] = "; ".join(record.lost_files)
    line["files_seconds"] = round(record.files_seconds, 4)


def _add_remarks(line: dict[str, object], record: RequestRecord) -> None:
    """What became of the client's fields and of the answer."""
    if record.idempotent is not None:
        line["idempotent"] = record.idempotent
    if record.leaked_calls:
        line["leaked_calls"] = record.leaked_calls
    if record.adapted:
        line["adapted"] = record.adapted
    if record.dropped:
        line["dropped"] = record.dropped
    if record.slips:
        line["misspelt"] = record.slips
    if record.error_type is not None:
        line["error_type"] = record.error_type
    if record.detail is not None:
        line["error"] = record.detail
    if record.aborted_by is not None:
        line["aborted_by"] = record.aborted_by
