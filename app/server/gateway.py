"""The rooms below the server, wired: what handlers ask."""

from __future__ import annotations

from dataclasses import dataclass

from app.config import Config
from app.exchange.catalog import Catalog
from app.exchange.chat import Chat
from app.exchange.embeddings import Embeddings
from app.translate.abilities import Abilities
from app.translate.models import ModelNames
from app.upstream.client import GigaChat
from app.upstream.tokens import TokenKeeper


@dataclass(frozen=True, slots=True)
class Gateway:
    """The rooms below, wired."""

    config: Config
    names: ModelNames
    abilities: Abilities
    chat: Chat
    embeddings: Embeddings
    catalog: Catalog
    gigachat: GigaChat
    keeper: TokenKeeper
    version: str
