"""What a request would become, for `python -m app translate`: the payload and every note, nothing sent."""

from __future__ import annotations

from typing import Any

from app.translate.gigachat import v1
from app.translate.models import ModelNames
from app.translate.openai import chat as openai_chat


def chat(
    body: dict[str, Any], model: str, embeddings_model: str, aliases: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    """The payload of POST /chat/completions and the notes by kind. Raises GatewayError as the gateway would."""
    request, notes = openai_chat.read(body, ModelNames(model, embeddings_model, aliases))
    payload, written = v1.write(request)
    shown = [{"kind": note.kind, "rule": note.rule, "path": note.path} for note in [*notes, *written]]
    return {"payload": payload, "notes": shown}
