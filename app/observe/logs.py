"""Logs: one JSON object a line, or a line for people on a terminal. Never a secret, never content.

Every message is a fixed phrase; what varies stands in fields (`logger.info("token renewed", extra=fields(...))`).
"""

from __future__ import annotations

import datetime as dt
import logging
import sys
from typing import Any

import orjson

LOGGER = logging.getLogger("gpt2giga")
_FIELDS = "gateway_fields"


def fields(**values: object) -> dict[str, Any]:
    """The varying part of a line, for `extra`; fields without a value are left out."""
    return {_FIELDS: {name: value for name, value in values.items() if value is not None}}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, event, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, _FIELDS, {}),
        }
        if record.name != LOGGER.name:
            line["logger"] = record.name
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z).decode()


class TextFormatter(logging.Formatter):
    """A line for people: time, level, event, `name=value` pairs."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and a traceback below it where there is one."""
        moment = dt.datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        pairs = "".join(f" {name}={_shown(value)}" for name, value in getattr(record, _FIELDS, {}).items())
        line = f"{moment} {record.levelname:<7} {record.getMessage()}{pairs}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    shown = str(value)
    return repr(shown) if " " in shown or not shown.isprintable() else shown


def configure(level: str, form: str) -> None:
    """Send everything to standard error: JSON, unless a person is looking (or asked for text)."""
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextFormatter() if text else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    LOGGER.setLevel(level.upper())
    # Nothing in a line comes from these, and each would cost a call per record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
