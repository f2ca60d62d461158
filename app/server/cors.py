"""Browsers of other origins: aiohttp-cors over the API's routes, and the `Vary: Origin` that it leaves out."""

from __future__ import annotations

import aiohttp_cors
from aiohttp import web

_EXPOSED = (
    "x-request-id",
    "x-gateway-upstream-ms",
    "x-gateway-overhead-ms",
    "x-gateway-adapted",
    "x-gateway-dropped",
    "x-should-retry",
    "retry-after",
)


def setup(app: web.Application, routes: list[web.AbstractRoute], origins: tuple[str, ...]) -> None:
    """Allow these origins on these routes. `*` never comes with credentials: a browser would refuse both together."""
    options = aiohttp_cors.ResourceOptions(  # type: ignore[no-untyped-call]
        allow_credentials="*" not in origins,
        expose_headers=_EXPOSED,
        allow_headers="*",
        allow_methods="*",
        max_age=3600,
    )
    cors = aiohttp_cors.setup(app, defaults=dict.fromkeys(origins, options))
    for route in routes:
        cors.add(route)
    app.on_response_prepare.append(_vary)


async def _vary(_request: web.Request, response: web.StreamResponse) -> None:
    """A cache must not hand one origin's answer to another (aio-libs/aiohttp-cors#351)."""
    response.headers.add("Vary", "Origin")
