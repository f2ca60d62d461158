"""What handlers share, by type: the keys of the application and of a request."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from app.admission.tenants import Door
from app.config import Config
from app.exchange.catalog import Catalog
from app.exchange.chat import Chat
from app.exchange.embeddings import Embeddings
from app.observe.facts import Facts
from app.observe.requests import RequestObserver
from app.server.bodies import BodyBudget
from app.server.drain import Drain
from app.translate.models import ModelNames
from app.upstream.client import GigaChat
from app.upstream.tokens import TokenKeeper


@dataclass(frozen=True, slots=True)
class Gateway:
    """The rooms below, wired."""

    config: Config
    names: ModelNames
    chat: Chat
    embeddings: Embeddings
    catalog: Catalog
    gigachat: GigaChat
    keeper: TokenKeeper
    version: str


GATEWAY = web.AppKey("gateway", Gateway)
REQUESTS = web.AppKey("requests", RequestObserver)
DOOR = web.AppKey("door", Door)
DRAIN = web.AppKey("drain", Drain)
BODIES = web.AppKey("bodies", BodyBudget)
FACTS = web.RequestKey("facts", Facts)
