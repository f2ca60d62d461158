"""For operators and probes: /health, /livez, /readyz, /. No key, no count; only /livez never looks at GigaChat.

Everybody gets the states; hosts, causes, remedies, versions and counts are for operators.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from aiohttp import web

from app import client_json
from app.observe.streak import Streak
from app.redaction import mask_model
from app.server import remedies
from app.server.app_keys import BODIES, BROWSERS, DRAIN, GATEWAY, REQUESTS
from app.server.drain import Drain
from app.server.gateway import Gateway
from app.server.operator_access import is_operator
from app.server.routes import SERVED

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Worry(NamedTuple):
    """What is wrong, and what an operator does about it."""

    reason: str
    remedy: str | None


_LONG_WAIT_SECONDS = 20.0
# The fields of /health that programs outside may rely on.
_FOR_EVERYBODY = ("status", "provider", "gigachat_available")


async def root(request: web.Request) -> web.Response:
    """GET and HEAD /: clients ask the base path whether anybody is there."""
    body = {"name": "gpt2giga-proxy", "serves": SERVED}
    if is_operator(request):
        body["version"] = request.app[GATEWAY].version
    return _json(body)


async def livez(_request: web.Request) -> web.Response:
    """GET /livez: the process runs."""
    return _json({"live": True})


async def readyz(request: web.Request) -> web.Response:
    """GET /readyz: a request would be served."""
    reason = not_ready(request.app[GATEWAY], draining=request.app[DRAIN].draining)
    body: dict[str, Any] = {"ready": reason is None}
    if is_operator(request):
        body["reason"] = None if reason is None else reason.reason
    return _json(body, 200 if reason is None else 503)


async def health(request: web.Request) -> web.Response:
    """GET /health: 200 healthy and degraded, 503 otherwise; with what an operator asks first."""
    return _health(request.app, details=is_operator(request))


def health_on_metrics_port(app: web.Application) -> Handler:
    """GET /health of a gateway on its metrics port, which is for operators: all but web pages get the details."""

    async def health(request: web.Request) -> web.Response:
        return _health(app, details=not app[BROWSERS].shown_to_page(request))

    return health


def _health(app: web.Application, *, details: bool) -> web.Response:
    gateway, drain = app[GATEWAY], app[DRAIN]
    reason = not_ready(gateway, draining=drain.draining)
    worries = _worries(gateway, app[REQUESTS].streak, memory_gone=app[BODIES].memory.is_exhausted)
    body = _report(gateway, drain, reason, worries)
    if not details:
        body = {name: body[name] for name in _FOR_EVERYBODY}
    return _json(body, 200 if reason is None else 503)


def _report(gateway: Gateway, drain: Drain, reason: Worry | None, worries: list[Worry]) -> dict[str, Any]:
    token, monitor = gateway.keeper.status(), gateway.gigachat.monitor
    status, first = "healthy" if not worries else "degraded", reason or (worries[0] if worries else None)
    if reason is not None:
        status = "draining" if drain.draining else "unhealthy"
    return {
        "status": status,
        "provider": "gigachat",
        "gigachat_available": token.source != "none" and monitor.available is True,
        "reason": None if first is None else first.reason,
        "remedy": None if first is None else first.remedy,
        "token": {
            "source": token.source,
            "remaining_seconds": None if token.remaining is None else round(token.remaining, 1),
            "consecutive_failures": token.failures,
            "reason": token.reason,
            "remedy": token.remedy,
        },
        "fallback_usable": token.fallback,
        "last_upstream_success": _moment(monitor.last_success),
        "sandbox": gateway.gigachat.sandbox,
        "tls_verification": gateway.config.verify_ssl_certs,
        "requests_under_way": drain.under_way,
        "requests_waiting": gateway.gate.waiting,
        "slots": {"in_use": gateway.credential.slots.in_use, "limit": gateway.credential.slots.limit},
        "version": gateway.version,
    }


def not_ready(gateway: Gateway, *, draining: bool) -> Worry | None:
    """Why a request would not be served; None when it would."""
    if draining:
        return Worry("shutting down", None)
    token, monitor = gateway.keeper.status(), gateway.gigachat.monitor
    if token.source == "none":
        return Worry(f"no usable token: {token.reason}. {token.remedy}", token.remedy)
    if monitor.available is None:
        return Worry("GigaChat was not heard of yet", remedies.NOT_HEARD)
    return None if monitor.available else Worry(f"GigaChat is gone: {monitor.detail}", remedies.GIGACHAT_GONE)


def _worries(gateway: Gateway, streak: Streak, *, memory_gone: bool) -> list[Worry]:
    token, failing = gateway.keeper.status(), streak.worry()
    found = [] if failing is None else [Worry(failing, remedies.find_remedy(streak.kind()))]
    if token.source == "ready":
        why = "serving with the ready token, which cannot be renewed"
        found.append(Worry(why, token.remedy or remedies.SECOND_LEVEL))
    if token.failures:
        found.append(Worry(f"the token could not be renewed {token.failures} time(s): {token.reason}", token.remedy))
    if ("GIGACHAT_MODEL", gateway.config.model) in gateway.catalog.absent:
        found.append(Worry(f"GIGACHAT_MODEL: GigaChat has no model {gateway.config.model!r}", remedies.MODEL))
    if not gateway.config.verify_ssl_certs:
        why = "GIGACHAT_VERIFY_SSL_CERTS is off: anyone on the way can read keys and prompts"
        found.append(Worry(why, remedies.VERIFY))
    found += _find_queue_worries(gateway)
    if memory_gone:
        why = "the memory for requests is used up (GPT2GIGA_MAX_BODIES_BYTES): large ones get 503"
        found.append(Worry(why, remedies.MEMORY))
    return found


def _find_queue_worries(gateway: Gateway) -> list[Worry]:
    """What keeps requests waiting, or refuses them at once."""
    slots, waited = gateway.credential.slots, gateway.gate.oldest_wait()
    found = [
        Worry(f"the model {mask_model(name)} is not asked for a while: its requests fail", remedies.CIRCUIT)
        for name in gateway.circuits.open_models()
    ]
    if slots.is_lowered:
        why = f"GigaChat answers 429: it is asked {slots.limit} at a time instead of {slots.most}"
        found.append(Worry(why, remedies.LIMIT_LOWERED))
    elif slots.is_refused:
        found.append(Worry(f"GigaChat answers 429 though it is asked {slots.limit} at a time", remedies.LIMIT_LOWERED))
    if waited > _LONG_WAIT_SECONDS:
        found.append(
            Worry(f"requests wait {waited:.0f} s for their turn ({gateway.gate.waiting} of them)", remedies.QUEUE)
        )
    return found


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=client_json.dumps(body), status=status, content_type="application/json")
