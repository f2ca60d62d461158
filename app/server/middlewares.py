"""What surrounds every handler: the request's record, errors as answers, web pages, the key. Outermost first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import web

from app import errors
from app.errors import GatewayError
from app.observe.logs import LOGGER, fields
from app.observe.request_record import RequestRecord
from app.server import unknown_paths
from app.server.app_keys import AUTHENTICATOR, BROWSERS, RECORD, REQUESTS
from app.server.refusals import ENCODINGS, body_unreadable
from app.server.routes import ROUTE, asks_key, find_route, is_preflight, protocol_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SERVER_NAME = "gpt2giga-proxy"
_MAX_CLIENT_ID = 128
_LONGEST_SHOWN = 200  # characters of a path in a message


@web.middleware
async def access(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One request's record, told once at its end: one log line and the metrics, whatever happened."""
    route = find_route(request)
    if route is not None:
        request[ROUTE] = route
    # A browser's pre-flight asks nothing of a model: it is counted nowhere either.
    uncounted = (route is not None and not route.asks_key) or is_preflight(request)
    if uncounted and _refusal(request) is None:
        return await handler(request)
    observer = request.app[REQUESTS]
    record = request[RECORD] = RequestRecord(endpoint="other" if route is None else route.endpoint)
    if "X-Request-ID" in request.headers:
        record.record_client_request_id(_clean_id(request.headers["X-Request-ID"]))
    in_flight = observer.in_flight(record.endpoint)
    in_flight.inc()
    try:
        response = await handler(request)
        record.complete(response.status)
        return response
    except asyncio.CancelledError:
        if not record.delivered:
            record.record_departure()
        raise
    finally:
        in_flight.dec()
        observer.report(record, "other" if route is None else route.path, request.method)


@web.middleware
async def failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every failure as an answer in the words of the client's protocol, of a kind of the table."""
    try:
        if (refusal := _refusal(request)) is not None:
            raise refusal
        return await handler(request)
    except GatewayError as error:
        return write_refusal(request, error)
    except web.HTTPException as fault:
        answer = write_refusal(request, _of_aiohttp(request, fault))
        if "Allow" in fault.headers:
            answer.headers["Allow"] = ", ".join(_allowed(fault))
        return answer
    except (web.RequestPayloadError, aiohttp.http_exceptions.HttpProcessingError):
        return _unreadable(request)
    except Exception:  # noqa: BLE001 - the last resort: nothing may reach the client but an envelope
        record = request.get(RECORD)
        LOGGER.exception("a bug of the gateway's own", extra=fields(request_id=record.request_id if record else None))
        message = "The gateway failed: this is a bug of its own. Its log has the details under this request's id."
        return write_refusal(request, GatewayError(errors.INTERNAL_ERROR, message))


@web.middleware
async def browsers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What a web page may have sent is refused, whatever the path, and a pre-flight as well."""
    request.app[BROWSERS].check(request)
    return await handler(request)


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The key, and whose request it is."""
    if not asks_key(request):
        return await handler(request)
    headers = request.headers
    tenant = request.app[AUTHENTICATOR].admit(
        headers.get("Authorization"), headers.get("x-api-key"), headers.get("X-Tenant-ID")
    )
    request[RECORD].record_tenant(tenant.id)
    return await handler(request)


@web.middleware
async def refusals_first(request: web.Request, handler: Handler) -> web.StreamResponse:
    """For applications without `failures`: what the connection refuses reaches no handler."""
    refusal = _refusal(request)
    return await handler(request) if refusal is None else write_refusal(request, refusal)


def write_refusal(request: web.BaseRequest, error: GatewayError) -> web.Response:
    """The answer for an error, in the client's protocol; the record takes it too."""
    if (record := request.get(RECORD)) is not None:
        record_error(record, error)
    protocol = protocol_of(request)
    headers = {"Content-Type": "application/json", **protocol.error_headers(error)}
    if error.kind is errors.UNSUPPORTED_ENCODING:
        headers["Accept-Encoding"] = ", ".join(ENCODINGS)  # RFC 9110, 12.5.3
    return web.Response(status=error.kind.status, body=protocol.write_error(error), headers=headers)


def record_error(record: RequestRecord, error: GatewayError) -> None:
    """Record an error, and let go what it holds."""
    record.fail(error)
    errors.drop_frames(error)


async def tell_client(request: web.Request, response: web.StreamResponse) -> None:
    """Signal before a response's head is sent: the request's id, times and notes, whatever kind of answer it is."""
    headers = response.headers
    headers["Server"] = SERVER_NAME
    record = request.get(RECORD)
    if record is None:
        return
    headers["x-request-id"] = record.request_id
    queue, upstream, overhead = record.milliseconds()
    headers["x-gateway-queue-ms"] = queue
    headers["x-gateway-upstream-ms"] = upstream
    headers["x-gateway-overhead-ms"] = overhead
    if record.idempotent is not None:
        headers["x-gateway-idempotent"] = record.idempotent
    if record.adapted:
        headers["x-gateway-adapted"] = record.adapted
    if record.dropped:
        headers["x-gateway-dropped"] = record.dropped


async def send_continue(request: web.Request) -> None:
    """A client that waits for leave to send its body gets it, of HTTP/1.1: RFC 9110, 10.1.1, knows no other."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= aiohttp.HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def _refusal(request: web.Request) -> GatewayError | None:
    """What the connection refuses of this request: its framing, its encoding, its place beyond the limit."""
    return getattr(request.protocol, "refusal", None)


def _unreadable(request: web.Request) -> web.Response:
    """A body that cannot be decoded: nothing after it on this connection can be read either."""
    answer = write_refusal(request, _refusal(request) or body_unreadable())
    answer.force_close()
    return answer


def _of_aiohttp(request: web.Request, fault: web.HTTPException) -> GatewayError:
    if fault.status == 405:
        path = request.path if len(request.path) <= _LONGEST_SHOWN else "This path"
        return GatewayError(errors.METHOD_NOT_ALLOWED, f"{path} takes {', '.join(_allowed(fault))}.")
    if fault.status == 413:
        return GatewayError(errors.REQUEST_TOO_LARGE, "The request is too large.")
    if fault.status == 404:
        return GatewayError(errors.UNKNOWN_URL, unknown_paths.describe(request.method, request.path))
    if fault.status == 403:  # aiohttp-cors, of a pre-flight
        message = "Pages of this origin may not ask this gateway. The operator allows origins in GPT2GIGA_CORS_ORIGINS."
        return GatewayError(errors.ORIGIN_NOT_ALLOWED, message)
    return GatewayError(errors.INVALID_VALUE, f"The request could not be read ({fault.status}).")


def _allowed(fault: web.HTTPException) -> list[str]:
    return sorted(getattr(fault, "allowed_methods", ()))


def _clean_id(value: str) -> str | None:
    """The client's own id, for the log: bounded, and nothing that could forge a line."""
    return "".join(char for char in value[:_MAX_CLIENT_ID] if char.isprintable() and char.isascii()) or None
