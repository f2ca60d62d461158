"""Records of requests of which something is known."""

from __future__ import annotations

from typing import Any

from app.observe.request_record import RequestRecord


def make_record(**known: Any) -> RequestRecord:
    """A record with these attributes."""
    record = RequestRecord()
    for name, value in known.items():
        if not hasattr(record, name):
            raise AttributeError(name)
        setattr(record, name, value)
    return record
