"""Logs: one JSON object a line, or a line for people (`terminal`). Never a secret, never content.

Every message is a fixed phrase; what varies stands in fields (`logger.info("token renewed", extra=fields(...))`).
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from time import time
from typing import Any

import orjson
from aiohttp.http_exceptions import HttpProcessingError

from app.observe.terminal import FIELDS, TextFormatter, coloured

LOGGER = logging.getLogger("gpt2giga")
_LEVELS = {level: logging.getLevelName(level).lower() for level in range(0, 60, 10)}


def fields(**values: object) -> dict[str, Any]:
    """The varying part of a line, for `extra`; fields without a value are left out."""
    return {FIELDS: {name: value for name, value in values.items() if value is not None}}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, event, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        values: dict[str, Any] = dict(getattr(record, FIELDS, {}))
        if record.name != LOGGER.name:
            values["logger"] = record.name
        if record.exc_info:
            values["traceback"] = self.formatException(record.exc_info)
        return _json(record.created, record.levelno, record.getMessage(), values).decode()


def _json(moment: float, level: int, event: str, values: dict[str, Any]) -> bytes:
    line = {
        "time": dt.datetime.fromtimestamp(moment, dt.UTC),
        "level": _LEVELS.get(level, "info"),
        "event": event,
        **values,
    }
    try:
        return orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z)
    except TypeError:  # half a surrogate, a number beyond 64 bits: a line must never be lost
        return json.dumps(line, default=str).encode()


def often(level: int, event: str, values: dict[str, Any]) -> None:
    """Write a line that every request costs: the same line as the logger's, without its records and handlers."""
    if not LOGGER.isEnabledFor(level):
        return
    if not _direct or _ROOT.handlers != _direct:  # lines for people, or somebody else listens too
        LOGGER.log(level, event, extra={FIELDS: values})
        return
    try:
        sys.stderr.buffer.write(_json(time(), level, event, values) + b"\n")
        sys.stderr.buffer.flush()
    except OSError:
        return  # whoever read the log has gone: no request fails of that


_ROOT = logging.getLogger()
_direct: list[logging.Handler] = []  # our handler, where it writes JSON


class NoHttp(logging.Filter):
    """Keeps aiohttp from telling an error, with a traceback and the raw bytes, for whatever a scanner sends.

    Such bytes are nobody's fault here, and they may hold a key (`GET /v1?key=...`).
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is something else."""
        fault = record.exc_info[1] if record.exc_info else None
        if not isinstance(fault, HttpProcessingError):
            return True
        LOGGER.debug("what came is no HTTP", extra=fields(status=fault.code, why=type(fault).__name__))
        return False


_NO_HTTP = NoHttp()


def configure(level: str, form: str) -> None:
    """Send everything to standard error: JSON, unless a person is looking (or asked for text)."""
    global _direct  # noqa: PLW0603 - logging is the process's own
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextFormatter(colour=coloured(sys.stderr)) if text else JsonFormatter())
    _ROOT.handlers[:] = [handler]
    _ROOT.setLevel(logging.WARNING)
    _direct = [] if text else [handler]
    LOGGER.setLevel(level.upper())
    logging.getLogger("aiohttp.server").addFilter(_NO_HTTP)
    # Nothing in a line comes from these, and each would cost a call per record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
