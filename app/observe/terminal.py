"""Log lines for people: columns that line up, and colours where a terminal shows them and nobody has declined.

12:00:01 INFO     request        200    1.204s POST /v1/chat/completions  model=GigaChat-2 prompt_tokens=12 ...
12:00:09 ERROR    GigaChat is gone  why='no connection to GigaChat: ...'
"""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Mapping
from typing import Any, TextIO

FIELDS = "gateway_fields"  # where a record bears the varying part of its line

_LEVELS = {
    logging.DEBUG: "\x1b[2m",
    logging.INFO: "\x1b[32m",
    logging.WARNING: "\x1b[33m",
    logging.ERROR: "\x1b[31m",
    logging.CRITICAL: "\x1b[1;31m",
}
_DIM, _BOLD, _END = "\x1b[2m", "\x1b[1m", "\x1b[0m"
_EVENT_WIDTH = 14
# What a finished request's columns show; its id, which is long, ends the line.
_COLUMNS = ("status", "seconds", "method", "route")
_OMITTED = frozenset({*_COLUMNS, "endpoint", "request_id"})


def coloured(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this stream is a terminal that shows colours. Source: no-color.org, and terminfo's name `dumb`."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


class TextFormatter(logging.Formatter):
    """One line for a person, and a traceback below it where there is one."""

    def __init__(self, *, colour: bool = False) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, event, for a request its columns, then `name=value` pairs."""
        moment = dt.datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        values: dict[str, Any] = getattr(record, FIELDS, {})
        event, rest = f"{record.getMessage():<{_EVENT_WIDTH}}", values
        columns = ""
        if all(name in values for name in _COLUMNS):
            columns = f" {self._status(values['status'])} {self._took(values)} {values['method']} {values['route']} "
            rest = {name: value for name, value in values.items() if name not in _OMITTED}
            rest["request_id"] = values.get("request_id")
        pairs = "".join(f" {self._paint(_DIM, name + '=')}{_shown(value)}" for name, value in rest.items())
        level = self._paint(_LEVELS.get(record.levelno, ""), f"{record.levelname:<8}")
        line = f"{self._paint(_DIM, moment)} {level} {self._paint(_BOLD, event)}{columns}{pairs}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line

    def _status(self, status: int) -> str:
        level = logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR
        return self._paint(_LEVELS[level], str(status))

    @staticmethod
    def _took(values: Mapping[str, Any]) -> str:
        return f"{values['seconds']:8.3f}s"

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_END}" if self._colour and colour else text


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    shown = str(value)
    return repr(shown) if " " in shown or not shown.isprintable() else shown
