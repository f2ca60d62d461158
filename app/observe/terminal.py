"""Log lines for people: aligned columns, and colours if the terminal supports them and `NO_COLOR` is not set.

2026-12-01 12:00:01+03:00 INFO     request        200    1.204s POST /v1/chat/completions  model=GigaChat-2 ...
2026-12-01 12:00:09+03:00 ERROR    GigaChat is gone  why="no connection to GigaChat: ..."
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

OWN_LOGGER = "gpt2giga"  # lines of others name theirs
FIELDS = "gateway_fields"  # the attribute of a record that holds the fields of its line

_LEVELS = {
    logging.DEBUG: "\x1b[2m",
    logging.INFO: "\x1b[32m",
    logging.WARNING: "\x1b[33m",
    logging.ERROR: "\x1b[31m",
    logging.CRITICAL: "\x1b[1;31m",
}
_DIM, _BOLD, _END = "\x1b[2m", "\x1b[1m", "\x1b[0m"
_EVENT_WIDTH = 14
# The fields of a finished request that have columns. Its long id is at the end of the line.
_COLUMNS = ("status", "seconds", "method", "route")
_OMITTED = frozenset({*_COLUMNS, "endpoint", "request_id"})


def supports_colour(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the stream is a terminal with colours. Source: no-color.org; terminfo (the terminal `dumb`)."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


class TextFormatter(logging.Formatter):
    """Formats a record as one line for people, with the traceback below it if there is one."""

    def __init__(self, *, colour: bool = False) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Local time with its zone, level, event, for a request its columns, then `name=value` pairs."""
        moment = dt.datetime.fromtimestamp(record.created).astimezone().isoformat(" ", "seconds")
        values: dict[str, Any] = getattr(record, FIELDS, {})
        event, rest = f"{_escape(' '.join(record.getMessage().split())):<{_EVENT_WIDTH}}", values
        columns = ""
        if all(name in values for name in _COLUMNS):
            status = self._format_status(values["status"])
            columns = f" {status} {self._format_seconds(values)} {values['method']} {values['route']} "
            rest = {name: value for name, value in values.items() if name not in _OMITTED}
            rest["request_id"] = values.get("request_id")
        if record.name != OWN_LOGGER:
            rest = {**rest, "logger": record.name}
        pairs = "".join(f" {self._paint(_DIM, name + '=')}{_format_value(value)}" for name, value in _flatten(rest))
        level = self._paint(_LEVELS.get(record.levelno, ""), f"{record.levelname:<8}")
        line = f"{self._paint(_DIM, moment)} {level} {self._paint(_BOLD, event)}{columns}{pairs}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line

    def _format_status(self, status: int) -> str:
        if status >= 500:
            level = logging.ERROR
        elif status >= 400:
            level = logging.WARNING
        else:
            level = logging.INFO
        return self._paint(_LEVELS[level], str(status))

    @staticmethod
    def _format_seconds(values: Mapping[str, Any]) -> str:
        return f"{values['seconds']:8.3f}s"

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_END}" if self._colour and colour else text


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Pairs of names and values: what is inside another is `outer.inner`. Without those that have no value."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        elif value is not None:
            yield f"{prefix}{name}", value


def _format_value(value: object) -> str:
    """A value in the words of settings and JSON, not in Python's."""
    if isinstance(value, list | tuple | set | frozenset):
        return _quote(",".join(_format_plain(one) for one in value))
    return _quote(_format_plain(value))


def _format_plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _format_number(value)
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, Mapping):
        return ",".join(f"{name}={_format_plain(one)}" for name, one in _flatten(value))
    return str(value)


def _format_number(value: float) -> str:
    """Rounded: to three digits below 1, to thousandths below 100, else to tenths."""
    if abs(value) < 1:
        return f"{value:.3g}"
    return f"{value:.{3 if abs(value) < 100 else 1}f}".rstrip("0").rstrip(".")


def _quote(text: str) -> str:
    """The text, in JSON's quotes where it has blanks or quotes, so that a line can be taken apart."""
    if text and text.isprintable() and not any(char in text for char in ' "'):
        return text
    return f'"{_escape(text.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34)))}"'


def _escape(text: str) -> str:
    """The text without what could break the line, colour it or hide in it."""
    return text if text.isprintable() else "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)
