"""Metrics and log lines about the connections of one port. While clients are cut off, one line per minute says so."""

from __future__ import annotations

from collections import Counter
from time import monotonic

from app.observe.labels import CLOSE_CAUSES
from app.observe.logs import LOGGER, fields
from app.observe.metrics import Metrics

# At most one line in this time: a client that opens thousands of connections must not flood the log.
_LINE_SECONDS = 60.0
_REMEDY = "raise GPT2GIGA_MAX_CONNECTIONS and the limit of open files, or find out who opens them"
_FILES_REMEDY = "raise the limit of open files (`ulimit -n`, Docker's `ulimits`), or find out what keeps them open"


class ConnectionObserver:
    """`port` is a label, `main` or `metrics`. `limit` is the number of connections that the port allows."""

    def __init__(self, metrics: Metrics, port: str, limit: int) -> None:
        self._port, self._limit = port, limit
        self._gauge = metrics.connections.labels(port)
        self._cuts = {cause: metrics.connections_closed.labels(port, cause) for cause in CLOSE_CAUSES}
        metrics.connections_limit.labels(port).set(limit)
        self._unlogged: Counter[str] = Counter()
        self._logged_at = self._files_logged_at = -_LINE_SECONDS
        self._open = self._most = 0

    def record_opened(self) -> None:
        """Record a new connection."""
        self._gauge.inc()
        self._open += 1
        self._most = max(self._most, self._open)

    def record_closed(self) -> None:
        """Record the end of a connection, whoever ended it."""
        self._gauge.dec()
        self._open -= 1

    def record_cut(self, cause: str) -> None:
        """Record that the gateway ends a connection for this cause. Idle connections are counted, not logged."""
        self._cuts[cause].inc()
        if cause != "idle":
            self._unlogged[cause] += 1

    def report_file_shortage(self) -> None:
        """Log that the process has few file descriptors left."""
        now = monotonic()
        if now - self._files_logged_at >= _LINE_SECONDS:
            self._files_logged_at = now
            LOGGER.error("file descriptors run out: connections are ended for them", extra=fields(remedy=_FILES_REMEDY))

    def log_cuts(self) -> None:
        """Log the connections that were cut off since the last line, at most once a minute."""
        now = monotonic()
        if not self._unlogged or now - self._logged_at < _LINE_SECONDS:
            return
        is_full = self._unlogged["evicted"] or self._unlogged["refused"]
        LOGGER.warning(
            "connections were cut off",
            extra=fields(
                port=self._port,
                limit=self._limit,
                most=self._most,
                evicted=self._unlogged["evicted"] or None,
                refused=self._unlogged["refused"] or None,
                head=self._unlogged["head"] or None,
                unread=self._unlogged["unread"] or None,
                remedy=_REMEDY if is_full else None,
            ),
        )
        self._unlogged.clear()
        self._logged_at, self._most = now, self._open
