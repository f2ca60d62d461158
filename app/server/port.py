"""What the connections of one port share, and the answers to what never reaches the port's application."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import hdrs, web

from app import errors
from app.errors import GatewayError
from app.observe.logs import LOGGER, fields
from app.observe.request_record import RequestRecord
from app.observe.requests import RequestObserver
from app.server.connection_table import Connections
from app.server.drain import Drain
from app.server.heads import HeadBudget
from app.server.middlewares import SERVER_NAME, record_error, write_refusal


@dataclass(frozen=True, slots=True)
class Port:
    """One port. Requests at a port without an observer of requests are counted nowhere, as those of probes."""

    loop: asyncio.AbstractEventLoop
    table: Connections
    heads: HeadBudget
    drain: Drain
    requests: RequestObserver | None
    idle_seconds: float
    most_unread: int  # bytes of a body that nobody reads; then its client is cut off

    def answer(self, request: web.BaseRequest, error: GatewayError, bug: BaseException | None = None) -> web.Response:
        """The answer for an error; it is counted and logged as a request's."""
        record = RequestRecord()
        if bug is not None:
            LOGGER.error("a bug of the gateway's own", exc_info=bug, extra=fields(request_id=record.request_id))
        record_error(record, error)
        record.begin_response(error.kind.status)
        if self.requests is not None:
            # Whoever floods the port does not flood the log.
            self.requests.report(record, "other", request.method, quiet=error.kind is errors.OVERLOADED)
        answer = write_refusal(request, error)
        answer.headers[hdrs.SERVER] = SERVER_NAME
        answer.headers["x-request-id"] = record.request_id
        return answer

    def convert(self, request: web.BaseRequest, fault: web.HTTPException) -> web.Response:
        """The answer for what aiohttp refuses before any middleware, or on a port that has none."""
        if fault.status == 404:
            error = GatewayError(errors.UNKNOWN_URL, "Nothing is served under this path.")
        elif fault.status == 405:
            error = GatewayError(errors.METHOD_NOT_ALLOWED, "This path does not take this method.")
        else:
            error = GatewayError(errors.INVALID_HTTP, "The request expects what this gateway does not do.")
        answer = self.answer(request, error)
        if hdrs.ALLOW in fault.headers:
            answer.headers[hdrs.ALLOW] = fault.headers[hdrs.ALLOW]
        return answer
