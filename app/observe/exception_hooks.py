"""Sends uncaught exceptions and warnings to the log.

Python's own hooks write them to standard error, which may block. The hooks are for exceptions of the main thread, of
other threads and of destructors, and for warnings. `faulthandler` reports a crash of native code; it must not block
either, so it gets a descriptor of its own.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
from types import TracebackType
from typing import TextIO

from app.observe.logs import LOGGER

_crash_log: TextIO | None = None  # stays open until the process ends


def install() -> None:
    """Set the hooks of this process."""
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_thread_exception
    sys.unraisablehook = _log_unraisable
    logging.captureWarnings(capture=True)
    _enable_crash_log()


def _log_uncaught(kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:
    LOGGER.critical("the program ends by a bug of its own", exc_info=(kind, fault, trace))


def _log_thread_exception(died: threading.ExceptHookArgs) -> None:
    if died.exc_value is not None:
        exc_info = (died.exc_type, died.exc_value, died.exc_traceback)
        LOGGER.critical("a thread died of a bug", exc_info=exc_info)


def _log_unraisable(ignored: sys.UnraisableHookArgs) -> None:
    if ignored.exc_value is not None:
        exc_info = (ignored.exc_type, ignored.exc_value, ignored.exc_traceback)
        LOGGER.error("an exception that nobody can catch", exc_info=exc_info)


def _enable_crash_log() -> None:
    """Write the traceback of a crash through a descriptor that never blocks.

    If standard error cannot be opened a second time (it is a socket), `faulthandler` is left as it is.
    """
    global _crash_log  # noqa: PLW0603 - the process's own
    flags = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY
    try:
        _crash_log = os.fdopen(os.open(f"/proc/self/fd/{sys.stderr.fileno()}", flags), "w")
    except (OSError, ValueError):
        return
    faulthandler.enable(_crash_log)
