"""The wiring: settings in, a web.Application out. Each resource is one async context; they end in reverse order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from aiohttp import web

from app.admission.authenticator import Authenticator
from app.admission.memory import Memory
from app.config import Config
from app.media.addresses import is_public
from app.observe import metrics as families
from app.observe.requests import RequestObserver
from app.server import cors, handlers
from app.server import health as health_pages
from app.server.app_keys import AUTHENTICATOR, BODIES, BROWSERS, DRAIN, GATEWAY, REQUESTS
from app.server.bodies import BodyBudget
from app.server.browser_guard import BrowserGuard
from app.server.delivery import delivery
from app.server.drain import Drain
from app.server.middlewares import access, authenticate, browsers, failures, send_continue, tell_client
from app.server.routes import API_FORMS, OPEN
from app.server.scrape import Scrape
from app.wiring import USUAL_TIMES, Times, open_gateway


def build(
    config: Config,
    *,
    public: Callable[[str], bool] = is_public,
    times: Times = USUAL_TIMES,
) -> web.Application:
    """The gateway for these settings. Its background tasks live while the application runs.

    `public` judges the addresses that clients' files may be fetched from; `times` are the waits and pauses.
    """
    drain, memory = Drain(), Memory(config.max_bodies_bytes)
    around = [access, delivery(drain, memory), failures, browsers, authenticate]
    # Bodies are bounded by BodyBudget, whose error is in the envelope.
    app = web.Application(middlewares=around, client_max_size=0)
    app[REQUESTS] = RequestObserver(families.shared(), sample=config.log_sample)
    app[REQUESTS].metrics.bodies.set_function(lambda: memory.limit - memory.left)
    app[BROWSERS] = BrowserGuard(config)
    app[AUTHENTICATOR] = Authenticator(config.api_key)
    app[DRAIN] = drain
    app[BODIES] = BodyBudget(config.max_body_bytes, config.body_seconds, memory)
    app.on_response_prepare.append(tell_client)
    api = [
        app.router.add_route(row.method, row.template, getattr(handlers, row.handler), expect_handler=send_continue)
        for row in API_FORMS
    ]
    for row in OPEN:
        if row.handler != "metrics":
            app.router.add_get(row.path, getattr(health_pages, row.handler))
        elif config.metrics_port is None:
            app.router.add_get(row.path, Scrape().get)
    if config.cors_origins:
        cors.setup(app, api, config.cors_origins)

    async def upstream(app: web.Application) -> AsyncIterator[None]:
        async with open_gateway(config, app[REQUESTS], drain, memory, public, times) as gateway:
            app[GATEWAY] = gateway
            yield

    app.cleanup_ctx.append(upstream)
    return app
