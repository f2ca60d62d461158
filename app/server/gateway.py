"""The rooms below the server, wired: what handlers ask."""

from __future__ import annotations

from dataclasses import dataclass

from app.admission.circuits import Circuits
from app.admission.gate import Gate
from app.admission.idempotency import IdempotencyStore
from app.config import Config
from app.exchange.catalog import Catalog
from app.exchange.chat import Chat
from app.exchange.credential import UpstreamCredential
from app.exchange.embeddings import Embeddings
from app.exchange.runs import Runs
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
    credential: UpstreamCredential
    gate: Gate[UpstreamCredential]
    circuits: Circuits
    runs: Runs
    keys: IdempotencyStore
    version: str

    @property
    def keeper(self) -> TokenKeeper:
        """The tokens of the credential in use."""
        return self.credential.keeper
