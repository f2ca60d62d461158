"""What surrounds every handler: facts and their telling, errors as answers, the key at the door. Outermost first."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import web

from app import errors
from app.errors import GatewayError
from app.observe.facts import Facts
from app.observe.logs import LOGGER, fields
from app.server.keys import DOOR, FACTS, REQUESTS
from app.server.routes import ENDPOINTS, OPEN_PATHS, SERVED
from app.translate.openai.failure import envelope

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_MAX_CLIENT_ID = 128


@web.middleware
async def access(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One request's facts, told once at its end: one log line and the metrics, whatever happened."""
    path = _template(request)
    # A browser's pre-flight asks nothing of a model: it is counted nowhere either.
    if path in OPEN_PATHS or (request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers):
        return await handler(request)
    observer = request.app[REQUESTS]
    facts = request[FACTS] = Facts(endpoint=ENDPOINTS.get(path, "other") if path else "other")
    if "X-Request-ID" in request.headers:
        facts.client_request_id = _client_id(request.headers["X-Request-ID"])
    in_flight = observer.in_flight(facts.endpoint)
    in_flight.inc()
    try:
        response = await handler(request)
        facts.wire_status = response.status
        if facts.error_type is None:
            facts.status = response.status
        return response
    except asyncio.CancelledError:
        if not facts.delivered:
            client_gone(facts)
        raise
    finally:
        in_flight.dec()
        observer.tell(facts, path or "other", request.method)


@web.middleware
async def failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every failure as an answer in OpenAI's envelope, with a row of the table."""
    try:
        return await handler(request)
    except GatewayError as error:
        return refused(request, error)
    except web.HTTPException as fault:
        answer = refused(request, _of_aiohttp(request, fault))
        if "Allow" in fault.headers:
            answer.headers["Allow"] = ", ".join(_allowed(fault))
        return answer
    except (web.RequestPayloadError, aiohttp.http_exceptions.HttpProcessingError):
        return _unreadable(request)
    except Exception:  # noqa: BLE001 - the last resort: nothing may reach the client but an envelope
        facts = request.get(FACTS)
        LOGGER.exception("a bug of the gateway's own", extra=fields(request_id=facts.request_id if facts else None))
        message = "The gateway failed: this is a bug of its own. Its log has the details under this request's id."
        return refused(request, GatewayError(errors.INTERNAL_ERROR, message))


@web.middleware
async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The key, and whose request it is. A browser's pre-flight bears no key."""
    facts = request.get(FACTS)
    if facts is None or facts.endpoint == "other":
        return await handler(request)
    headers = request.headers
    tenant = request.app[DOOR].admit(headers.get("Authorization"), headers.get("x-api-key"), headers.get("X-Tenant-ID"))
    facts.tenant = tenant.id
    return await handler(request)


def refused(request: web.Request, error: GatewayError) -> web.Response:
    """The answer for an error; the facts take it too."""
    if (facts := request.get(FACTS)) is not None:
        note(facts, error)
    return web.Response(status=error.row.status, body=envelope(error), headers=_headers(error))


def note(facts: Facts, error: GatewayError) -> None:
    """The status that an error is counted under, be the wire's another; the cause behind it is for the log alone."""
    facts.status, facts.error_type = error.row.status, error.row.error_type
    facts.slo_bad = error.row.slo == "bad"
    facts.detail = error.row.code if error.detail is None else f"{error.row.code}: {error.detail}"


def client_gone(facts: Facts) -> None:
    """The client has left: nobody's fault, and the upstream request has ended with it."""
    facts.status, facts.error_type, facts.slo_bad = errors.CLIENT_CLOSED_STATUS, errors.CLIENT_CLOSED, False
    facts.aborted_by = "client"


async def tell_client(request: web.Request, response: web.StreamResponse) -> None:
    """Signal before a response's head is sent: the request's id, times and notes, whatever kind of answer it is."""
    facts = request.get(FACTS)
    if facts is None:
        return
    headers = response.headers
    headers["x-request-id"] = facts.request_id
    upstream, overhead = facts.milliseconds()
    headers["x-gateway-upstream-ms"] = upstream
    headers["x-gateway-overhead-ms"] = overhead
    if facts.adapted:
        headers["x-gateway-adapted"] = facts.adapted
    if facts.dropped:
        headers["x-gateway-dropped"] = facts.dropped


async def expected(request: web.Request) -> None:
    """A client that waits for leave to send its body gets it; what else it may expect (RFC 9110, 10.1.1) is nothing."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def _unreadable(request: web.Request) -> web.Response:
    """A body that cannot be decoded: nothing after it on this connection can be read either."""
    request.content.feed_eof()  # else the server looks for the body's rest and stumbles over the same fault
    answer = refused(request, GatewayError(errors.INVALID_JSON, "The request's body is cut off or wrongly encoded."))
    answer.force_close()
    return answer


def _headers(error: GatewayError) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "x-should-retry": "true" if error.row.retry else "false"}
    if error.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(max(1.0, error.retry_after)))
    return headers


def _of_aiohttp(request: web.Request, fault: web.HTTPException) -> GatewayError:
    if fault.status == 405:
        return GatewayError(errors.METHOD_NOT_ALLOWED, f"{request.path} takes {', '.join(_allowed(fault))}.")
    if fault.status == 413:
        return GatewayError(errors.REQUEST_TOO_LARGE, "The request is too large.")
    if fault.status == 404:
        return GatewayError(errors.UNKNOWN_URL, f"This gateway has no such URL. It serves {SERVED}.")
    if fault.status == 403:  # aiohttp-cors, of a pre-flight
        message = "Pages of this origin may not ask this gateway. The operator allows origins in GPT2GIGA_CORS_ORIGINS."
        return GatewayError(errors.INVALID_VALUE, message)
    return GatewayError(errors.INVALID_VALUE, f"The request could not be read ({fault.status}).")


def _allowed(fault: web.HTTPException) -> list[str]:
    return sorted(getattr(fault, "allowed_methods", ()))


def _template(request: web.Request) -> str | None:
    resource = request.match_info.route.resource
    return None if resource is None else resource.canonical


def _client_id(value: str) -> str | None:
    """The client's own id, for the log: bounded, and nothing that could forge a line."""
    return "".join(char for char in value[:_MAX_CLIENT_ID] if char.isprintable() and char.isascii()) or None
