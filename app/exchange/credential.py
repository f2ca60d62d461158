"""What belongs to one credential of the operator's: its token, its health, its slots."""

from __future__ import annotations

from dataclasses import dataclass

from app.admission.slots import Slots
from app.observe.credentials import CredentialObserver
from app.upstream.tokens import TokenKeeper


@dataclass(frozen=True, slots=True)
class UpstreamCredential:
    """One credential."""

    keeper: TokenKeeper
    health: CredentialObserver
    slots: Slots

    @property
    def alias(self) -> str:
        """Its name for operators."""
        return self.health.alias
