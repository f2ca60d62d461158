"""What a request would become, for `python -m app translate`: the payload and every note, nothing sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.translate.dialogue import Note
from app.translate.gigachat import contracts
from app.translate.models import ModelNames
from app.translate.openai.protocol import OPENAI


def chat(
    body: dict[str, Any],
    model: str,
    embeddings_model: str,
    aliases: tuple[tuple[str, str], ...],
    repairs: Sequence[Note] = (),
) -> dict[str, Any]:
    """The payload of POST /chat/completions and the notes by kind. Raises GatewayError as the gateway would.

    `repairs`: what it cost to read the body as JSON.
    """
    asked = OPENAI.read(body, ModelNames(model, embeddings_model, aliases))
    payload, written = contracts.CHAT.write(asked.request, state_echo=True, as_function=False, files=None)
    shown = [{"kind": note.kind, "rule": note.rule, "path": note.path} for note in [*repairs, *asked.notes, *written]]
    return {"payload": payload, "notes": shown}
