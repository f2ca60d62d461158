"""What handlers share, by type: the keys of the application and of a request."""

from __future__ import annotations

from aiohttp import web

from app.admission.authenticator import Authenticator
from app.observe.request_record import RequestRecord
from app.observe.requests import RequestObserver
from app.server.bodies import BodyBudget
from app.server.browser_guard import BrowserGuard
from app.server.drain import Drain
from app.server.gateway import Gateway

GATEWAY = web.AppKey("gateway", Gateway)
REQUESTS = web.AppKey("requests", RequestObserver)
BROWSERS = web.AppKey("browsers", BrowserGuard)
AUTHENTICATOR = web.AppKey("authenticator", Authenticator)
DRAIN = web.AppKey("drain", Drain)
BODIES = web.AppKey("bodies", BodyBudget)
RECORD = web.RequestKey("record", RequestRecord)
