"""For operators and probes: /health, /livez, /readyz, /. No key, no count; only /livez never looks at GigaChat."""

from __future__ import annotations

import datetime as dt
from typing import Any

import orjson
from aiohttp import web

from app.server.keys import DRAIN, GATEWAY, REQUESTS, Gateway
from app.server.routes import SERVED
from app.upstream.tokens import TokenStatus


async def root(request: web.Request) -> web.Response:
    """GET and HEAD /: clients ask the base path whether anybody is there."""
    return _json({"name": "gpt2giga-proxy", "version": request.app[GATEWAY].version, "serves": SERVED})


async def livez(_request: web.Request) -> web.Response:
    """GET /livez: the process runs."""
    return _json({"live": True})


async def readyz(request: web.Request) -> web.Response:
    """GET /readyz: a request would be served."""
    reason = not_ready(request.app[GATEWAY], draining=request.app[DRAIN].draining)
    return _json({"ready": reason is None, "reason": reason}, 200 if reason is None else 503)


async def health(request: web.Request) -> web.Response:
    """GET /health: 200 healthy and degraded, 503 otherwise; with what an operator asks first."""
    gateway, drain = request.app[GATEWAY], request.app[DRAIN]
    reason = not_ready(gateway, draining=drain.draining)
    token, pulse = gateway.keeper.status(), gateway.gigachat.pulse
    worries = _worries(gateway, token, request.app[REQUESTS].streak.worry())
    status = "healthy" if not worries else "degraded"
    if reason is not None:
        status = "draining" if drain.draining else "unhealthy"
    body = {
        "status": status,
        "provider": "gigachat",
        "gigachat_available": token.source != "none" and pulse.available is True,
        "reason": reason or (worries[0] if worries else None),
        "token": {
            "source": token.source,
            "remaining_seconds": None if token.remaining is None else round(token.remaining, 1),
            "consecutive_failures": token.failures,
            "reason": token.reason,
            "remedy": token.remedy,
        },
        "fallback_usable": token.fallback,
        "last_upstream_success": _moment(pulse.last_success),
        "sandbox": gateway.gigachat.sandbox,
        "tls_verification": gateway.config.verify_ssl_certs,
        "requests_under_way": drain.under_way,
        "version": gateway.version,
    }
    return _json(body, 200 if reason is None else 503)


def not_ready(gateway: Gateway, *, draining: bool) -> str | None:
    """Why a request would not be served; None when it would."""
    if draining:
        return "shutting down"
    token, pulse = gateway.keeper.status(), gateway.gigachat.pulse
    if token.source == "none":
        return f"no usable token: {token.reason}. {token.remedy}"
    if pulse.available is None:
        return "GigaChat was not heard of yet"
    return None if pulse.available else f"GigaChat is gone: {pulse.detail}"


def _worries(gateway: Gateway, token: TokenStatus, failing: str | None) -> list[str]:
    found = [] if failing is None else [failing]
    if token.source == "ready":
        found.append("serving with the ready token, which cannot be renewed")
    if token.failures:
        found.append(f"the token could not be renewed {token.failures} time(s): {token.reason}")
    if ("GIGACHAT_MODEL", gateway.config.model) in gateway.catalog.absent:
        found.append(f"GIGACHAT_MODEL: GigaChat has no model {gateway.config.model!r}")
    if not gateway.config.verify_ssl_certs:
        found.append("GIGACHAT_VERIFY_SSL_CERTS is off: anyone on the way can read keys and prompts")
    return found


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
