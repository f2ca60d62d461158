"""Browsers of other origins: aiohttp-cors over the API's routes, and what it leaves out: `Vary: Origin`, and errors of
paths and methods that no route has, which a page could not read.
"""

from __future__ import annotations

import aiohttp_cors
from aiohttp import web

_EXPOSED = (
    "x-request-id",
    "x-gateway-idempotent",
    "x-gateway-queue-ms",
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

    async def complete(request: web.Request, response: web.StreamResponse) -> None:
        """A cache must not hand one origin's answer to another (aio-libs/aiohttp-cors#351)."""
        headers, origin = response.headers, request.headers.get("Origin")
        headers.add("Vary", "Origin")
        if response.status not in (404, 405) or origin is None or "Access-Control-Allow-Origin" in headers:
            return
        if origin in origins or "*" in origins:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = ",".join(_EXPOSED)
            if options.allow_credentials:
                headers["Access-Control-Allow-Credentials"] = "true"

    app.on_response_prepare.append(complete)
