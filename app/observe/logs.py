"""Logs: one JSON object per line, or text for people (`terminal`). They hold neither secrets nor content of chats.

Each message is a fixed phrase. Variable data are in fields: `LOGGER.info("token renewed", extra=fields(...))`.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import sys
from datetime import UTC, datetime
from time import time
from typing import Any

import orjson
from aiohttp.http_exceptions import HttpProcessingError

from app.observe.log_writer import LogWriter
from app.observe.terminal import FIELDS, OWN_LOGGER, TextFormatter, supports_colour

LOGGER = logging.getLogger(OWN_LOGGER)
LOST = "lines of the log were lost"  # the event of missing lines
# At its end the process waits this long for its last lines to be written.
END_SECONDS = 2.0
_DIGITS = 3  # of fractions, which are seconds
_LEVELS = {level: logging.getLevelName(level).lower() for level in range(0, 60, 10)}


def fields(**values: object) -> dict[str, Any]:
    """The fields of a line, for the argument `extra`. Those that are None are left out; fractions are rounded."""
    return {
        FIELDS: {
            name: round(value, _DIGITS) if isinstance(value, float) else value
            for name, value in values.items()
            if value is not None
        }
    }


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, event, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a line break."""
        values: dict[str, Any] = dict(getattr(record, FIELDS, {}))
        if record.name != LOGGER.name:
            values["logger"] = record.name
        if record.exc_info:
            values["traceback"] = self.formatException(record.exc_info)
        return _format_json(record.created, record.levelno, record.getMessage(), values).decode()


def _format_json(moment: float, level: int, event: str, values: dict[str, Any]) -> bytes:
    line = {
        "time": datetime.fromtimestamp(moment, UTC),
        "level": _LEVELS.get(level, "info"),
        "event": event,
        **values,
    }
    try:
        return orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z)
    except TypeError:  # half of a surrogate pair, or a number beyond 64 bits
        return json.dumps(line, default=str).encode()


class LogHandler(logging.Handler):
    """Passes the line of each record to the log writer."""

    def __init__(self, writer: LogWriter, encoding: str) -> None:
        super().__init__()
        self._writer = writer
        self._encoding = encoding

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record's line. If the record cannot be formatted, the line says so."""
        try:
            line = self.format(record)
        except Exception as fault:  # noqa: BLE001 - logging would write to the stream itself, which may block
            line = self.format(
                _build_record(logging.ERROR, "a line of the log could not be made", why=type(fault).__name__)
            )
        self._writer.write(f"{line}\n".encode(self._encoding, "backslashreplace"), record.levelno)


def _build_record(level: int, event: str, **values: object) -> logging.LogRecord:
    record = logging.LogRecord(LOGGER.name, level, "", 0, event, None, None)
    record.__dict__.update(fields(**values))
    return record


def log_fast(level: int, event: str, values: dict[str, Any]) -> None:
    """Write a line without the cost of a record and handlers: each request writes one. The line is the same."""
    if not LOGGER.isEnabledFor(level):
        return
    # The log is text for people, or another handler was added.
    if _writer is None or _ROOT.handlers != _direct:
        LOGGER.log(level, event, extra={FIELDS: values})
        return
    _writer.write(_format_json(time(), level, event, values) + b"\n", level)


_ROOT = logging.getLogger()
_direct: list[logging.Handler] | None = None  # the handler that `configure` has set, if it writes JSON
_writer: LogWriter | None = None


def count_dropped() -> int:
    """The number of lines dropped since the start, because the log was not read or could not be written."""
    return _writer.dropped if _writer is not None else 0


def flush(seconds: float = END_SECONDS) -> bool:
    """Wait until all lines are written, at most this long. Returns whether they are."""
    return _writer is None or _writer.flush(seconds)


class HttpErrorFilter(logging.Filter):
    """Drops aiohttp's records about requests that are not valid HTTP, as port scanners send.

    They are no errors of the gateway, and they quote the raw bytes, which may hold a key (`GET /v1?key=...`).
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is kept. A dropped one becomes a debug line without the bytes."""
        fault = record.exc_info[1] if record.exc_info else None
        if not isinstance(fault, HttpProcessingError):
            return True
        LOGGER.debug("what came is no HTTP", extra=fields(status=fault.code, why=type(fault).__name__))
        return False


_HTTP_ERROR_FILTER = HttpErrorFilter()


def configure(level: str, form: str) -> None:
    """Send the logs to standard error. `form`: json, text, or auto, which means text on a terminal."""
    global _direct  # noqa: PLW0603 - logging is the process's own
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    formatter = TextFormatter(colour=supports_colour(sys.stderr)) if text else JsonFormatter()
    handler = _build_handler(formatter)
    _ROOT.handlers[:] = [handler]
    _ROOT.setLevel(logging.WARNING)
    _direct = None if text else [handler]
    LOGGER.setLevel(level.upper())
    logging.getLogger("aiohttp.server").addFilter(_HTTP_ERROR_FILTER)
    # No line shows these, and each would cost a call per record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _build_handler(formatter: logging.Formatter) -> logging.Handler:
    """A handler that writes to standard error's descriptor. The stream has a lock, which a slow reader would hold."""
    global _writer  # noqa: PLW0603 - logging is the process's own
    if _writer is not None:
        _writer.stop(END_SECONDS)
        _writer = None
    handler: logging.Handler
    try:
        descriptor = sys.stderr.fileno()
    except (OSError, ValueError):  # a stream in memory, which never blocks
        handler = logging.StreamHandler(sys.stderr)
    else:
        encoding = sys.stderr.encoding or "utf-8"

        def describe_loss(count: int) -> bytes:
            line = formatter.format(_build_record(logging.ERROR, LOST, lines=count))
            return f"{line}\n".encode(encoding, "backslashreplace")

        _writer = LogWriter(descriptor, describe_loss)
        _writer.start()
        handler = LogHandler(_writer, encoding)
    handler.setFormatter(formatter)
    return handler


def _restart_in_child() -> None:
    if _writer is not None:
        _writer.begin_in_child()


os.register_at_fork(after_in_child=_restart_in_child)
atexit.register(flush)  # also for the tracebacks of uncaught exceptions
