"""The type by which the server knows the protocols of its clients."""

from __future__ import annotations

from app.translate.abilities import Abilities
from app.translate.dialogue import Answer, Text
from app.translate.models import ModelNames
from app.translate.openai.protocol import OPENAI
from app.translate.protocol import ClientProtocol, EmbeddingsProtocol, ModelsProtocol


def test_openais_protocol_is_one() -> None:
    """It does all that the server asks of one, and its requests know how they are answered."""
    chats: ClientProtocol = OPENAI
    embeddings: EmbeddingsProtocol = OPENAI
    models: ModelsProtocol = OPENAI
    names = ModelNames("GigaChat", "Embeddings")
    asked = chats.read({"messages": [{"role": "user", "content": "a"}]}, names)
    assert (asked.request.model, [note.rule for note in asked.notes]) == ("GigaChat", ["model=default"])
    assert asked.write([Answer("m", 7, [Text("b")], "stop", None, None)], "id")["id"] == "id"
    assert embeddings.read_embeddings({"input": "a"}, names, {})[0].texts == ["a"]
    assert models.write_models([], names, Abilities())["data"]
